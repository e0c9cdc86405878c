"""An entity of its own for a stream that no entity of the project is like."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence, Set

from simplemma import lemmatize

from plugins.core.discovery import ColumnProfile
from plugins.source_mapping.document import ColumnMapping, EntityMapping
from plugins.source_mapping.matching.words import without_accents
from plugins.source_mapping.planning.expressions import expression, reserved_words
from plugins.source_mapping.planning.standing import StandingModel
from plugins.source_mapping.streams import SourceStream

_LONGEST = 60
_KEPT_TYPES = ("bigint", "boolean", "date", "double", "float", "hugeint", "integer", "smallint", "time", "tinyint")
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_BREAKS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+")


def snake_case(name: str) -> str:
    """`customerID` → `customer_id`; a name without letters or digits becomes `column`."""
    joined = "_".join(part for part in _BREAKS.split(without_accents(name)) if part).lower()[:_LONGEST].strip("_")
    joined = joined or "column"
    return f"_{joined}" if joined[0].isdigit() else joined


def singular(name: str) -> str:
    """The last word of a snake_case name in its base form."""
    *before, last = name.split("_")
    return "_".join([*before, lemmatize(last, "en").lower()])


def new_entity(
    source: str,
    stream: SourceStream,
    kept: EntityMapping | None,
    taken: Set[str],
    standing: StandingModel | None = None,
) -> EntityMapping:
    """All columns of the stream, under house names and typed. kept: what people made of it before.

    taken: names of models that the project has. standing: the staging model that is merged; what stands in it is
    not drafted anew by what the sample happens to hold.
    """
    merged = standing.entity if standing else None
    name = kept.entity if kept else merged or _unless_taken(snake_case(stream.name), source, taken)
    there = {column.name for column in stream.table.columns}
    named = {one.target: one for one in kept.columns if set(one.columns) <= there} if kept else {}
    used = {column for one in named.values() for column in one.columns}
    # Of which people said that nothing is to be made of it.
    refused = {one.target for one in named.values() if not (one.columns or one.expression) and one.is_decided}
    for target, one in (standing.mappings(stream) if standing else {}).items():
        if target not in named and not used & set(one.columns):
            named[target] = one
    used = {column for one in named.values() for column in one.columns}
    for column in stream.table.columns:
        if column.name in used or _named(column.name, name, stream.key) in refused:
            continue
        one = _column(stream.profile.column(column.name), _free(_named(column.name, name, stream.key), named))
        named[one.target] = one
    places = {column.name: place for place, column in enumerate(stream.table.columns)}
    columns = list(_in_place(list(named.values()), kept, places))
    status = kept.status if kept and (kept.reviewer or kept.status == "approved") else "proposed"
    return EntityMapping(
        entity=name,
        confidence=1.0,
        status=status,
        reviewer=kept.reviewer if kept else None,
        is_new=True,
        columns=tuple(columns),
    )


def _in_place(
    columns: Sequence[ColumnMapping], kept: EntityMapping | None, places: Mapping[str, int]
) -> list[ColumnMapping]:
    """In the order of the file, and what it lacks after the column that is before it at the source."""

    def place(one: ColumnMapping) -> int:
        return min((places[name] for name in one.columns), default=-1)

    targets = {one.target for one in kept.columns} if kept else set()
    ordered = [one for one in columns if one.target in targets]
    for new in sorted((one for one in columns if one.target not in targets), key=place):
        before = [at for at, one in enumerate(ordered) if place(one) <= place(new)]
        ordered.insert(max(before, key=lambda at: (place(ordered[at]), at)) + 1 if before else 0, new)
    return ordered


def _unless_taken(name: str, source: str, taken: Set[str]) -> str:
    return name if name not in taken | reserved_words() else f"{snake_case(source)}_{name}"


def own_columns(
    stream: SourceStream, names: Sequence[str], taken: Set[str], standing: StandingModel | None = None
) -> list[ColumnMapping]:
    """Columns that no entity has, under house names and typed: staging loses nothing. taken: names in use.

    standing: the staging model that is merged.
    """
    merged = (standing.mappings(stream) if standing else {}).values()
    alone = {one.columns[0]: one for one in merged if len(one.columns) == 1 and one.target not in taken}
    named: dict[str, ColumnMapping] = {}
    used = set(taken) | {alone[name].target for name in names if name in alone}
    for name in names:
        one = alone.get(name) or _column(stream.profile.column(name), _free(snake_case(name), used))
        used.add(one.target)
        named[name] = one
    return list(named.values())


def _named(column: str, entity: str, key: tuple[str, ...]) -> str:
    name = snake_case(column)
    # `id` alone says nothing once tables are joined; and what SQL keeps for itself must be quoted everywhere.
    if (name == "id" and column in key) or name in reserved_words():
        return f"{singular(entity)}_{name}"
    return name


def _free(name: str, taken: Container[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def data_type_of(profile: ColumnProfile) -> str:
    """The SQL type of the column once it is read as what it is."""
    kind = (profile.casts_to or profile.data_type).lower()
    if (found := _DECIMAL.fullmatch(kind)) is not None:
        # The sample's largest is not the largest there will be.
        precision, scale = int(found[1]), int(found[2])
        return f"decimal({18 if precision <= 18 else 38}, {max(scale, 2)})"
    if kind in ("double", "float") and profile.semantic.value == "amount" and profile.casts_to:
        # Money that is written out is exact.
        return "decimal(18, 4)"
    return kind if kind.startswith(_KEPT_TYPES) and not kind.endswith("]") else "varchar"


def _column(profile: ColumnProfile, target: str) -> ColumnMapping:
    made = expression(profile, target, data_type_of(profile))
    semantic = profile.semantic
    return ColumnMapping(
        target=target,
        columns=(profile.name,),
        expression=made.sql,
        confidence=1.0,
        evidence="; ".join(filter(None, (f"{semantic.value}: {semantic.evidence}", made.told))),
    )
