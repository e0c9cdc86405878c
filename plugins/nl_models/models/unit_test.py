"""The unit test of a proposed model: rows that a person can read, and what the model makes of them, executed."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
from dateutil.relativedelta import relativedelta

from plugins.core.duck import quote
from plugins.nl_models.models.compiling import compile_text
from plugins.nl_models.models.fixtures import Fixtures, Rows
from plugins.nl_models.models.ground import Input
from plugins.nl_models.models.house import Query, to_text
from plugins.nl_models.models.searching import sql_value
from plugins.nl_models.models.style import SqlStyle

# A limit or a bar over groups is shown with that many groups; more rows nobody reads.
_MOST_GROUPS = 11
_SCALES = (1, 100, 10_000, 1_000_000)


@dataclass(frozen=True)
class UnitTest:
    """given: rows by the Jinja of their input. expect: rows. untested: conditions that no row tells apart."""

    given: Mapping[str, Sequence[Mapping[str, Any]]]
    expect: Sequence[Mapping[str, Any]]
    untested: tuple[str, ...] = ()


def make_unit_test(
    query: Query,
    inputs: Mapping[str, Input],
    values: Mapping[tuple[str, str], Sequence[str]],
    *,
    keys: Sequence[str] = (),
    limit: int | None = None,
    within: Collection[str] = (),
    missing: str = "",
    later: relativedelta | None = None,
    outlier: int | None = None,
) -> UnitTest | None:
    """Rows that show what the query counts and what not; None where no few rows do.

    inputs: by import. values: real ones, by (import, column). keys: what rows are grouped by. limit: of the groups
    that are kept; within: keys that it is of each of; missing: a key without which no group is kept. later: how
    far a second bucket is. outlier: an amount of a group that is not kept.
    """
    groups = 1 if limit is None or limit + 1 > _MOST_GROUPS else limit + 1
    best: UnitTest | None = None
    for scale, is_apart in itertools.product(_SCALES, (False, True)):
        # Rows of their own are more to read; different customers are only told apart by them.
        if best is not None and (not best.untested or not is_apart):
            break
        more = {"within": frozenset(within), "missing": missing, "later": later, "outlier": outlier}
        fixtures = Fixtures(inputs, values, frozenset(keys), groups, scale=scale, is_apart=is_apart, **more)
        found = _tried(fixtures, query, inputs)
        if found is not None and (best is None or len(found.untested) < len(best.untested)):
            best = found
    return best


def _tried(fixtures: Fixtures, query: Query, inputs: Mapping[str, Input]) -> UnitTest | None:
    """The unit test with these rows; None if nothing comes out."""
    rows = fixtures.make(query)
    expect = run_over(query, inputs, rows)
    if not expect:
        return None
    untested = [*fixtures.untried, *_undistinguished(query, inputs, rows, expect)]
    given = {query.imports[name]: rows[name] for name in query.imports}
    return UnitTest(given, expect, tuple(dict.fromkeys(untested)))


def run_over(query: Query, inputs: Mapping[str, Input], rows: Rows) -> list[dict[str, Any]]:
    """What the query makes of rows, in the order of its columns."""
    relations = {jinja: f"given_{name}" for name, jinja in query.imports.items()}
    sql = compile_text(to_text(query, SqlStyle()), relations)
    with duckdb.connect() as con:
        for name in query.imports:
            for statement in _table(f"given_{name}", inputs[name], rows[name]):
                con.execute(statement)
        cursor = con.execute(f"select * from ({sql}) as model order by all nulls last")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _table(name: str, given: Input, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    columns = ", ".join(f"{quote(column)} {kind}" for column, kind in given.types.items())
    yield f"create table {name} ({columns})"
    for row in rows:
        values = ", ".join(sql_value(value) for value in row.values())
        yield f"insert into {name} ({', '.join(map(quote, row))}) values ({values})"


def _undistinguished(
    query: Query, inputs: Mapping[str, Input], rows: Rows, expect: list[dict[str, Any]]
) -> Iterator[str]:
    """Conditions without which the same would come out."""
    for name, step in query.steps.items():
        for number, condition in enumerate(step.where):
            rest = step.where[:number] + step.where[number + 1 :]
            without = replace(query, steps={**query.steps, name: replace(step, where=rest)})
            if run_over(without, inputs, rows) == expect:
                yield condition
