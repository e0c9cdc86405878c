"""The gold models of a project, and whether they hold what they held: compared with DuckDB alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.drift.shapes.projects import Shape
from bench.drift.shapes.warehouse import ident, text

_NUMBERS = ("DECIMAL", "DOUBLE", "FLOAT", "INT", "HUGEINT")
# Of sums of floats, which depend on the order of rows.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Gold:
    """A gold model. key: columns that identify its rows, by the role they come from. roles: what each other
    column is made of; columns that are not listed are made of nothing that drifts but the table itself.
    of_rows: whether it has a row per row of the main table.
    """

    name: str
    key: Mapping[str, str]
    roles: Mapping[str, tuple[str, ...]]
    of_rows: bool = False


@dataclass(frozen=True)
class Difference:
    """Rows in which a gold column is not what it should be; no column: rows that are missing or too many."""

    model: str
    column: str
    rows: int
    example: str = ""

    def __str__(self) -> str:
        example = f", {self.example}" if self.example else ""
        return f"{self.model}.{self.column or '<rows>'}: {self.rows:,} rows differ{example}"


def gold_models(shape: Shape) -> list[Gold]:
    """The gold models that every project of any shape has, and those of this shape."""
    s, domain = shape.domain.staged, shape.domain
    first, second = (f"{s['place']}_{field}" for field in domain.fields)
    plain = ("code", "status", "person", "note", "flag", "amount", "quantity", "share", "day", "at", "ref")
    models = [
        Gold(
            f"fct_{domain.main}",
            {s["key"]: "key"},
            {
                **{s[role]: (role,) for role in plain},
                "whole_address": ("street", "house"),
                "kept_amount": ("amount", "share"),
                "minutes": ("duration",),
                first: ("place",),
                second: ("place",),
            },
            of_rows=True,
        ),
        Gold(
            f"agg_{domain.main}_daily",
            {s["day"]: "day", s["status"]: "status"},
            {
                s["amount"]: ("amount",),
                s["quantity"]: ("quantity",),
                "mean_seconds": ("duration",),
                "noted": ("note",),
                "flagged": ("flag",),
                "before_noon": ("at",),
            },
        ),
        Gold(
            f"dim_{domain.other}",
            {s["ref"]: "ref"},
            {"total": ("amount",), "codes": ("code",), "last_at": ("at",)},
        ),
    ]
    if shape.name.startswith("snapshot"):
        least, most = f"least_{s['amount']}", f"most_{s['amount']}"
        # A column that is lost, or is another now, makes versions of every row.
        every = ("status", "amount", "quantity", "duration", "share")
        roles = {"versions": every, least: ("amount",), most: ("amount",)}
        models.append(Gold(f"agg_{domain.main}_versions", {s["key"]: "key"}, roles, of_rows=True))
    if shape.name == "direct":
        roles = {
            "last_person": ("person",),
            "mean_share": ("share",),
            "first_address": ("street", "house"),
            "last_place": ("place",),
        }
        models.append(Gold(f"agg_{domain.main}_by_code", {s["code"]: "code"}, roles))
    if shape.name == "python":
        key = {"place": "place", s["status"]: "status"}
        models.append(Gold(f"agg_{domain.main}_by_place", key, {s["amount"]: ("amount",)}))
    return models


def compare(
    expected: Path,
    actual: Path,
    models: Iterable[Gold],
    loses: frozenset[str] = frozenset(),
    exempt: str | None = None,
) -> list[Difference]:
    """What differs between the gold models of two warehouses.

    loses: roles that are not compared. exempt: query, in the actual warehouse, of keys of rows that may be
    missing; models that sum up rows are not compared then.
    """
    differences: list[Difference] = []
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"attach {text(str(expected))} as expected (read_only)")
        con.execute(f"attach {text(str(actual))} as actual (read_only)")
        con.execute("use actual")
        if exempt:
            con.execute(f"create temp table exempt as select k::varchar as k from ({exempt}) as keys(k)")
        for model in models:
            if not set(model.key.values()) & loses and (exempt is None or model.of_rows):
                differences += _compare(con, model, loses, exempt is not None)
    return differences


def _compare(
    con: duckdb.DuckDBPyConnection, model: Gold, loses: frozenset[str], has_exempt: bool
) -> list[Difference]:
    wanted, found = _types(con, "expected", model.name), _types(con, "actual", model.name)
    if not found or any(key.lower() not in found for key in model.key):
        return [Difference(model.name, "", _count(con, "expected", model.name), "it has no such rows at all")]
    columns = [name for name in wanted if name not in model.key and not set(model.roles.get(name, ())) & loses]
    gone = [
        Difference(model.name, name, _count(con, "expected", model.name)) for name in columns if name not in found
    ]
    columns = [name for name in columns if name in found]
    keys = list(model.key)
    # A key of another type is still the same key.
    casts = ", ".join(f"try_cast({ident(key)} as {wanted[key]}) as k{n}" for n, key in enumerate(keys))
    values = "".join(f", {ident(name)} as v{n}" for n, name in enumerate(columns))
    join = " and ".join(f"e.k{n} is not distinct from a.k{n}" for n in range(len(keys)))
    spared = "where k0::varchar not in (select k from exempt)" if has_exempt else ""
    relation = f"main.{ident(model.name)}"
    counts = ", ".join(
        f"count(*) filter (where e.there and a.there and {_differs(n, wanted[name])})"
        for n, name in enumerate(columns)
    )
    row = con.execute(
        f"""
        with e as (select * from (select true as there, {casts}{values} from expected.{relation}) {spared}),
        a as (select * from (select true as there, {casts}{values} from actual.{relation}) {spared})
        select count(*) filter (where e.there is null or a.there is null){counts and f", {counts}"}
        from e full join a on {join}
        """
    ).fetchone()
    assert row is not None
    rows = [Difference(model.name, "", row[0])] if row[0] else []
    return rows + gone + [Difference(model.name, name, n) for name, n in zip(columns, row[1:], strict=True) if n]


def _differs(number: int, type_: str) -> str:
    old, new = f"e.v{number}", f"try_cast(a.v{number} as {type_})"
    if type_.startswith(_NUMBERS) or "INT" in type_:
        old, new = f"{old}::double", f"try_cast(a.v{number} as double)"
        apart = f"abs({old} - {new}) > {_TOLERANCE} * greatest(1, abs({old}))"
        return f"(({old} is null) <> ({new} is null) or coalesce({apart}, false))"
    return f"{old} is distinct from {new}"


def _types(con: duckdb.DuckDBPyConnection, database: str, model: str) -> dict[str, str]:
    rows = con.execute(
        "select column_name, data_type from duckdb_columns() where database_name = ? and schema_name = 'main' "
        "and lower(table_name) = lower(?) order by column_index",
        [database, model],
    ).fetchall()
    return {name.lower(): type_ for name, type_ in rows}


def _count(con: duckdb.DuckDBPyConnection, database: str, model: str) -> int:
    row = con.execute(f"select count(*) from {database}.main.{ident(model)}").fetchone()
    return row[0] if row else 0
