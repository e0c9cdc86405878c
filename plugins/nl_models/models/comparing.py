"""Whether a model has the rows that the semantic layer returns for the same request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, check, run
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.render.metricflow import MetricFlow
from plugins.nl_models.semantic.layer import SemanticLayer

_LIMITS = Limits(seconds=120.0)
# Half a unit of the last decimal that a contract keeps.
_ROUNDED = 0.5000001


@dataclass(frozen=True)
class Compared:
    """rows: of the model. differing: rows of either side that the other lacks. why: why it could not be compared;
    empty if it was. other: what it was compared with."""

    rows: int
    differing: int = 0
    why: str = ""
    other: str = "what the semantic layer returns"

    @property
    def is_same(self) -> bool:
        """Whether it was compared and nothing differs."""
        return not self.why and not self.differing

    def __str__(self) -> str:
        if self.why:
            return f"not compared with {self.other}: {self.why}"
        if self.is_same:
            return (
                f"same {self.rows:,} {'row' if self.rows == 1 else 'rows'} as {self.other.removeprefix('what ')}"
            )
        return f"{self.differing:,} {'row differs' if self.differing == 1 else 'rows differ'} from {self.other}"


def compare(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    analysis: Analysis,
    layer: SemanticLayer,
    relations: Collection[str],
    shown: Sequence[str],
    keys: Collection[str],
    types: Mapping[str, str],
) -> Compared:
    """Run both. sql: of the model. shown: its columns in the order in which the semantic layer returns them."""
    known = {*relations, *_spines(layer), *(model.relation for model in layer.models.values())}
    rows = run(con, check(f"select count(*) from ({sql}) as model", relations), _LIMITS).rows[0][0]
    try:
        asked = MetricFlow(layer).to_sql(analysis)
        names = ", ".join(map(quote, shown))
        given = f"select {names} from ({sql}) as model"
        query = _difference(given, asked, shown, keys, types)
        differing = run(con, check(query, known), _LIMITS).rows[0][0]
    except SmeltError as error:
        return Compared(rows, why=error.message)
    return Compared(rows, differing)


def compare_queries(
    con: duckdb.DuckDBPyConnection, sql: str, asked: str, relations: Collection[str], types: Mapping[str, str]
) -> Compared:
    """Run a model and the query that answered the question. types: of the model's columns, in order."""
    names = ", ".join(map(quote, types))
    cast = ", ".join(f"cast({quote(name)} as {kind})" for name, kind in types.items())
    given = f"(select {names} from ({sql}) as g)"
    other = f"(select {cast} from ({asked}) as a({names}))"
    query = (
        f"select (select count(*) from {given} as m), (select count(*) from ({given} except all {other}) as m) "
        f"+ (select count(*) from ({other} except all {given}) as m)"
    )
    told = "what the query behind the answer returns"
    ((rows, differing),) = run(con, check(query, relations), _LIMITS).rows
    return Compared(rows, differing, other=told)


def _difference(
    given: str, asked: str, shown: Sequence[str], keys: Collection[str], types: Mapping[str, str]
) -> str:
    """A query that counts rows without an equal one on the other side."""
    aliases = ", ".join(quote(f"{name}") for name in shown)
    equal, same = ["true"], ["true"]
    for name in shown:
        left, right = f"given.{quote(name)}", f"asked.{quote(name)}"
        if name in keys:
            equal.append(f"{left} is not distinct from {right}")
        else:
            same.append(_is_same(left, right, types.get(name, "")))
    return (
        f"with given({aliases}) as materialized (select * from ({given}) as g), "
        f"asked({aliases}) as materialized (select * from ({asked}) as a) "
        "select (select count(*) from given where not exists "
        f"(select 1 from asked where {' and '.join([*equal, *same])})) + "
        "(select count(*) from asked where not exists "
        f"(select 1 from given where {' and '.join(equal)}))"
    )


def _is_same(left: str, right: str, data_type: str) -> str:
    """Equal, to the decimals that the contract keeps."""
    lower = data_type.lower()
    if lower.startswith("decimal"):
        scale = int(lower.rstrip(") ").rpartition(",")[2])
        tolerance = _ROUNDED * 10**-scale
    elif lower in ("double", "float"):
        return (
            f"(({left} is null and {right} is null) or abs({left} - {right}) <= 1e-9 * greatest(1, abs({left})))"
        )
    else:
        return f"{left} is not distinct from {right}"
    difference = f"abs(cast({left} as double) - cast({right} as double))"
    # Large amounts have fewer decimals as doubles than the contract keeps.
    allowed = f"{tolerance!r} + 1e-12 * abs(cast({left} as double))"
    return f"(({left} is null and {right} is null) or {difference} <= {allowed})"


def _spines(layer: SemanticLayer) -> set[str]:
    spines = layer.document["project_configuration"].get("time_spines") or ()
    return {f"{s['node_relation']['schema_name']}.{s['node_relation']['alias']}" for s in spines}
