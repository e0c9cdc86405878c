"""Values of now that a recipe can't turn back: they would be null from now on, which nobody asked for."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from plugins.core.duck import quote
from plugins.schema_drift.change import Change, Fact, Restored
from plugins.schema_drift.table import SeenTable

_MOST_SHOWN = 3
_LONGEST = 40


def told_of_unfit(con: duckdb.DuckDBPyConnection, after: SeenTable, change: Change, name: str) -> Change:
    """The change with a fact and a question of the values that would be lost; name: of the table, for people.

    Where all rows of before are had again, what becomes null was null.
    """
    for one in change.restores:
        if one.is_plain or len(one.reads) != 1 or (one.compared and one.equal == one.compared):
            continue
        found = _unfit(con, after, one)
        if found is not None:
            count, total, shown = found
            text = f"{count:,} of {total:,} values of now can't be turned back, such as {shown}"
            asked = f"{text}: are they to be null from now on?"
            own = f"`{one.column}` of {name}: {asked}"
            question = f"{change.question} Besides, {asked}" if change.question else own
            facts = (*change.facts, Fact("misfits", text, float(count), total))
            change = replace(change, facts=facts, question=question)
    return change


def _unfit(con: duckdb.DuckDBPyConnection, after: SeenTable, one: Restored) -> tuple[int, int, str] | None:
    """How many values become null, of how many, and some of them; None: none, or it can't be told."""
    value = quote(one.reads[0])
    bad = f"{value} is not null and ({one.sql}) is null"
    try:
        row = con.execute(
            f"select count(*) filter ({bad}), count({value}), "
            f"list(distinct left({value}::varchar, {_LONGEST})) filter ({bad}) from {after.rows}"
        ).fetchone()
    except duckdb.Error:
        # A cast that fails is no null: building shows it.
        return None
    if row is None or not row[0]:
        return None
    return row[0], row[1], ", ".join(f"`{text}`" for text in sorted(row[2])[:_MOST_SHOWN])
