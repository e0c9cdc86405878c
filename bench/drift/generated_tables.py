"""Tables of several domains with seeded rows, and what goes on in them from one load to the next.

A `Frame` is a table as lists of Python values by column. Nothing here is shared with the detector.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from plugins.schema_drift.table import Column, SeenTable, Table

_RETAIL = Path(__file__).parents[2] / "demo" / "data" / "online_retail.parquet"
_FIRST = [
    "Ada",
    "Ben",
    "Chloe",
    "Dev",
    "Elif",
    "Femi",
    "Grace",
    "Hugo",
    "Ines",
    "Jan",
    "Kemal",
    "Lea",
    "Mia",
    "Noor",
    "Omar",
    "Pia",
    "Quinn",
    "Rosa",
    "Sven",
    "Tara",
    "Uma",
    "Vik",
]
_LAST = [
    "Abel",
    "Berg",
    "Costa",
    "Diaz",
    "Evans",
    "Fox",
    "Gray",
    "Haas",
    "Ito",
    "Jones",
    "Khan",
    "Lopez",
    "Meyer",
    "Novak",
    "Okoye",
    "Park",
    "Reed",
    "Silva",
    "Tran",
    "Weber",
]
_CITIES = [
    "Leeds",
    "Lyon",
    "Porto",
    "Bergen",
    "Gdansk",
    "Graz",
    "Cork",
    "Ghent",
    "Malmo",
    "Turin",
    "Split",
    "Tartu",
    "Brno",
    "Kiel",
    "Faro",
    "Nice",
]


@dataclass(frozen=True)
class Frame:
    """columns: values by name. types: DuckDB's, by name. roles: what a column is good for, by name."""

    columns: dict[str, list]
    types: dict[str, str]
    roles: dict[str, str]
    key: str

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.columns[self.key])

    def only(self, places: list[int]) -> Frame:
        """The rows at some places."""
        return replace(self, columns={name: [values[p] for p in places] for name, values in self.columns.items()})


Spec = list[tuple[str, str, str, Callable[[random.Random, int], object]]]


def _spread(rng: random.Random, middle: float, digits: int = 2) -> float:
    return round(middle * rng.lognormvariate(0, 0.6), digits)


def _day(rng: random.Random, n: int) -> date:
    return date(2022, 1, 1) + timedelta(days=rng.randrange(1200))


def _moment(rng: random.Random, n: int) -> datetime:
    return datetime(2024, 1, 1) + timedelta(minutes=11 * n, seconds=rng.randrange(600))


def _status(rng: random.Random) -> str:
    return rng.choices(["open", "paid", "shipped", "returned"], [2, 3, 8, 1])[0]


def _voucher(rng: random.Random) -> str:
    return f"{rng.choice('ABCD')}{rng.randrange(10)}-{rng.randrange(1000, 9999)}"


_SPECS: dict[str, Spec] = {
    "orders": [
        ("order_id", "bigint", "key", lambda r, n: 10_000 + n),
        ("customer_id", "bigint", "id", lambda r, n: r.randrange(1, 4_000)),
        ("ordered_at", "timestamp", "moment", _moment),
        ("ship_date", "date", "day", _day),
        ("unit_price", "double", "amount", lambda r, n: _spread(r, 20)),
        ("freight", "double", "amount", lambda r, n: _spread(r, 6)),
        ("quantity", "integer", "count", lambda r, n: 1 + int(r.expovariate(0.3))),
        ("status", "varchar", "enum", lambda r, n: _status(r)),
        ("customer_name", "varchar", "name", lambda r, n: f"{r.choice(_FIRST)} {r.choice(_LAST)}"),
        ("city", "varchar", "text", lambda r, n: r.choice(_CITIES)),
        ("voucher", "varchar", "code", lambda r, n: None if r.random() < 0.6 else _voucher(r)),
        ("is_gift", "boolean", "flag", lambda r, n: r.random() < 0.2),
    ],
    "patients": [
        ("patient_no", "bigint", "key", lambda r, n: 500 + 3 * n),
        ("family_doctor", "varchar", "name", lambda r, n: f"{r.choice(_FIRST)} {r.choice(_LAST)}"),
        ("birth_date", "date", "day", lambda r, n: date(1930, 1, 1) + timedelta(days=r.randrange(30_000))),
        ("weight_kg", "double", "amount", lambda r, n: round(r.gauss(72, 14), 1)),
        ("height_m", "double", "amount", lambda r, n: round(r.gauss(1.7, 0.1), 2)),
        ("blood_group", "varchar", "enum", lambda r, n: r.choices(["A+", "0+", "B+", "AB-"], [5, 6, 2, 1])[0]),
        ("ward", "varchar", "code", lambda r, n: f"W{r.randrange(1, 9)}-{r.randrange(100, 400)}"),
        ("admitted_at", "timestamp", "moment", _moment),
        ("insurer_ref", "varchar", "text", lambda r, n: f"{r.randrange(10**9):09d}"),
        ("smoker", "boolean", "flag", lambda r, n: r.random() < 0.3),
    ],
    "sensors": [
        ("reading_id", "bigint", "key", lambda r, n: n),
        ("device", "varchar", "code", lambda r, n: f"dv{r.randrange(40):02d}-{r.choice('xyz')}"),
        ("read_at", "timestamp", "moment", _moment),
        ("temperature", "double", "amount", lambda r, n: round(r.gauss(19, 6), 2)),
        ("humidity", "double", "amount", lambda r, n: round(r.uniform(20, 95), 1)),
        ("latency", "double", "amount", lambda r, n: _spread(r, 0.8, 4)),
        ("battery", "integer", "count", lambda r, n: r.randrange(5, 101)),
        ("state", "varchar", "enum", lambda r, n: r.choices(["ok", "warn", "fail"], [9, 2, 1])[0]),
        ("firmware", "varchar", "text", lambda r, n: f"{r.randrange(1, 4)}.{r.randrange(10)}.{r.randrange(30)}"),
        ("installed_on", "date", "day", _day),
    ],
    "staff": [
        ("employee_no", "bigint", "key", lambda r, n: 7 * n + 3),
        ("full_name", "varchar", "name", lambda r, n: f"{r.choice(_FIRST)} {r.choice(_LAST)}"),
        ("email", "varchar", "text", lambda r, n: f"{r.choice(_FIRST)}.{r.choice(_LAST)}{n}@example.org".lower()),
        ("salary", "double", "amount", lambda r, n: _spread(r, 42_000, 0)),
        ("bonus_rate", "double", "amount", lambda r, n: round(r.uniform(0.01, 0.3), 3)),
        ("grade", "varchar", "enum", lambda r, n: r.choices(["junior", "senior", "lead"], [4, 4, 1])[0]),
        ("hired_on", "date", "day", _day),
        ("office", "varchar", "text", lambda r, n: r.choice(_CITIES)),
        ("badge", "varchar", "code", lambda r, n: f"B-{r.randrange(10_000, 99_999)}"),
        ("last_login", "timestamp", "moment", _moment),
        ("manager_no", "bigint", "id", lambda r, n: None if r.random() < 0.05 else 7 * r.randrange(300) + 3),
        ("remote", "boolean", "flag", lambda r, n: r.random() < 0.4),
    ],
}  # fmt: skip
DOMAINS = (*_SPECS, "retail")


def frame(domain: str, rng: random.Random, rows: int, first: int = 0) -> Frame:
    """Rows of a domain, numbered from `first`; `retail` are real invoice lines (UCI, Chen 2015)."""
    if domain == "retail":
        return _retail(rng, rows, first)
    spec = _SPECS[domain]
    made = [[make(rng, first + n) for _, _, _, make in spec] for n in range(rows)]
    columns = {name: [row[place] for row in made] for place, (name, *_) in enumerate(spec)}
    return Frame(columns, {s[0]: s[1] for s in spec}, {s[0]: s[2] for s in spec}, spec[0][0])


def _retail(rng: random.Random, rows: int, first: int) -> Frame:
    con = duckdb.connect()
    described = con.execute(f"describe select * from '{_RETAIL}'").fetchall()
    names = [row[0] for row in described]
    table = con.execute(f"select * from '{_RETAIL}' limit {rows} offset {first + 1000}").fetchall()
    types = [row[1].lower() for row in described]
    columns = {"line_id": [first + n for n in range(len(table))]}
    columns |= {name: [row[place] for row in table] for place, name in enumerate(names)}
    kinds = {"varchar": "text", "double": "amount", "decimal": "amount", "timestamp": "moment", "date": "day"}
    roles = {
        n: next((k for t, k in kinds.items() if type_.startswith(t)), "other")
        for n, type_ in zip(names, types, strict=True)
    }
    return Frame(
        columns,
        {"line_id": "bigint", **dict(zip(names, types, strict=True))},
        {"line_id": "key", **roles},
        "line_id",
    )


def later(domain: str, rng: random.Random, old: Frame, new_share: float, updated: float, deleted: float) -> Frame:
    """The same table a while on: some rows gone, some values of some rows changed, new rows at the end."""
    fresh = frame(domain, rng, int(old.rows * new_share), first=old.rows)
    kept = [place for place in range(old.rows) if rng.random() >= deleted]
    columns = {}
    for name, values in old.columns.items():
        part = [values[place] for place in kept]
        if name != old.key:
            part = [rng.choice(values) if rng.random() < updated else value for value in part]
        columns[name] = part + fresh.columns[name]
    return replace(old, columns=columns)


def seen(
    con: duckdb.DuckDBPyConnection, name: str, given: Frame, *, has_key: bool, id_: str = "bench.table"
) -> SeenTable:
    """The frame as a table in `con`."""
    arrow = pa.table({f"c{n}": pa.array(values) for n, values in enumerate(given.columns.values())})
    con.register("_given", arrow)
    listed = ", ".join(
        f'cast(c{n} as {given.types[column]}) as "{column.replace(chr(34), chr(34) * 2)}"'
        for n, column in enumerate(given.columns)
    )
    con.execute(f"create or replace table {name} as select {listed} from _given")
    con.unregister("_given")
    columns = tuple(Column(column, given.types[column]) for column in given.columns)
    key = (given.key,) if has_key and given.key in given.columns else ()
    return SeenTable(Table(id_, id_, ("main", name), columns, key), name)
