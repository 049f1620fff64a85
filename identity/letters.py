"""One way to write a letter: lower case, without accents, Cyrillic and Greek in Latin letters. Not here: words and what they stand for."""

from __future__ import annotations

import unicodedata

_LATIN = {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
# As firms write themselves abroad, roughly: the same for both ways to write a name is all that is asked.
_CYRILLIC = dict(zip("абвгдезийклмнопрстуфхыэёіґўјћ", "abvgdeziiklmnoprstufhyeeigujc", strict=True)) | {
    "ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "ї": "yi", "є": "ye", "љ": "lj", "њ": "nj", "ђ": "dj", "џ": "dz", "ъ": "", "ь": "",
}
_GREEK = dict(zip("αβγδεζηικλμνξοπρστυφω", "avgdeziiklmnxoprstyfo", strict=True)) | {"θ": "th", "χ": "ch", "ψ": "ps"}
LETTERS = str.maketrans(_LATIN | _CYRILLIC | _GREEK)


def plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS))
    # marks are no letters to a regular expression, so that Hindi would fall to pieces; put together again, or a Korean syllable would be three letters
    return unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.category(c).startswith("M"))).translate(LETTERS)
