"""Customers that no key ties together: ids of the other systems and tax ids withheld, names as different people write them.

Not a fault: nothing is wrong with such a company, it only kept no links. The truth of who is who stays in the world's keys.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from sandbox.world.model import Customer, View

_FORMS = {
    "Inc.": ("Incorporated", "Inc", ""), "LLC": ("L.L.C.", "Limited Liability Company", ""), "Corp.": ("Corporation", "Corp", ""),
    "Ltd": ("Limited", "Ltd.", ""), "PLC": ("Public Limited Company", "plc", ""), "GmbH": ("Gesellschaft mbH", "G.m.b.H.", ""),
    "AG": ("Aktiengesellschaft", "AG", ""), "SARL": ("S.A.R.L.", "Sarl", ""), "SAS": ("S.A.S.", ""), "K.K.": ("KK", "Kabushiki Kaisha", ""),
    "W.L.L.": ("WLL", ""),
}
_SHORT = {
    "Analytics": "Analyt.", "Instruments": "Instr.", "Interiors": "Int.", "Laboratories": "Labs", "Logistics": "Logist.", "Packaging": "Pack.",
    "Pharma": "Pharmaceuticals", "Software": "SW", "Textiles": "Textil.", "Electronics": "Electr.", "International": "Intl", "Services": "Svcs",
}
_FREE_MAIL = "gmail.com"


def withhold_keys(views: Mapping[str, View], share: float, untouched: set[int], rng: random.Random) -> None:
    """Take ids and tax ids from that share of the customers outside the ERP, and write their names another way in each system."""
    erp = {row.key: row for row in views["erp"].customers}
    chosen = {key for key in sorted(erp) if rng.random() < share and key not in untouched}
    for key in chosen:
        erp[key].erp_customer = None  # the ERP names no account of the CRM either
    for role in ("crm", "billing", "support"):
        for row in views[role].customers:
            if row.key in chosen:
                _rewrite(row, rng, loses_domain=rng.random() < (0.5 if role != "support" else 0.25))


def _rewrite(row: Customer, rng: random.Random, *, loses_domain: bool) -> None:
    row.name = another_spelling(row.name, rng)
    row.erp_customer, row.tax_id = None, ""
    if loses_domain:
        row.domain, row.email = "", f"{row.email.partition('@')[0]}.{row.key}@{_FREE_MAIL}"


def another_spelling(name: str, rng: random.Random) -> str:
    """The name with its legal form written otherwise or left out, and one more liberty: a slip of the finger, a short word, or capitals."""
    *words, form = name.split()
    told = rng.choice(_FORMS[form]) if form in _FORMS else form
    draw = rng.random()
    if draw < 0.45:
        words = _slip(words, rng)
    elif draw < 0.6:
        words = [_SHORT.get(word, word) for word in words]
    elif draw < 0.8:
        words = [word.upper() for word in words]
    return " ".join([*words, told]).strip()


def _slip(words: list[str], rng: random.Random) -> list[str]:
    """One letter of the longest word is left out, doubled, or changed places with the next."""
    place = max(range(len(words)), key=lambda number: len(words[number]))
    word = words[place]
    if len(word) < 4:
        return words
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    slipped = word[:at] + word[at + 1:] if kind == 0 else word[:at] + word[at] + word[at:] if kind == 1 else word[:at] + word[at + 1] + word[at] + word[at + 2:]
    return [*words[:place], slipped, *words[place + 1:]]
