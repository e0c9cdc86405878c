"""How alike two names of columns or tables are: by letters, by known abbreviations, by meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from plugins.core.embeddings import encode

_LONG = {
    "amt": "amount", "qty": "quantity", "num": "number", "no": "number", "nr": "number", "nbr": "number",
    "cnt": "count", "dt": "date", "ts": "timestamp", "tm": "time", "dob": "date of birth", "addr": "address",
    "cust": "customer", "acct": "account", "acc": "account", "desc": "description", "descr": "description",
    "cat": "category", "ctry": "country", "cd": "code", "st": "status", "stat": "status", "tel": "phone",
    "telephone": "phone", "mob": "mobile", "fname": "first name", "lname": "last name", "firstname": "first name",
    "lastname": "last name", "surname": "last name", "forename": "first name", "msg": "message", "pct": "percent",
    "perc": "percent", "avg": "average", "min": "minimum", "max": "maximum", "org": "organisation",
    "dept": "department", "emp": "employee", "mgr": "manager", "prod": "product", "inv": "invoice", "ord": "order",
    "txn": "transaction", "trx": "transaction", "tx": "transaction", "usr": "user", "uid": "user id",
    "pwd": "password", "img": "image", "lat": "latitude", "lon": "longitude", "lng": "longitude",
    "zip": "postcode", "postal": "postcode", "zipcode": "postcode", "yr": "year", "mth": "month", "wt": "weight",
    "ht": "height", "len": "length", "src": "source", "dst": "destination", "ref": "reference", "lang": "language",
    "loc": "location", "pos": "position", "val": "value", "curr": "currency", "ccy": "currency", "upd": "updated",
    "crt": "created", "del": "deleted", "is": "", "fk": "", "pk": "", "col": "column", "idx": "index",
    "seq": "sequence", "grp": "group", "svc": "service", "disc": "discount", "ship": "shipping", "bal": "balance",
}  # fmt: skip


def words(name: str) -> str:
    """The words of a name in any style, abbreviations written out: `custAddr_1` → `customer address 1`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])", " ", name)
    parts = re.split(r"[^0-9A-Za-z\u0080-\uffff]+", spaced.lower())
    return " ".join(_LONG.get(part, part) for part in parts if part).strip() or name.lower()


def alike(old: Sequence[str], new: Sequence[str]) -> NDArray[np.float64]:
    """0..1 for every pair; 1 for names that differ only in case or punctuation; shape (len(old), len(new))."""
    if not old or not new:
        return np.zeros((len(old), len(new)))
    left, right = [words(name) for name in old], [words(name) for name in new]
    letters = np.asarray(process.cdist(left, right, scorer=fuzz.token_sort_ratio), dtype=np.float64) / 100
    plain = np.asarray(process.cdist(old, new, scorer=fuzz.ratio), dtype=np.float64) / 100
    meaning = np.clip(encode(left) @ encode(right).T, 0, 1).astype(np.float64)
    mixed = 0.5 * np.maximum(letters, plain) + 0.5 * meaning
    one, two = (np.array([re.sub(r"\W|_", "", text.lower()) or text for text in side]) for side in (old, new))
    return np.where(one[:, None] == two[None, :], 1.0, np.minimum(mixed, 0.99))
