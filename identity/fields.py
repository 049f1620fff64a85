"""Comparable forms of what else is known of an organisation: tax id, domain, e-mail, phone, address, postcode.

Not here: names (identity/names.py). Own code where a library would need what is often missing: a phone's country, an address of one country.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from identity.facts import domain_facts, stem, street_facts
from identity.letters import plain
from identity.names import ORDINAL, WORD

SEPARATORS = re.compile(r"[^0-9A-Za-z]")
EXTENSION = re.compile(r"(?:ext\.?|x|#|;|extension|durchwahl)\s*\d{1,6}\s*$", re.IGNORECASE)
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^@/?#]*@)?(?:www\d?\.)?([^/:?#\s,;]+)")
POST_BOX = re.compile(r"\bp\.?\s*o\.?\s*box\b")
NUMBERED = re.compile(r"^(\d+)([a-z]?)$")


@dataclass(frozen=True)
class Address:
    """`number`: of the house; `words`: of the street, sorted, without its kind."""

    number: str
    words: tuple[str, ...]

    @property
    def key(self) -> str | None:
        return f"{self.number} {' '.join(self.words)}" if self.number and self.words else None


def tax_id(text: str) -> str | None:
    """Letters and digits in upper case, without a country's code before digits; fewer than five, or one digit repeated, say nothing."""
    found = SEPARATORS.sub("", text).upper()
    if len(found) > 2 and found[:2].isalpha() and found[2:].isdigit():
        found = found[2:]
    return found if len(found) >= 5 and len(set(found)) > 1 and any(c.isdigit() for c in found) else None


def domain(text: str) -> str | None:
    """The domain that an organisation registered, of a URL, an e-mail address or a host; none where many share it."""
    found = HOST.match(text.strip().lower())
    labels = found[1].strip(".").split(".") if found else []
    if len(labels) < 2 or not all(labels) or labels[-1].isdigit():
        return None
    facts = domain_facts()
    if facts.shared & {".".join(labels), ".".join(labels[-2:]), ".".join(labels[-3:])}:
        return None
    return ".".join(labels[-3:] if ".".join(labels[-2:]) in facts.registered_under else labels[-2:])


def email(text: str) -> str | None:
    found = text.strip().lower()
    return found if found.count("@") == 1 and "." in found.partition("@")[2] else None


def phone(text: str) -> str | None:
    """Digits without extension, international prefix and trunk zero. Two agree if the shorter, of seven at least, ends the longer."""
    digits = re.sub(r"\D", "", EXTENSION.sub("", text.replace("(0)", "")))
    digits = digits.lstrip("0")
    return digits if 7 <= len(digits) <= 15 and len(set(digits)) > 1 else None


def address(text: str) -> Address:
    facts = street_facts()
    words: list[str] = []
    number = ""
    inside = False
    for word in WORD.findall(POST_BOX.sub("pobox", plain(text.strip().split("\n")[0])).replace(".", " ").replace("'", "").replace("#", " unit ")):
        if word in facts.inside and words:
            inside = True
            continue
        if inside and (any(c.isdigit() for c in word) or len(word) == 1):
            inside = False
            continue
        inside = False
        if not number and NUMBERED.match(word):
            number = word.lstrip("0") or word
            continue
        ordinal = ORDINAL.match(word)
        word = ordinal[1] if ordinal else facts.words.get(word, word)
        for ending in ("strasse", "str", "straat"):
            if word.endswith(ending) and len(word) > len(ending) + 2:
                word = word[: -len(ending)]
        words.append(word)
    named = [stem(word) for word in words if word not in facts.kinds] or words
    return Address(number, tuple(sorted(dict.fromkeys(named))))


def postcode(text: str) -> str | None:
    """Letters and digits; of a ZIP+4 the first five."""
    if found := re.match(r"^\s*(\d{5})-?\d{4}\s*$", text):
        return found[1]
    return SEPARATORS.sub("", text).upper() or None
