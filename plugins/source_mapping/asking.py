"""What a reviewer is asked, and the table from which a reviewer sees what is covered."""

from __future__ import annotations

from collections.abc import Iterator

from plugins.review import code, prose
from plugins.source_mapping.document import ColumnMapping, EntityMapping, StreamMapping
from plugins.source_mapping.drafting.columns import NUMBERS
from plugins.source_mapping.drafting.files import Drafts, existing, is_drafted
from plugins.source_mapping.drafting.staging import is_used
from plugins.source_mapping.planning.plan import Plan
from plugins.source_mapping.streams import is_shared_name

_MOST = 30
_UNMAPPED = 12


def questions(plan: Plan, drafts: Drafts) -> Iterator[str]:
    """Those about entities first: what a column is depends on them."""
    asked = [
        *_about_entities(plan, drafts),
        *_about_views(plan),
        *_about_types(plan, drafts),
        *_about_columns(plan),
    ]
    yield from asked[:_MOST]
    if len(asked) > _MOST:
        yield (
            f"and {len(asked) - _MOST} more: `smelt review-mapping {plan.source.name}` shows them with "
            "their values"
        )


def _about_entities(plan: Plan, drafts: Drafts) -> Iterator[str]:
    for stream, mapping in existing(plan):
        entity = plan.entities.get(mapping.entity)
        if mapping.status == "question":
            yield (
                f"Is {code(stream.stream)} about {code(mapping.entity)} (confidence {mapping.confidence:.2f})? "
                f"If not, say `status: rejected` at it in mapping.yml, and it becomes an entity of its own."
            )
        others = [fed for fed in entity.fed_by if not fed.startswith(f"{plan.source.name}.")] if entity else []
        if others:
            model = drafts.models.get((stream.stream, mapping.entity), "")
            yield (
                f"{code(mapping.entity)} is made of {', '.join(map(code, others[:3]))} already. Its rows stay as "
                f"they are: {code(model)} stands beside them. To have both, add `union all select … from "
                f"{{{{ ref('{model}') }}}}` where {code(mapping.entity)} reads its staging model; are their keys "
                "numbered apart?"
            )


def _about_views(plan: Plan) -> Iterator[str]:
    for stream in plan.mapping.streams:
        of = next((one.profile.view_of for one in plan.source.streams if one.name == stream.stream), None)
        if of is None:
            continue
        for mapping in stream.entities:
            if not is_drafted(mapping) and mapping.status == "question":
                yield (
                    f"All rows of {code(stream.stream)} are rows of {code(of)}, column by column: a view or a "
                    f"copy. Is it to be mapped beside {code(of)}? It is left out: say `status: approved` at "
                    f"{code(mapping.entity)} in mapping.yml to have it, or `rejected` to be asked no more."
                )


def _about_types(plan: Plan, drafts: Drafts) -> Iterator[str]:
    """References that would be of two types: they are joined on, and only their names say that they belong
    together.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for stream in plan.mapping.streams:
        for mapping in stream.entities:
            types = drafts.types.get((stream.stream, mapping.entity), {}) if mapping.is_new else {}
            for target, data_type in types.items():
                if is_shared_name(target):
                    family = "text" if data_type.startswith("varchar") else data_type
                    family = "a number" if data_type.startswith(NUMBERS) else family
                    found.setdefault(target, {}).setdefault(family, []).append(mapping.entity)
    for target, families in found.items():
        if len(families) > 1:
            told = " and ".join(
                f"{family} in {', '.join(map(code, entities[:3]))}" for family, entities in families.items()
            )
            yield (
                f"{code(target)} is {told}. If it is the same thing, give it one `expression` in mapping.yml, or "
                "they can't be joined; are they?"
            )


def _about_columns(plan: Plan) -> Iterator[str]:
    for stream in plan.mapping.streams:
        for mapping in stream.entities:
            if not is_drafted(mapping):
                continue
            for column in mapping.columns:
                if column.status == "question" and not column.is_decided:
                    yield _question(stream, mapping, column)


def _question(stream: StreamMapping, mapping: EntityMapping, column: ColumnMapping) -> str:
    target = code(f"{mapping.entity}.{column.target}")
    others = ", or ".join(f"{code(one.column)} ({one.confidence:.2f})" for one in column.runners_up)
    if not column.columns:
        maybe = f" Perhaps {others}?" if others else ""
        return f"Which column of {code(stream.stream)} is {target}? None is likely enough.{maybe}"
    ours = " and ".join(map(code, column.columns))
    state = "It is mapped so for now" if is_used(column) else "It is null until you say"
    maybe = f"; or {others}" if others else ""
    why = (
        f"{column.confidence:.2f}: {prose(column.evidence, 120)}"
        if column.evidence
        else f"{column.confidence:.2f}"
    )
    return f"Is {ours} of {code(stream.stream)} {target} ({why}){maybe}? {state}."


def coverage(plan: Plan, drafts: Drafts) -> str:
    """One row a share of a stream in an entity; then what stays behind, and why."""
    lines = [
        "| stream | entity | staging model | mapped | sure | asked | nothing at the source |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    lines += [
        _covered(stream, mapping, drafts)
        for stream in plan.mapping.streams
        for mapping in stream.entities
        if (stream.stream, mapping.entity) in drafts.models
    ]
    behind = list(_behind(plan))
    if behind:
        lines += ["", "**Not mapped**", "", *behind]
    return "\n".join(lines)


def _covered(stream: StreamMapping, mapping: EntityMapping, drafts: Drafts) -> str:
    model = drafts.models[stream.stream, mapping.entity]
    used = [column for column in mapping.columns if is_used(column)]
    asked = sum(column.status == "question" for column in mapping.columns)
    missing = [code(column.target) for column in mapping.columns if not (column.columns or column.expression)][:6]
    new = "" if mapping.entity in drafts.there else " (new)"
    made = f"{code(mapping.entity)}{new}" if mapping.entity in drafts.entities else "staged only"
    entity = made if mapping.is_new else code(mapping.entity)
    sure = sum(column.status != "question" for column in used)
    mapped = f"{len(used)} of {len(mapping.columns)}"
    cells = (code(stream.stream), entity, code(model), mapped, str(sure), str(asked), ", ".join(missing) or "–")
    return f"| {' | '.join(cells)} |"


def _behind(plan: Plan) -> Iterator[str]:
    for stream in plan.mapping.streams:
        for one in stream.unmapped[:_UNMAPPED]:
            yield f"- {code(f'{stream.stream}.{one.column}')}: {prose(one.because, 160)}"
        if len(stream.unmapped) > _UNMAPPED:
            yield f"- and {len(stream.unmapped) - _UNMAPPED} more of {code(stream.stream)}, in mapping.yml"
