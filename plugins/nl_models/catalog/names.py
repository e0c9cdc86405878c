"""Names as words: `PetType`, `pet_type` and `Pet Types` are all ("pet", "type")."""

from __future__ import annotations

import re
from functools import cache

from plugins.nl_models.words.english import english

# Comparatives and superlatives that the dictionary takes for words of their own.
_IRREGULAR = {
    "bigger": "big",
    "hotter": "hot",
    "worse": "bad",
    "eldest": "old",
    "elder": "old",
    "percentage": "percent",
}
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
# Names that are not longer are initials, not words that could be inflected.
_SHORTEST = 3
# With what warehouses begin the names of tables.
_KINDS_OF_TABLES = frozenset({"dim", "fct", "fact", "tbl", "tb", "t"})
# What their names end with where it says nothing.
_ENDS_OF_TABLES = frozenset({"tbl", "reference", "master", "info", "list"})
_ABBREVIATIONS = {
    "num": "number",
    "nm": "name",
    "cd": "code",
    "spp": "species",
    "cnt": "count",
    "ct": "count",
    "annl": "annual",
    "popn": "population",
    "pop": "population",
    "yrs": "year",
    "svc": "service",
    "estab": "established",
    "sal": "salary",
    "bal": "balance",
    "acct": "account",
    "inv": "invoice",
    "trx": "transaction",
    "txn": "transaction",
    "org": "organization",
    "loc": "location",
    "ref": "reference",
    "sci": "scientific",
    "len": "length",
    "wt": "weight",
    "ht": "height",
    "dist": "distance",
    "temp": "temperature",
    "freq": "frequency",
    "veh": "vehicle",
    "appt": "appointment",
    "hosp": "hospital",
    "mfr": "manufacturer",
    "ctry": "country",
    "no": "number",
    "nr": "number",
    "nbr": "number",
    "dt": "date",
    "mgr": "manager",
    "qty": "quantity",
    "amt": "amount",
    "avg": "average",
    "max": "maximum",
    "min": "minimum",
    "fname": "first name",
    "lname": "last name",
    "dob": "date birth",
    "addr": "address",
    "desc": "description",
    "dept": "department",
    "emp": "employee",
    "cust": "customer",
    "prod": "product",
    "cat": "category",
    "curr": "currency",
    "pct": "percent",
    "tel": "telephone",
    "yr": "year",
    "lang": "language",
    "src": "source",
    "dest": "destination",
    "stu": "student",
}


@cache
def lemma(word: str) -> str:
    """A word's base form, in lower case: `cities` → `city`, `older` → `old`."""
    lower = word.lower()
    if lower.isdigit() or len(lower) == 1:
        return lower
    return _IRREGULAR.get(lower) or english().lemma(lower)


@cache
def words_of(name: str) -> tuple[str, ...]:
    """The lemmas of an identifier's or a label's words, abbreviations written out."""
    pieces = re.split(r"[\W_]+", name)
    parts = [
        part.lower()
        for piece in pieces
        for part in ([piece] if piece.lower() in _ABBREVIATIONS else _PART.findall(piece))
    ]
    spelled = [word for part in parts for word in _spelled(part, len(parts)).split()]
    if len(spelled) == 1 and len(spelled[0]) <= _SHORTEST:
        # `did` is the key of departments, and no verb.
        return tuple(spelled)
    return tuple(lemma(word) for word in spelled)


@cache
def table_words(name: str) -> tuple[str, ...]:
    """What a table's rows are, by its name: `main_marts.fct_orders` and `Orders` are both ("order",)."""
    words = words_of(name.rpartition(".")[2])
    words = words[1:] if len(words) > 1 and words[0] in _KINDS_OF_TABLES else words
    return words[:-1] if len(words) > 1 and words[-1] in _ENDS_OF_TABLES else words


def _spelled(part: str, parts: int) -> str:
    # A whole name such as `cat` or `no` is a word; within a longer name it is short for something.
    return part if parts == 1 and part in ("cat", "no", "desc") else _ABBREVIATIONS.get(part, part)
