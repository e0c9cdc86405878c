"""The model of an analysis, before it is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from dateutil.relativedelta import relativedelta

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Analysis, DimensionFilter
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.after import as_compared, shown_columns
from plugins.nl_models.models.analysed import Analysed, AnalysisBuilder
from plugins.nl_models.models.asking import questions_about
from plugins.nl_models.models.comparing import compare
from plugins.nl_models.models.compiling import compile_text
from plugins.nl_models.models.conditions import Tables, words_of_filters
from plugins.nl_models.models.contract_types import contract_types, is_same
from plugins.nl_models.models.conventions import Conventions, learn
from plugins.nl_models.models.describing import (
    column_words,
    days_words,
    describe_columns,
    describe_model,
    key_words,
)
from plugins.nl_models.models.document import Documented, test_name
from plugins.nl_models.models.draft import Draft, known_values, notes_of
from plugins.nl_models.models.ground import Ground, lay_ground
from plugins.nl_models.models.house import to_text
from plugins.nl_models.models.measuring import describe, measure
from plugins.nl_models.models.unit_test import UnitTest, make_unit_test
from plugins.nl_models.render.periods import moved
from plugins.nl_models.semantic.layer import SemanticLayer

# Below this a full rebuild takes seconds, and an incremental model only costs attention: ten million rows are
# what DuckDB aggregates on two cores in about two seconds.
INCREMENTAL_ROWS = 10_000_000
_LATE = (
    "What arrives late for a bucket before the last one, and groups that vanish from it, show after "
    "`dbt build --full-refresh` only: is that enough?"
)


def draft_analysis(analysis: Analysis, name: str, question: str, project: AskedProject) -> Draft:
    """The model of an analysis. Raises SmeltError for what it cannot say."""
    layer = project.layer
    if layer is None:
        raise SmeltError("the project has no metrics", "ask for columns of tables")
    if unknown := [name for name in analysis.metrics if name not in layer.metrics]:
        raise SmeltError(f"there is no metric {unknown[0]}", f"one of {', '.join(sorted(layer.metrics))}")
    ground = lay_ground(project)
    analysis = _without_needless(analysis, ground, layer)
    known = frozenset(column for one in ground.inputs.values() for column in one.types)
    builder = AnalysisBuilder(analysis, ground, known, _spine(project))
    nodes = [ground.of_model(fact.model).node for fact in builder.facts]
    meta = (layer.metrics[analysis.metrics[0]].document.get("config") or {}).get("meta") or {}
    conventions = learn(project, name, nodes, meta.get("owner"))
    is_incremental = _is_incremental(analysis, builder, ground)
    relations = {one.jinja: one.relation for one in ground.inputs.values()}
    natural = describe(project.con, _sql(builder.build(), conventions, relations), ground.inputs)
    types = contract_types(natural, conventions.types, _ratios(analysis, builder))
    casts = {column: kind for column, kind in types.items() if not is_same(kind, natural[column])}
    analysed = builder.build(casts, is_incremental=is_incremental)
    text = to_text(analysed.query, conventions.style)
    sql = compile_text(text, relations)
    measured = measure(project.con, sql, ground.inputs, analysed.keys)
    asked = as_compared(analysis)
    compared = compare(project.con, sql, asked, layer, ground.inputs, analysed.shown, set(analysed.keys), types)
    unit = _unit_test(analysis, analysed, ground, project)
    document = Documented(
        name=name,
        question=question,
        description=describe_model(analysis, analysed, ground),
        columns=describe_columns(analysis, analysed, ground, measured.nulls),
        types={column.output: types[column.output] for column in analysed.query.final.in_order},
        keys=analysed.keys,
        tested_keys=frozenset(key for key in analysed.keys if not measured.nulls[key]),
        is_unique=measured.is_unique,
        materialized="incremental" if is_incremental else conventions.materialized,
        unit_test=(_test_name(analysis, analysed), unit) if unit is not None else None,
    )
    return Draft(
        text=text,
        sql=sql,
        document=document,
        conventions=conventions,
        measured=measured,
        notes=tuple(notes_of(measured, analysed.query, unit)),
        questions=(
            *questions_about(analysis, analysed, ground, measured, compared, conventions, name, unit),
            *([_LATE] if is_incremental else []),
        ),
        compared=compared,
    )


def _without_needless(analysis: Analysis, ground: Ground, layer: SemanticLayer) -> Analysis:
    """Without asking that something be known which tests say is."""
    models = {
        layer.measures[measure].model for name in analysis.metrics for measure in layer.metrics[name].measures
    }

    def is_needless(part: DimensionFilter) -> bool:
        tables = [Tables(ground, model) for model in models]
        return part.operator == "is not null" and not any(
            one.may_be_null(one.reach(part.dimension)[0]) for one in tables
        )

    kept = tuple(part for part in analysis.filters if not is_needless(part))
    return analysis.model_copy(update={"filters": kept})


def _sql(analysed: Analysed, conventions: Conventions, relations: Mapping[str, str]) -> str:
    return compile_text(to_text(analysed.query, conventions.style), relations)


def _ratios(analysis: Analysis, builder: AnalysisBuilder) -> set[str]:
    layer, names = builder.ground.layer, builder.names
    assert layer is not None
    ratios = {names.metrics[m] for m in analysis.metrics if layer.metrics[m].kind == "ratio"}
    for column in names.metrics.values():
        ratios |= {f"{column}_share", f"{column}_change"}
    return ratios


def _is_incremental(analysis: Analysis, builder: AnalysisBuilder, ground: Ground) -> bool:
    """Whether the facts are too many to be read each time, and old buckets stay as they are."""
    whole = analysis.calculation or analysis.comparison or analysis.having or analysis.limit or analysis.only
    first, *others = builder.facts
    if whole or analysis.time is None or others or first.step is None:
        return False
    return ground.of_model(first.model).rows >= INCREMENTAL_ROWS


def _spine(project: AskedProject) -> str | None:
    """The day column of the project's calendar."""
    assert project.layer is not None
    spines = project.layer.document["project_configuration"].get("time_spines") or ()
    return spines[0]["primary_column"]["name"] if spines else None


def _unit_test(analysis: Analysis, analysed: Analysed, ground: Ground, project: AskedProject) -> UnitTest | None:
    inputs = {one.name: one for one in ground.inputs.values() if one.name in analysed.query.imports}
    unit = make_unit_test(
        analysed.query,
        inputs,
        known_values(inputs, project),
        keys=analysed.keys,
        limit=analysis.limit,
        within=[analysed.names.dimensions[name] for name in analysis.limit_within],
        missing=_missing(analysis, analysed),
        later=_later(analysis),
        outlier=_outlier(analysis),
    )
    if unit is None or analysis.comparison is None:
        return unit
    # That earlier periods are not read further back than needed changes no row.
    return replace(unit, untested=tuple(one for one in unit.untested if " >= cast(" not in one))


def _missing(analysis: Analysis, analysed: Analysed) -> str:
    """A key that some rows lack, where those with it are ranked."""
    over = [analysed.names.dimensions[name] for name in analysis.limit_over]
    return next((key for key in over if any(key in fact.nullable for fact in analysed.facts)), "")


def _outlier(analysis: Analysis) -> int | None:
    """An amount of a group that is not kept, where metrics are compared with a bar."""
    if not analysis.having:
        return None
    return 1 if analysis.having[0].operator in (">", ">=", "=") else 1_000_000_000


def _later(analysis: Analysis) -> relativedelta | None:
    """How far the rows of the next bucket are, where buckets are set against each other."""
    if analysis.time is None or not (analysis.comparison or analysis.calculation):
        return None
    grain = analysis.comparison.grain if analysis.comparison else analysis.time.grain or "day"
    count = analysis.comparison.count if analysis.comparison else 1
    first = date(2000, 1, 1)
    return relativedelta(moved(first, grain, count), first)


def _test_name(analysis: Analysis, analysed: Analysed) -> str:
    # That what is ranked is known goes without saying.
    telling = [part for part in analysis.filters if analysis.limit is None or part.operator != "is not null"]
    if limits := list(words_of_filters(tuple(telling)).values()):
        return test_name(["only rows where", " and ".join(limits), "count"])
    column = column_words(next(shown_columns(analysis, analysed.names)))
    days = analysis.time_range
    if analysis.limit is not None:
        first = "the first" if analysis.limit == 1 else f"the first {analysis.limit}"
        return test_name(["only", first, "by", column, "is kept" if analysis.limit == 1 else "are kept"])
    if analysis.having:
        bar = analysis.having[0]
        words = {">": "over", ">=": "of at least", "<": "under", "<=": "of at most"}
        return test_name(["only groups with", column, words.get(bar.operator, "of"), f"{bar.value:g}", "are kept"])
    if analysis.comparison is not None:
        return test_name([column, "stands beside the", analysis.comparison.grain, "before"])
    if days is not None:
        return test_name(["only days", days_words(days), "count"])
    keys = " and ".join(key_words(analysis, analysed))
    return test_name([column, "is calculated by", keys] if keys else [column, "is calculated"])
