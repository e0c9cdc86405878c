"""The expression of a pair: what makes an entity's column of one of the stream's, whoever chose the pair."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.source_mapping.entities import Entity
from plugins.source_mapping.matching.opposites import are_opposite
from plugins.source_mapping.planning.expressions import Expression, expression, source_column
from plugins.source_mapping.streams import SourceStream

_MOMENTS = ("date", "timestamp")


@dataclass(frozen=True)
class PlannedExpression(Expression):
    """is_opposite: whether the source says the opposite of the target, so that it is turned round."""

    is_opposite: bool = False


def planned_expression(stream: SourceStream, entity: Entity, target: str, column: str) -> PlannedExpression | None:
    """None if the column says the opposite of the target, and is nothing that can be turned round."""
    data_type = entity.types.get(target, "")
    if are_opposite(column, target):
        return _turned(stream, target, data_type, column)
    made = expression(
        stream.profile.column(column),
        target,
        data_type,
        entity.accepted.get(target, ()),
        entity.table.by_name[target].description,
        stream.table.by_name[column].description,
    )
    return PlannedExpression(made.sql, made.told)


def _turned(stream: SourceStream, target: str, data_type: str, column: str) -> PlannedExpression | None:
    profile = stream.profile.column(column)
    kind = (profile.casts_to or profile.data_type).lower()
    if not data_type.lower().startswith("bool"):
        return None
    if kind.startswith(_MOMENTS) or profile.semantic.value in _MOMENTS:
        sql = expression(profile, target, kind).sql or source_column(column)
        return PlannedExpression(f"{sql} is null", f"`{column}` says the opposite: empty is yes", is_opposite=True)
    sql = expression(profile, target, data_type).sql or source_column(column)
    return PlannedExpression(
        f"not {sql}", f"`{column}` says the opposite, which is turned round", is_opposite=True
    )
