"""A new entity in a layered project: rows checked by rules, the valid ones newest first, the others in
quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugins.core.editing.yaml_text import Flow, Folded, with_section
from plugins.source_mapping.drafting.closed_sets import accepted_values
from plugins.source_mapping.drafting.columns import Selected, documented
from plugins.source_mapping.drafting.staging import AUDIT, Staged
from plugins.source_mapping.planning.expressions import unquoted
from plugins.source_mapping.streams import SourceStream

_CHECKED = """with

{entity} as (

    select * from {{{{ ref('{staging}') }}}}

),

checked as (

    select
        *,
        {{{{ broken_rules({{
{rules}
        }}) }}}} as _smelt_broken_rules

    from {entity}

)

select * from checked
"""
_ENTITY = """with

latest as (

    {{{{ latest_valid(ref('int_{entity}__checked'), [{key}]) }}}}

),

final as (

    select

{columns}

        ---------- audit
        {{{{ audit_columns() }}}}

    from latest

)

select * from final
"""
_QUARANTINE = """with

final as (

    {{{{ quarantined(source('{source}', '{stream}'), ref('int_{entity}__checked')) }}}}

)

select * from final
"""
_KEPT = ("_smelt_batch_id", "_smelt_source_position", "_smelt_loaded_at")
_EXTRA = {"_smelt_extra": "Values that fit no column, as JSON."}
_BROKEN = {"_smelt_broken_rules": "Names of the rules that the row breaks."}


@dataclass(frozen=True)
class Model:
    """A model's name and its two files."""

    name: str
    sql: str
    yaml: str


@dataclass(frozen=True)
class Reference:
    """A column that names a row of another entity."""

    column: str
    entity: str
    to_column: str


def draft_entity(
    entity: str,
    source: str,
    owner: str,
    stream: SourceStream,
    staged: Staged,
    references: Sequence[Reference] = (),
) -> tuple[Model, ...]:
    """The checked model, the entity and its quarantine. The stream must have a key."""
    return (
        _checked(entity, staged),
        _entity(entity, source, owner, staged, references),
        _quarantine(entity, source, stream),
    )


def _checked(entity: str, staged: Staged) -> Model:
    rules = {f"{name}_present": f"{name} is not null" for name in staged.key}
    names = {unquoted(one.name): one.name for one in staged.columns}
    rules |= {
        f"{target}_readable": f"{names[target]} is not null or {raw} is null"
        for target, raw in staged.written.items()
        if target in names and target not in staged.key
    }
    listed = ",\n".join(f"            '{name}': '{predicate}'" for name, predicate in rules.items())
    told = {
        rule: f"{rule.removesuffix('_present')} is there, and could be read"
        if rule.endswith("_present")
        else f"{rule.removesuffix('_readable')}, where it is given, could be read"
        for rule in rules
    }
    yaml = _described(
        f"int_{entity}__checked",
        f"Every version of every row of {staged.name}, with the rules it breaks.\nOne row per bronze row.",
        {"materialized": "view", "meta": {"rules": told}},
        [
            *_columns(staged.every),
            *_audit(AUDIT),
            {"name": "_smelt_broken_rules", "description": "Names of the rules that the row breaks."},
        ],
    )
    return Model(f"int_{entity}__checked", _CHECKED.format(entity=entity, staging=staged.name, rules=listed), yaml)


def _entity(entity: str, source: str, owner: str, staged: Staged, references: Sequence[Reference]) -> Model:
    columns = "\n\n".join(
        "\n".join([f"        ---------- {heading}", *(f"        {one.name}," for one in members)])
        for heading, members in _grouped(staged.columns)
    )
    key = ", ".join(f"'{unquoted(name)}'" for name in staged.key)
    tests: dict[str, object] = {} if len(staged.key) == 1 else {"data_tests": [_unique_together(staged.key)]}
    described = (
        f"{entity.replace('_', ' ').capitalize()} of {source}. The newest valid version of each; what was "
        "deleted at "
        f"the source is gone.\nOne row per {', '.join(map(unquoted, staged.key))}."
    )
    listed = [
        {**column, "data_type": one.data_type or "varchar"} | _quoted(one) | _tests(one, staged, references)
        for column, one in zip(_columns(staged.columns), staged.columns, strict=True)
    ]
    kept = [{"name": name, "description": AUDIT[name], "data_type": AUDIT_TYPES[name]} for name in _KEPT]
    yaml = _described(
        entity, described, {"contract": Flow(enforced=True), "meta": {"owner": owner}}, [*listed, *kept], tests
    )
    return Model(entity, _ENTITY.format(entity=entity, key=key, columns=columns), yaml)


AUDIT_TYPES = {
    "_smelt_batch_id": "varchar",
    "_smelt_source_position": "varchar",
    "_smelt_loaded_at": "timestamp with time zone",
}


def _quarantine(entity: str, source: str, stream: SourceStream) -> Model:
    came = [{"name": column.name, "description": f"As it came from {source}."} for column in stream.table.columns]
    last = [{**_audit(_BROKEN)[0], "data_tests": ["not_null"]}]
    yaml = _described(
        f"quarantine_{entity}",
        f"Rows of {entity} that break a rule, as they came, with the rules they break.\n"
        "One row per bronze row that is not valid.",
        {},
        [*came, *_audit(AUDIT), *_audit(_EXTRA), *last],
    )
    sql = _QUARANTINE.format(source=source, stream=stream.name, entity=entity)
    return Model(f"quarantine_{entity}", sql, yaml)


def _described(
    name: str,
    description: str,
    config: dict[str, object],
    columns: Sequence[object],
    more: dict[str, object] | None = None,
) -> str:
    entry = {"name": name, "description": Folded(description)}
    if config:
        entry["config"] = config  # pyright: ignore[reportArgumentType]
    return with_section("", "models", [{**entry, **(more or {}), "columns": list(columns)}])


def _columns(columns: Sequence[Selected]) -> list[dict[str, object]]:
    return [documented(one) for one in columns]


def _audit(columns: dict[str, str]) -> list[dict[str, object]]:
    return [{"name": name, "description": told} for name, told in columns.items()]


def _quoted(column: Selected) -> dict[str, object]:
    """dbt writes the names of a contract into SQL as they are."""
    return {"quote": True} if column.name.startswith('"') else {}


def _tests(column: Selected, staged: Staged, references: Sequence[Reference]) -> dict[str, object]:
    key = staged.key
    tests: list[object] = []
    if column.name in key:
        tests += ["not_null", "unique"] if len(key) == 1 else ["not_null"]
    for one in references:
        if one.column == unquoted(column.name):
            to = Flow(to=f"ref('{one.entity}')", field=one.to_column)
            # The other side may be late, or held in quarantine: worth knowing, and no reason to stop a build.
            tests.append({"relationships": {"arguments": to, "config": Flow(severity="warn")}})
    if column.name not in key and (values := staged.closed.get(unquoted(column.name))):
        tests.append(accepted_values(values))
    return {"data_tests": tests} if tests else {}


def _unique_together(key: Sequence[str]) -> dict[str, object]:
    return {"unique_combination": {"arguments": Flow(columns=[unquoted(name) for name in key])}}


def _grouped(columns: Sequence[Selected]) -> list[tuple[str, list[Selected]]]:
    headings = dict.fromkeys(one.heading for one in columns)
    return [(heading, [one for one in columns if one.heading == heading]) for heading in headings]
