"""The facts that normal forms rest on, read from identity/facts/*.yml. Not here: how they are applied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent / "facts"
Phrase = tuple[str, ...]


@dataclass(frozen=True)
class NameFacts:
    """Phrases are tuples of words. `forms`: by where they may stand ('anywhere', 'leading', 'trailing') the phrase and its kind."""

    forms: dict[str, dict[Phrase, str]]
    nothing: frozenset[str]
    second_name: frozenset[Phrase]
    words: dict[str, str]  # as written: what it stands for
    places: dict[Phrase, Phrase]
    spelled_out: dict[Phrase, Phrase]
    known: frozenset[str]  # words of the trade and places: common in any list of organisations, however small
    marks: dict[str, str]  # word: 'direction:north'
    numbers: dict[str, str]


@dataclass(frozen=True)
class StreetFacts:
    words: dict[str, str]
    kinds: frozenset[str]
    inside: frozenset[str]


@dataclass(frozen=True)
class DomainFacts:
    shared: frozenset[str]
    registered_under: frozenset[str]


def _read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8")))


@cache
def name_facts() -> NameFacts:
    words, forms = _read("words"), _read("legal_forms")
    meanings: dict[str, set[str]] = {}
    for word, written in words["abbreviations"].items():
        for short in written:
            meanings.setdefault(str(short), set()).add(str(word))
    meanings["st"] = {"saint"}  # within a name; a street's name stands in the address
    stands_for = {short: next(iter(full)) for short, full in meanings.items() if len(full) == 1}  # 'trans' stays: it may be three words
    places: dict[Phrase, Phrase] = {}
    for place, written in words["places"].items():
        for text in [place, *written]:
            places[tuple(str(text).split())] = (place.replace(" ", ""),)
    marks = {
        str(word): f"{kind}:{value}" for kind, values in words["distinctions"].items() for value, written in values.items() for word in written
    }
    return NameFacts(
        forms={
            where: {tuple(str(phrase).split()): kind for kind, phrases in forms[where].items() for phrase in phrases}
            for where in ("anywhere", "leading", "trailing")
        },
        nothing=frozenset(str(word) for word in words["nothing"]),
        second_name=frozenset(tuple(str(phrase).split()) for phrase in words["also_known_as"]),
        words=stands_for,
        places=places,
        spelled_out={tuple(str(text).split()): tuple(full.split()) for full, written in words["spelled_out"].items() for text in written},
        known=frozenset(stem(str(word)) for word in words["abbreviations"]) | frozenset(stem(word) for word in marks) | frozenset(word for (word,) in places.values()),
        marks=marks,
        numbers={str(word): str(number) for word, number in words["numbers"].items()},
    )


@cache
def street_facts() -> StreetFacts:
    facts = _read("streets")
    words: dict[str, str] = {}
    for word, written in facts["words"].items():
        for short in written:
            words.setdefault(str(short), str(word))  # 'st' is a street before it is a saint
    return StreetFacts(words, frozenset(facts["kinds"]), frozenset(str(word) for word in facts["inside"]))


@cache
def domain_facts() -> DomainFacts:
    facts = _read("domains")
    return DomainFacts(frozenset([*facts["mail"], *facts["pages"]]), frozenset(facts["registered_under"]))


def legal_form_words() -> list[str]:
    """Single words and codes that a name ends in, for callers that know only a list of words (the warehouse's macro), sorted."""
    forms = name_facts().forms
    return sorted({" ".join(phrase) for where in ("anywhere", "trailing") for phrase in forms[where] if len(phrase) == 1 and phrase[0].isascii()})


def stem(word: str) -> str:
    """The singular, roughly: the same for both numbers is all that is asked."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
