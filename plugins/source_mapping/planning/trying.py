"""What the expressions make of the sample: values that they lose are seen before anybody merges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from plugins.core.duck import quote
from plugins.core.sql.guard import GuardError, check
from plugins.source_mapping.document import ColumnMapping, StreamMapping
from plugins.source_mapping.planning.expressions import READ_FROM, source_column
from plugins.source_mapping.streams import SourceStream

# A mapping that loses values is nothing to be sure of.
_MOST_IF_LOST = 0.7


def try_out(stream: SourceStream, mapped: StreamMapping) -> StreamMapping:
    """The mapping, with what each expression does to the sample as evidence; one that loses values is a
    question.
    """
    columns = [column for entity in mapped.entities for column in entity.columns if column.expression]
    found = _tried(stream, columns)
    entities = tuple(
        entity.model_copy(
            update={"columns": tuple(_told(column, found, is_new=entity.is_new) for column in entity.columns)}
        )
        for entity in mapped.entities
    )
    return mapped.model_copy(update={"entities": entities})


@dataclass(frozen=True)
class _Tried:
    """What an expression makes: of which SQL type, and what is wrong with it on the sample."""

    data_type: str = ""
    problem: str = ""


def _told(column: ColumnMapping, found: dict[str, _Tried], *, is_new: bool) -> ColumnMapping:
    tried = found.get(column.expression, _Tried()) if column.expression else _Tried()
    if is_new and tried.data_type:
        column = column.model_copy(update={"data_type": tried.data_type})
    if not tried.problem or column.is_decided or tried.problem in column.evidence:
        return column
    evidence = "; ".join(filter(None, (tried.problem, column.evidence)))
    confidence = min(column.confidence, _MOST_IF_LOST)
    return column.model_copy(update={"evidence": evidence, "confidence": confidence, "status": "question"})


def _tried(stream: SourceStream, columns: Sequence[ColumnMapping]) -> dict[str, _Tried]:
    """By expression, what it makes of the sample."""
    if not columns or not any(any(column.values) for column in stream.table.columns):
        return {}
    with duckdb.connect(config={"enable_external_access": False}) as con:
        names = [column.name for column in stream.table.columns]
        kinds = ", ".join(f"{quote(column.name)} {_kind(column.data_type)}" for column in stream.table.columns)
        con.execute(f"create table sample ({kinds})")
        rows = list(zip(*(column.values for column in stream.table.columns), strict=True))
        con.executemany(f"insert into sample values ({', '.join('?' * len(names))})", rows)
        con.execute("set lock_configuration = true")
        return {column.expression: _try(con, column) for column in columns}


def _kind(data_type: str) -> str:
    """Nested values are text in the sample."""
    return data_type if data_type and not set(data_type) & set("[(\"'") else "VARCHAR"


def _try(con: duckdb.DuckDBPyConnection, column: ColumnMapping) -> _Tried:
    inputs = [source_column(name) for name in column.columns]
    there = " and ".join(f"nullif(trim(cast({name} as varchar)), '') is not null" for name in inputs) or "true"
    example = f"min(cast({inputs[0]} as varchar))" if inputs else "null"
    sample = f"main.sample as {READ_FROM}"
    lost = f"select count(*), {example} from {sample} where {there} and ({column.expression}) is null"
    made = f"select ({column.expression}) as made from {sample}"
    try:
        check(lost, ["main.sample"])
        number, shown = con.execute(lost).fetchall()[0]
        data_type = str(con.execute(f"describe {made}").fetchall()[0][1]).lower()
    except GuardError as error:
        return _Tried(problem=f"the expression is refused: {error}")
    except duckdb.Error as error:
        return _Tried(problem=f"the expression fails: {str(error).splitlines()[0][:120]}")
    problem = f"{number:,} values of the sample are lost, such as {_shown(shown)}" if number else ""
    return _Tried(data_type, problem)


def _shown(value: str | None) -> str:
    from plugins.core.privacy import redact

    return repr(redact(str(value)[:40]))
