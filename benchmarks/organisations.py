"""Organisations made up, as two systems keep them: with typing errors, abbreviations, legal forms, moves, and siblings that are not the same.

Here: making them, with the truth. Not here: measuring (benchmarks/identity.py). Deterministic by seed.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from identity.records import COLUMNS

ONSETS = ["b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "qu", "r", "s", "st", "t", "tr", "v", "w", "z"]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ou"]
CODAS = ["", "", "l", "n", "r", "s", "t", "ck", "nd", "rt", "x", "m"]
TRADES = ["Electric", "Power", "Energy", "Water", "Gas", "Light", "Supply", "Logistics", "Transport", "Foods", "Bakery", "Dairy", "Engineering", "Construction", "Steel", "Metals", "Plastics", "Chemical", "Pharmaceuticals", "Medical", "Dental", "Insurance", "Finance", "Capital", "Investments", "Trading", "Wholesale", "Retail", "Textiles", "Furniture", "Paper", "Printing", "Publishing", "Media", "Software", "Systems", "Technology", "Consulting", "Services", "Solutions", "Security", "Cleaning", "Catering", "Travel", "Automotive", "Machinery", "Equipment", "Tools", "Hardware", "Manufacturing", "Industries", "Laboratories", "Instruments", "Optics", "Semiconductor", "Telecommunications", "Network", "Marine", "Aviation", "Rail", "Mining", "Petroleum", "Drilling", "Timber", "Farms", "Seeds", "Nursery", "Schools", "Academy", "Clinic", "Hospital", "Pharmacy", "Hotels", "Theatre", "Museum", "Sports", "Fitness", "Design", "Architecture", "Research", "Development", "Management", "Distribution", "Packaging", "Recycling", "Environmental"]
ADJECTIVES = ["American", "National", "First", "United", "General", "Advanced", "Modern", "Global", "Pacific", "Atlantic", "Central", "Northern", "Southern", "Eastern", "Western", "Royal", "Premier", "Superior", "Allied", "Consolidated", "Standard", "Independent"]
PUBLIC = ["City of {}", "County of {}", "University of {}", "Bank of {}", "Port of {}", "School District of {}", "Housing Authority of {}", "Public Service Company of {}"]
FORMS = {
    "US": ["Inc", "Inc.", "LLC", "Corp.", "Corporation", "Company", "Co", "L.L.C.", "Incorporated", ""], "GB": ["Ltd", "Limited", "PLC", "LLP", "Ltd."],
    "DE": ["GmbH", "AG", "GmbH & Co. KG", "KG", "e.K."], "FR": ["SA", "SARL", "S.A.S.", "S.A."], "IT": ["S.p.A.", "SRL", "S.r.l."], "NL": ["B.V.", "BV", "N.V."],
    "SE": ["AB", "Aktiebolag"], "ES": ["S.A.", "S.L.", "SL"], "PL": ["Sp. z o.o.", "S.A."], "MX": ["S.A. de C.V.", "SA de CV"], "AU": ["Pty Ltd", "Pty. Limited"],
}
SHORT = {
    "Electric": ["Elec", "El"], "Power": ["Pwr"], "Services": ["Svcs", "Svc", "Serv"], "Service": ["Svc"], "Manufacturing": ["Mfg"], "Company": ["Co"], "Association": ["Assn"],
    "International": ["Intl", "Int'l"], "American": ["Amer"], "National": ["Natl", "Nat'l"], "Systems": ["Sys"], "Technology": ["Tech"], "Management": ["Mgmt"],
    "Development": ["Dev"], "Engineering": ["Eng", "Engr"], "Equipment": ["Equip"], "University": ["Univ"], "Department": ["Dept"], "Hospital": ["Hosp"],
    "Distribution": ["Dist"], "Public": ["Pub"], "Construction": ["Constr"], "Industries": ["Ind", "Inds"], "Laboratories": ["Labs"], "Insurance": ["Ins"], "General": ["Gen"],
    "Street": ["St", "St."], "Avenue": ["Ave", "Ave.", "Av"], "Road": ["Rd"], "Drive": ["Dr"], "North": ["N", "N."], "South": ["S", "S."], "and": ["&"],
}
KINDS = ["Street", "Avenue", "Road", "Drive", "Lane", "Boulevard"]


@dataclass(frozen=True)
class Organisation:
    words: tuple[str, ...]
    form: str
    tax_id: str
    domain: str
    phone: str
    street: str
    city: str
    postcode: str
    country: str


def _coined(rng: random.Random, least: int = 2) -> str:
    word = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(rng.randint(least, 3) - 1)) + rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
    return word.capitalize()


def _new(rng: random.Random, places: list[str], families: list[str]) -> Organisation:
    kind = rng.random()
    place = rng.choice(places)
    if kind < 0.08:
        words = rng.choice(PUBLIC).format(place).split()
    elif kind < 0.30:
        words = [place, *rng.sample(TRADES, rng.randint(1, 2))]
    elif kind < 0.50:
        words = [rng.choice(families), *(["and", rng.choice(families)] if rng.random() < 0.3 else []), *rng.sample(TRADES, rng.randint(0, 2))]
    elif kind < 0.62:
        words = [rng.choice(ADJECTIVES), *rng.sample(TRADES, 2), *([place] if rng.random() < 0.4 else [])]
    else:
        words = [_coined(rng), *rng.sample(TRADES, rng.randint(0, 2))]
    country = rng.choices(list(FORMS), [40, 12, 10, 6, 5, 4, 4, 5, 4, 5, 5])[0]
    host = "".join(words[:2]).lower()
    return Organisation(
        tuple(words), "" if words[1:2] == ["of"] else rng.choice(FORMS[country]), f"{rng.randrange(10**8, 10**9)}", f"{host}{rng.choice(['', '', str(rng.randrange(99))])}.com",
        f"{rng.randrange(200, 990)}{rng.randrange(2_000_000, 9_999_999)}",
        f"{rng.randrange(1, 9000)} {rng.choice(['', '', 'North ', 'South '])}{rng.choice(families)} {rng.choice(KINDS)}", rng.choice(places), f"{rng.randrange(10000, 99999)}", country,
    )


def _sibling(rng: random.Random, one: Organisation) -> Organisation:
    """Another unit of the same family: a number, a direction or a place tells it apart; head office, domain and street may be shared."""
    mark = rng.choice([("North",), ("South",), (str(rng.randrange(2, 40)),), ("Store", str(rng.randrange(2, 400))), (rng.choice(ADJECTIVES),), (_coined(rng),)])
    other = replace(
        one, words=(*one.words, *mark), tax_id=f"{rng.randrange(10**8, 10**9)}", phone=one.phone[:3] + f"{rng.randrange(2_000_000, 9_999_999)}" if rng.random() < 0.85 else one.phone,
        domain=one.domain if rng.random() < 0.6 else f"x{one.domain}",
    )
    return other if rng.random() < 0.25 else replace(other, street=f"{rng.randrange(1, 9000)} {_coined(rng)} {rng.choice(KINDS)}", postcode=f"{rng.randrange(10000, 99999)}")


def _typo(rng: random.Random, word: str) -> str:
    at = rng.randrange(1, max(2, len(word) - 1))
    return rng.choice([word[:at] + word[at + 1 :], word[:at] + rng.choice("aeinorst") + word[at:], word[:at] + word[at : at + 2][::-1] + word[at + 2 :]])


def _written(rng: random.Random, words: list[str]) -> list[str]:
    words = [rng.choice(SHORT[word]) if word in SHORT and rng.random() < 0.3 else word for word in words]
    if rng.random() < 0.08:
        at = rng.randrange(len(words))
        words[at] = _typo(rng, words[at]) if len(words[at]) > 4 else words[at]
    return words


def row(rng: random.Random, one: Organisation, key: str, source: str, fill: float = 0.7) -> dict[str, str | None]:
    """As one system keeps it; `fill`: how often a field beside the name is known."""
    words = _written(rng, list(one.words))
    if len(words) > 2 and rng.random() < 0.05:
        words.pop()
    if words[1:2] == ["of"] and rng.random() < 0.3:
        words = [" ".join(words[2:]) + ",", words[0], "of"]
    if rng.random() < 0.02:
        words = [_coined(rng), *words[1:]]  # renamed
    form = one.form if rng.random() < 0.5 or not one.form else rng.choice([*FORMS[one.country], ""])
    name = " ".join([*words, form]).strip()
    name = rng.choice([name, name, name.upper(), name.replace(" " + form, ", " + form) if form else name])
    moved = rng.random() < 0.06
    street = f"{rng.randrange(1, 9000)} {_coined(rng)} {rng.choice(KINDS)}" if moved else " ".join(_written(rng, one.street.split()))
    phone = one.phone if rng.random() < 0.9 else f"{rng.randrange(200, 990)}{rng.randrange(2_000_000, 9_999_999)}"
    spelled = rng.choice([phone, f"({phone[:3]}) {phone[3:6]}-{phone[6:]}", f"+1 {phone[:3]} {phone[3:6]} {phone[6:]}"])
    values: dict[str, str | None] = {
        "tax_id": one.tax_id if rng.random() < 0.5 else None, "domain": rng.choice([one.domain, f"http://www.{one.domain}/"]), "email": None, "phone": spelled, "street": street,
        "city": one.city, "postcode": one.postcode if not moved else f"{rng.randrange(10000, 99999)}", "country": one.country,
    }
    kept = {column: value if rng.random() < fill else None for column, value in values.items()}
    return {"record_key": key, "source": source, "name": name, "parent_key": None, **kept}


def two_systems(count: int, *, seed: int = 7, shared: float = 0.6, fill: float = 0.7) -> tuple[list[dict[str, str | None]], set[tuple[str, str]]]:
    """Rows of systems A and B with `count` records each, and the pairs that are one organisation."""
    rng = random.Random(seed)
    places = [_coined(rng, 2) + rng.choice(["", "ville", "ton", " City", "berg", "field"]) for _ in range(max(50, count // 40))]
    families = [_coined(rng, 2) for _ in range(max(50, count // 15))]
    rows, truth = [], set()
    in_a = in_b = 0
    last = _new(rng, places, families)
    while in_a < count or in_b < count:
        one = last = _sibling(rng, last) if rng.random() < 0.12 and len(last.words) < 5 else _new(rng, places, families)
        where = "AB" if rng.random() < shared / (2 - shared) else rng.choice("AB")
        if "A" in where and in_a < count:
            rows.append(row(rng, one, f"a{in_a:06d}", "A", fill))
            in_a += 1
        if "B" in where and in_b < count:
            rows.append(row(rng, one, f"b{in_b:06d}", "B", fill))
            in_b += 1
            if "A" in where and in_a <= count and rows[-2:][0]["source"] == "A":
                truth.add((f"a{in_a - 1:06d}", f"b{in_b - 1:06d}"))
    return rows, truth


def write(rows: list[dict[str, str | None]], source: str, path: Path) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        writer.writerows(one for one in rows if one["source"] == source)
