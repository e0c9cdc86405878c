"""The staging model of a stream: renamed, typed and converted as the mapping says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.core.discovery import ColumnProfile
from plugins.core.editing.yaml_text import Folded, with_section
from plugins.source_mapping.document import ColumnMapping, EntityMapping
from plugins.source_mapping.drafting.closed_sets import accepted_values, closed_sets
from plugins.source_mapping.drafting.columns import Selected, documented, in_order, select_list
from plugins.source_mapping.entities import Entity
from plugins.source_mapping.planning.drafted import data_type_of, own_columns
from plugins.source_mapping.planning.expressions import READ_FROM, identifier, source_column, text_of, unquoted
from plugins.source_mapping.planning.standing import StandingModel
from plugins.source_mapping.streams import SourceStream

AUDIT = {
    "_smelt_batch_id": "Load that brought the row.",
    "_smelt_source_position": "The row's place in that load; with the batch it identifies the bronze row.",
    "_smelt_loaded_at": "When the row was loaded.",
    "_smelt_op": "How the row came: r first read, c created, u updated, d deleted at the source.",
}
_MODEL = """with

{read_from} as (

    select * from {{{{ source('{source}', '{stream}') }}}}

),

renamed as (

    select

{columns}

    from {read_from}

)

select * from renamed
"""
# A mapping below this is no answer: the column is null until somebody says.
_LEAST_USED = 0.5


@dataclass(frozen=True)
class Staged:
    """A staging model.

    columns: those of the entity. every: those that no entity has, too, and what is kept as written. key: of its
    rows, in its own names. written: by column, the name of the one that has it as written. closed: by column, the
    few values that it has.
    """

    name: str
    sql: str
    yaml: str
    columns: tuple[Selected, ...]
    every: tuple[Selected, ...]
    key: tuple[str, ...]
    written: Mapping[str, str]
    closed: Mapping[str, Sequence[str]]


def draft_staging(
    name: str,
    source: str,
    stream: SourceStream,
    mapping: EntityMapping,
    entity: Entity | None,
    audit: Sequence[str],
    standing: StandingModel | None = None,
) -> Staged:
    """entity: the one that the project has; None: a new one. audit: columns that bronze adds. standing: the model
    of the name as it is merged.

    What the entity has no column for is there too, under its own name: staging loses nothing.
    """
    mapped = [
        selected(stream, one, entity)
        for one in mapping.columns
        if entity is not None or one.columns or one.expression
    ]
    if entity is None:
        mapped = [one for one, by in zip(mapped, _with_columns(mapping), strict=True) if by.status != "rejected"]
    used = {column for one in mapping.columns if is_used(one) for column in one.columns}
    rest = [column.name for column in stream.table.columns if column.name not in used]
    beyond = own_columns(stream, rest, {unquoted(one.name) for one in mapped}, standing)
    written = as_written(stream, mapping) if entity is None and audit else {}
    others = [*(selected(stream, one, None) for one in beyond), *written.values()]
    columns, every = in_order(mapped), in_order([*mapped, *others])
    text = _MODEL.format(read_from=READ_FROM, source=source, stream=stream.name, columns=select_list(every, audit))
    by_source = {one.columns[0]: one.target for one in mapping.columns if len(one.columns) == 1 and is_used(one)}
    key = tuple(by_source[column] for column in stream.key if column in by_source)
    key = key if len(key) == len(stream.key) else ()
    closed = closed_sets(stream, mapping) if entity is None else {}
    yaml = _yaml(name, stream, every, key, audit, closed)
    names = {target: one.name for target, one in written.items()}
    return Staged(name, text, yaml, tuple(columns), tuple(every), key, names, closed)


def _with_columns(mapping: EntityMapping) -> list[ColumnMapping]:
    return [one for one in mapping.columns if one.columns or one.expression]


def as_written(stream: SourceStream, mapping: EntityMapping) -> dict[str, Selected]:
    """By target, the text of what a cast may make null: so that rules tell what is missing from what is
    unreadable.
    """
    found: dict[str, Selected] = {}
    for one in mapping.columns:
        if not is_used(one) or len(one.columns) != 1 or "try_" not in one.expression:
            continue
        profile = stream.profile.column(one.columns[0])
        if profile.data_type.upper().startswith("VARCHAR"):
            name = identifier(f"{one.target}_as_written")
            told = f"`{_told(one.target)}` as the source says, to tell a missing value from an unreadable one."
            pii = profile.pii.value if profile.pii is not None else ""
            found[one.target] = Selected(name, text_of(profile), "varchar", told, is_id=False, pii=pii)
    return found


def is_used(column: ColumnMapping) -> bool:
    """Whether the model has it, or null until somebody says what it is."""
    if not (column.columns or column.expression) or column.status == "rejected":
        return False
    return column.is_decided or column.confidence >= _LEAST_USED


def selected(stream: SourceStream, column: ColumnMapping, entity: Entity | None) -> Selected:
    """A target column as a line of SQL."""
    target = entity.table.by_name.get(column.target) if entity is not None else None
    profile = stream.profile.column(column.columns[0]) if column.columns else None
    promised = entity.types.get(column.target, "") if entity else column.data_type
    # A new entity's column that is taken as it is has the source's type, whatever its values could be read as.
    is_plain = entity is None and is_used(column) and not column.expression
    data_type = profile.data_type.lower() if profile and is_plain else promised
    data_type = data_type or (data_type_of(profile) if profile else "")
    is_id = (target.is_key if target else False) or (profile is not None and _is_id(profile, stream))
    description = (target.description if target else "") or (_described(profile) if profile else "")
    if is_used(column):
        sql = column.expression or source_column(column.columns[0])
        if not column.columns:
            # A constant has the type that it is written in, and is to have the target's.
            sql = f"cast({sql} as {data_type or 'varchar'})"
        pii = profile.pii.value if profile is not None and profile.pii is not None else ""
        return Selected(identifier(column.target), sql, data_type, description, is_id, pii=pii)
    if column.runners_up or column.columns:
        best = [*column.columns, *(one.column for one in column.runners_up)][:3]
        comment = f"open: {', '.join(_plain(one) for one in best)}? The pull request asks."
    else:
        comment = "nothing at the source is this"
    typed = f"cast(null as {data_type or 'varchar'})"
    return Selected(identifier(column.target), typed, data_type, description, is_id, comment)


def _plain(name: str) -> str:
    """A name within a comment: a line break in it would end the comment."""
    return " ".join(name.split()).replace("{", "(").replace("}", ")").replace("#", "")[:60]


def _told(text: str) -> str:
    """A text of the source's in a description, which dbt renders."""
    return " ".join(text.split()).replace("{", "(").replace("}", ")").replace("`", "'")[:60]


def _is_id(profile: ColumnProfile, stream: SourceStream) -> bool:
    return profile.name in stream.key or profile.semantic.value in ("id", "foreign_key", "uuid")


_MEANINGS = {
    "id": "Identifier",
    "foreign_key": "Reference",
    "email": "Email address",
    "phone": "Telephone number",
    "country": "Country",
    "currency": "Currency",
    "url": "Web address",
    "amount": "Amount",
    "percentage": "Percentage",
    "timestamp": "Time",
    "date": "Day",
    "boolean": "Yes or no",
    "json": "JSON",
}


def _described(profile: ColumnProfile) -> str:
    """What discovery saw, as a description to be bettered by whoever knows."""
    meaning = _MEANINGS.get(profile.semantic.value, "")
    unit = f" in {profile.unit}" if profile.unit and ":" not in profile.unit else ""
    listed = ""
    if profile.values and profile.pii is None and len(profile.values) <= 8:
        listed = f"; seen so far: {', '.join(map(_told, profile.values))}"
    source = f"`{_told(profile.name)}` at the source"
    return f"{meaning}{unit}; {source}{listed}." if meaning else f"{source[0].upper()}{source[1:]}{listed}."


def _tests(column: str, key: Sequence[str], closed: Mapping[str, Sequence[str]]) -> dict[str, object]:
    if column in key:
        return {"data_tests": ["not_null"] if len(key) > 1 else ["not_null", "unique"]}
    values = closed.get(unquoted(column))
    return {"data_tests": [accepted_values(values)]} if values else {}


def _yaml(
    name: str,
    stream: SourceStream,
    columns: Sequence[Selected],
    key: Sequence[str],
    audit: Sequence[str],
    closed: Mapping[str, Sequence[str]],
) -> str:
    grain = f"One row per {'bronze row' if audit else 'row of the source'}."
    described = (
        f"`{_plain(stream.name)}`, renamed and typed; what cannot be read as its type is null here.\n{grain}"
    )
    # Where the source is loaded by Smelt, the entity is tested.
    listed = [documented(one) | ({} if audit else _tests(one.name, key, closed)) for one in columns]
    listed += [{"name": name, "description": AUDIT[name]} for name in audit]
    entry = {
        "name": name,
        "description": Folded(described),
        "config": {"materialized": "view"},
        "columns": listed,
    }
    return with_section("", "models", [entry])
