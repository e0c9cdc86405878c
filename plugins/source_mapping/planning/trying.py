"""What the expressions make of the sample: values that they lose are seen before anybody merges them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb

from plugins.core.duck import quote
from plugins.core.sql.guard import GuardError, check
from plugins.source_mapping.document import ColumnMapping, EntityMapping, StreamMapping
from plugins.source_mapping.planning.expressions import READ_FROM, source_column
from plugins.source_mapping.streams import SourceStream

# A mapping that loses values is nothing to be sure of.
_MOST_IF_LOST = 0.7
# One that loses all of them is none; fewer than this prove nothing.
_IF_ALL_LOST = 0.02
_LEAST_TRIED = 5
_LOST = "values of the sample are lost"


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
    """What an expression makes: of which SQL type, and what is wrong with it on the sample. is_all_lost: whether
    no value is left.
    """

    data_type: str = ""
    problem: str = ""
    is_all_lost: bool = False


def _told(column: ColumnMapping, found: dict[str, _Tried], *, is_new: bool) -> ColumnMapping:
    tried = found.get(column.expression, _Tried()) if column.expression else _Tried()
    if is_new and tried.data_type:
        column = column.model_copy(update={"data_type": tried.data_type})
    if not tried.problem or column.is_decided:
        return column
    most = _IF_ALL_LOST if tried.is_all_lost and not is_new else _MOST_IF_LOST
    # What an earlier run said of it stands: with other rows only the figure would be another.
    is_told = tried.problem in column.evidence or (_LOST in tried.problem and _LOST in column.evidence)
    evidence = column.evidence if is_told else "; ".join(filter(None, (tried.problem, column.evidence)))
    if is_told and column.confidence <= most:
        return column
    confidence = min(column.confidence, most)
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


def loses_key(stream: SourceStream, mapped: EntityMapping, keys: Collection[str]) -> bool:
    """Whether nothing is left of a column that is to tell the entity's rows apart: the stream is no such thing."""
    columns = [one for one in mapped.columns if one.target in keys and one.expression and not one.is_decided]
    return any(one.is_all_lost for one in _tried(stream, columns).values())


def _kind(data_type: str) -> str:
    """Nested values are text in the sample."""
    return data_type if data_type and not set(data_type) & set("[(\"'") else "VARCHAR"


def _try(con: duckdb.DuckDBPyConnection, column: ColumnMapping) -> _Tried:
    inputs = [source_column(name) for name in column.columns]
    there = " and ".join(f"nullif(trim(cast({name} as varchar)), '') is not null" for name in inputs) or "true"
    example = f"min(cast({inputs[0]} as varchar))" if inputs else "null"
    sample = f"main.sample as {READ_FROM}"
    given = f"select count(*) from {sample} where {there}"
    lost = f"select count(*), {example} from {sample} where {there} and ({column.expression}) is null"
    made = f"select ({column.expression}) as made from {sample}"
    try:
        check(lost, ["main.sample"])
        number, shown = con.execute(lost).fetchall()[0]
        total = con.execute(given).fetchall()[0][0]
        data_type = str(con.execute(f"describe {made}").fetchall()[0][1]).lower()
    except GuardError as error:
        return _Tried(problem=f"the expression is refused: {error}")
    except duckdb.Error as error:
        return _Tried(problem=f"the expression fails: {str(error).splitlines()[0][:120]}")
    is_all_lost = number == total >= _LEAST_TRIED
    problem = f"{'all ' if is_all_lost else ''}{number:,} {_LOST}, such as {_shown(shown)}" if number else ""
    return _Tried(data_type, problem, is_all_lost)


def _shown(value: str | None) -> str:
    from plugins.core.privacy import redact

    return repr(redact(str(value)[:40]))
