"""The normal form of an organisation's name: its words without legal form, what sets it apart from its siblings, its initials.

Not here: addresses and numbers (identity/fields.py), how alike two normal forms are (identity/agreement.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from identity.facts import Phrase, name_facts, stem
from identity.letters import plain

POINTED = re.compile(r"(?<![^\W\d_])((?:[^\W\d_]\.\s?){1,}[^\W\d_])\b\.?")  # L.L.C., S. A., U.S.
APOSTROPHE = re.compile(r"['’`´]|(?<=\w)[\"״](?=\w)")
WORD = re.compile(r"[^\W_]+")
BRACKET = re.compile(r"[(\[{]([^)\]}]*)[)\]}]?")
SECOND = re.compile(r"\b(?:d\s*[/.]\s*b\s*[/.]\s*a|t\s*/\s*a|a\s*/\s*k\s*/\s*a|f\s*/\s*k\s*/\s*a)\b\.?", re.IGNORECASE)
MESSRS = re.compile(r"^\s*m/s\b\.?")
MISREAD = re.compile(r"(?<=[^\W\d_]{2})[015]+(?=[^\W\d_])")  # BLACKW00D: a digit within a word is a letter read wrongly
LETTERS_READ = str.maketrans("015", "ols")
DANGLING = frozenset(("and", "und", "et", "the", "of", "de"))
BEFORE_NUMBER = frozenset(("no", "nr", "num", "number"))
ROMAN = {"i": "1", "v": "5", "x": "10"}  # at the end of a name only: elsewhere they are letters
ORDINAL = re.compile(r"^0*(\d+)(?:st|nd|rd|th)?$")


@dataclass(frozen=True)
class Name:
    """`words`: canonical, in order, each once. `key`: the same whatever the order. `marks`: numbers and directions that name a unit."""

    key: str
    words: tuple[str, ...]
    marks: tuple[str, ...]
    form: str
    initials: str
    compact: str


@lru_cache(maxsize=1 << 16)
def _canonical(word: str) -> str:
    facts = name_facts()
    if word in facts.numbers:
        return facts.numbers[word]
    if ordinal := ORDINAL.match(word):
        return ordinal[1]
    if word in facts.marks:
        return facts.words.get(word, word)
    return stem(facts.words.get(word, word))


@cache
def _unspaced() -> re.Pattern[str]:
    """Legal forms of languages that write no space before them."""
    forms = (phrase[0] for phrases in name_facts().forms.values() for phrase in phrases if len(phrase) == 1 and len(phrase[0]) > 2 and phrase[0][0] >= "\u3000")
    return re.compile("|".join(sorted(forms, key=lambda form: (-len(form), form))))


def _words(text: str) -> list[str]:
    if not text.isascii():
        text = _unspaced().sub(lambda found: f" {found[0]} ", text)
    text = MISREAD.sub(lambda found: found[0].translate(LETTERS_READ), MESSRS.sub("", text))
    text = POINTED.sub(lambda found: re.sub(r"[.\s]", "", found[1]) + " ", text)
    text = APOSTROPHE.sub("", text).replace("&", " and ").replace("+", " and ")
    merged: list[str] = []
    spelled = ""  # L L C
    for word in WORD.findall(text):
        if len(word) == 1 and word.isalpha():
            spelled += word
            continue
        if len(spelled) == 1 and word.isdigit():
            word, spelled = spelled + word, ""
        if spelled:
            merged.append(spelled)
            spelled = ""
        if word[0].isdigit() and merged and merged[-1] in BEFORE_NUMBER:
            merged.pop()
        merged.append(word)
    return [*merged, spelled] if spelled else merged


@lru_cache(maxsize=8)
def _by_first(where: str) -> dict[str, list[Phrase]]:
    """The phrases of 'places', 'second', 'spelled out' or a position of legal forms by their first word, the longest first."""
    facts = name_facts()
    phrases: Iterable[Phrase] = {"places": facts.places, "second": facts.second_name, "spelled out": facts.spelled_out}.get(where) or facts.forms[where]
    found: dict[str, list[Phrase]] = {}
    for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase)):
        found.setdefault(phrase[0], []).append(phrase)
    return found


@lru_cache(maxsize=8)
def _by_last(where: str) -> dict[str, list[Phrase]]:
    found: dict[str, list[Phrase]] = {}
    for phrase in sorted(name_facts().forms[where], key=lambda phrase: (-len(phrase), phrase)):
        found.setdefault(phrase[-1], []).append(phrase)
    return found


def _phrase_at(words: list[str], at: int, where: str) -> Phrase | None:
    for phrase in _by_first(where).get(words[at], ()):
        if len(phrase) == 1 or tuple(words[at : at + len(phrase)]) == phrase:
            return phrase
    return None


def _without_forms(words: list[str]) -> tuple[list[str], str]:
    """What is left of the words, and the first kind of legal form found. A name of legal forms alone keeps its words."""
    forms, kind, kept = name_facts().forms, "", list(words)
    at = 0
    while at < len(kept):
        phrase = _phrase_at(kept, at, "anywhere")
        if phrase and len(kept) > len(phrase):
            kind = forms["anywhere"][phrase] if not kind or kind in ("company", "corporation") else kind
            del kept[at : at + len(phrase)]
        else:
            at += 1
    again = True
    while again and len(kept) > 1:
        again = False
        while len(kept) > 1 and kept[-1] in DANGLING:
            kept.pop()
        for where in ("trailing", "leading"):
            for phrase in _by_last(where).get(kept[-1], ()):
                if len(phrase) < len(kept) and tuple(kept[-len(phrase) :]) == phrase:
                    kind, again = kind or forms[where][phrase], True
                    del kept[-len(phrase) :]
                    break
        if (head := _phrase_at(kept, 0, "leading")) and len(head) < len(kept):
            kind, again = kind or forms["leading"][head], True
            del kept[: len(head)]
    return kept, kind


def _replaced(words: list[str], where: str, by: Mapping[Phrase, Phrase]) -> list[str]:
    """With each phrase, the longest first, as what it stands for."""
    found, at = list[str](), 0
    while at < len(words):
        phrase = _phrase_at(words, at, where)
        found += by[phrase] if phrase else words[at : at + 1]
        at += len(phrase) if phrase else 1
    return found


def _spoken(words: list[str]) -> list[str]:
    """Without words that carry nothing; a single letter carries something unless it stands between words."""
    nothing, last = name_facts().nothing, len(words) - 1
    kept = [
        word for at, word in enumerate(words)
        if word not in nothing or (len(word) == 1 and (at == last or (at == 0 and word != "a") or words[at + 1] == "and" or words[at - 1] == "and"))
    ]
    return kept or words


def _without_acronym(words: list[str]) -> list[str]:
    """Without a first or last word of the initials of the others: State Bank of India (SBI)."""
    for acronym, rest in ((words[-1:], words[:-1]), (words[:1], words[1:])):
        if len(rest) >= 3 and acronym == ["".join(word[0] for word in rest)]:
            return rest
    return words


def normal_form(text: str) -> Name:
    """The normal form of one name; of a text without a letter or digit, an empty one."""
    facts = name_facts()
    bare, form = _without_forms(_replaced(_words(plain(text)), "spelled out", facts.spelled_out))
    spoken = _spoken(bare)
    canonical = _without_acronym([_canonical(word) for word in _replaced(spoken, "places", facts.places)])
    if len(canonical) > 1:
        canonical[-1] = ROMAN.get(canonical[-1], canonical[-1])
    words = tuple(dict.fromkeys(canonical))
    marks = {facts.marks[word] for word in words if word in facts.marks}
    marks |= {f"number:{word}" for word in words if any(c.isdigit() for c in word)}
    if len(words) > 1 and len(words[-1]) == 1 and words[-1].isalpha():
        marks.add(f"number:{words[-1]}")  # Unit A
    return Name(
        key=" ".join(sorted(words)), words=words, marks=tuple(sorted(marks)), form=form,
        initials="".join(word[0] for word in dict.fromkeys(spoken)) if len(spoken) >= 3 else "", compact="".join(canonical),
    )


def normal_forms(text: str) -> tuple[Name, ...]:
    """A name may hold two: one in brackets, one after 'doing business as'. The whole of it first, then what stands alone."""
    whole = normal_form(SECOND.sub(" ", BRACKET.sub(r" \1 ", text)))
    whole_words = _words(plain(text))
    found = [whole]
    parts = [BRACKET.sub(" ", text)] if "(" in text or "[" in text or "{" in text else []
    # of brackets, what has a legal form of its own is a name, and no place or branch
    parts += [inside for inside in BRACKET.findall(text) if (within := normal_form(inside)).form and len(within.words) > 1]
    parts += SECOND.split(text) if SECOND.search(text) else []
    words = whole_words
    for at in range(1, len(words)):
        if phrase := _phrase_at(words, at, "second"):
            parts += [" ".join(words[:at]), " ".join(words[at + len(phrase) :])]
    for part in parts:
        name = normal_form(part)
        if name.key and len(name.key) > 2 and all(name.key != other.key for other in found):
            found.append(name)
    return tuple(found[:4])
