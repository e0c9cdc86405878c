"""What the expressions make of the sample: values that they lose are seen before anybody merges them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from plugins.core.duck import quote
from plugins.core.sql.guard import GuardError, check
from plugins.source_mapping.document import ColumnMapping, StreamMapping
from plugins.source_mapping.planning.expressions import identifier
from plugins.source_mapping.streams import SourceStream

# A mapping that loses values is nothing to be sure of.
_MOST_IF_LOST = 0.7


def try_out(stream: SourceStream, mapped: StreamMapping) -> StreamMapping:
    """The mapping, with what each expression does to the sample as evidence; one that loses values is a
    question.
    """
    columns = [column for entity in mapped.entities for column in entity.columns if column.columns]
    lost = _lost(stream, [column for column in columns if column.expression])
    entities = tuple(
        entity.model_copy(update={"columns": tuple(_told(column, lost) for column in entity.columns)})
        for entity in mapped.entities
    )
    return mapped.model_copy(update={"entities": entities})


def _told(column: ColumnMapping, lost: dict[str, str]) -> ColumnMapping:
    problem = lost.get(column.expression)
    if problem is None or column.is_decided or problem in column.evidence:
        return column
    evidence = "; ".join(filter(None, (problem, column.evidence)))
    confidence = min(column.confidence, _MOST_IF_LOST)
    return column.model_copy(update={"evidence": evidence, "confidence": confidence, "status": "question"})


def _lost(stream: SourceStream, columns: Sequence[ColumnMapping]) -> dict[str, str]:
    """By expression, what is wrong with it on the sample."""
    found: dict[str, str] = {}
    if not columns or not any(any(column.values) for column in stream.table.columns):
        return found
    with duckdb.connect(config={"enable_external_access": False}) as con:
        names = [column.name for column in stream.table.columns]
        kinds = ", ".join(f"{quote(column.name)} {_kind(column.data_type)}" for column in stream.table.columns)
        con.execute(f"create table sample ({kinds})")
        rows = list(zip(*(column.values for column in stream.table.columns), strict=True))
        con.executemany(f"insert into sample values ({', '.join('?' * len(names))})", rows)
        con.execute("set lock_configuration = true")
        for column in columns:
            if (problem := _problem(con, column)) is not None:
                found[column.expression] = problem
    return found


def _kind(data_type: str) -> str:
    """Nested values are text in the sample."""
    return data_type if data_type and not set(data_type) & set("[(\"'") else "VARCHAR"


def _problem(con: duckdb.DuckDBPyConnection, column: ColumnMapping) -> str | None:
    inputs = [identifier(name) for name in column.columns]
    there = " and ".join(f"nullif(trim(cast({name} as varchar)), '') is not null" for name in inputs)
    sql = (
        f"select count(*), min(cast({inputs[0]} as varchar)) from main.sample "
        f"where {there} and ({column.expression}) is null"
    )
    try:
        check(sql, ["main.sample"])
        number, example = con.execute(sql).fetchall()[0]
    except GuardError as error:
        return f"the expression is refused: {error}"
    except duckdb.Error as error:
        return f"the expression fails: {str(error).splitlines()[0][:120]}"
    if not number:
        return None
    return f"{number:,} values of the sample are lost, such as {_shown(example)}"


def _shown(value: str | None) -> str:
    from plugins.core.privacy import redact

    return repr(redact(str(value)[:40]))
