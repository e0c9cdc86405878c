"""The model of a plan over tables, before it is proposed."""

from __future__ import annotations

from collections.abc import Iterator

from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.adding import Added, add_missing, said_of
from plugins.nl_models.models.asking import general_questions
from plugins.nl_models.models.comparing import Compared, compare_queries
from plugins.nl_models.models.compiling import compile_text
from plugins.nl_models.models.contract_types import contract_types, is_same
from plugins.nl_models.models.conventions import Conventions, learn
from plugins.nl_models.models.describing import column_words, listed, sentence_of
from plugins.nl_models.models.document import Documented, test_name
from plugins.nl_models.models.draft import Draft, known_values, notes_of
from plugins.nl_models.models.ground import Ground, lay_ground
from plugins.nl_models.models.house import to_text
from plugins.nl_models.models.measuring import Measured, describe, measure
from plugins.nl_models.models.relational import PlanBuilder, Planned
from plugins.nl_models.models.unit_test import UnitTest, make_unit_test
from plugins.nl_models.plan import ColumnRef, Measure, Plan, Term

_FUNCTIONS = {"sum": "Sum of", "avg": "Average of", "min": "Lowest", "max": "Highest"}


def draft_plan(plan: Plan, name: str, question: str, sentence: str, project: AskedProject) -> Draft:
    """The model of a plan. Raises SmeltError for what it cannot say."""
    ground = lay_ground(project)
    builder = PlanBuilder(plan, ground, project.catalog)
    relations = {one.jinja: one.relation for one in ground.inputs.values()}
    first = builder.build()
    conventions = learn(project, name, [one.node for one in first.facts], None)
    bare = compile_text(to_text(first.query, conventions.style), relations)
    natural = describe(project.con, bare, ground.inputs)
    types = contract_types(natural, conventions.types, [c for c, t in first.terms.items() if _is_average(t)])
    planned = builder.build({name: kind for name, kind in types.items() if not is_same(kind, natural[name])})
    text = to_text(planned.query, conventions.style)
    sql = compile_text(text, relations)
    measured = measure(project.con, sql, ground.inputs, planned.keys)
    shown = {column: types[column] for column in planned.terms}
    compared = compare_queries(project.con, sql, planned.asked, ground.inputs, shown)
    inputs = {one.name: one for one in planned.facts}
    unit = make_unit_test(
        planned.query, inputs, known_values(inputs, project), keys=planned.keys, limit=plan.limit
    )
    described = {column: _described(term, ground) for column, term in planned.terms.items()}
    added = add_missing(planned, described, project)
    document = Documented(
        name=name,
        question=question,
        description=f"{sentence_of(_content(plan, planned) or sentence)}\n{_grain(plan, planned)}",
        columns=described,
        types={column.output: types[column.output] for column in planned.query.final.in_order},
        keys=planned.keys,
        tested_keys=frozenset(key for key in planned.keys if not measured.nulls[key]),
        is_unique=measured.is_unique and bool(planned.keys),
        materialized=conventions.materialized,
        unit_test=(_test_name(planned), unit) if unit is not None else None,
    )
    return Draft(
        text=text,
        sql=sql,
        document=document,
        conventions=conventions,
        measured=measured,
        notes=(*notes_of(measured, planned.query, unit), *(said_of(metric) for metric, _ in added.metrics)),
        questions=tuple(_questions(planned, measured, compared, conventions, name, unit, added)),
        compared=compared,
        metrics={metric.name: shown for metric, shown in added.metrics},
        files=added.files,
    )


def _is_average(term: Term) -> bool:
    return isinstance(term, Measure) and term.function == "avg"


def _content(plan: Plan, planned: Planned) -> str:
    """What it holds, where that is numbers by groups and nothing more; else the question's sentence says it."""
    numbers = [column_words(name) for name, term in planned.terms.items() if isinstance(term, Measure)]
    if not (numbers and planned.keys) or plan.where or plan.having or plan.limit:
        return ""
    return f"{listed(numbers)} by {listed([column_words(key) for key in planned.keys])}"


def _grain(plan: Plan, planned: Planned) -> str:
    if planned.keys:
        text = f"One row per {listed([column_words(key) for key in planned.keys])}"
    elif any(isinstance(term, Measure) for term in plan.select) and not plan.group_by:
        text = "One row"
    else:
        text = f"One row per row of {planned.facts[0].name} that is asked for"
    return f"{text}; the first {plan.limit}." if plan.limit is not None else f"{text}."


def _described(term: Term, ground: Ground) -> str:
    if isinstance(term, ColumnRef):
        return sentence_of(_column(term, ground))
    if term.column is None:
        return f"Number of {column_words(ground.inputs[term.table].name) if term.table else 'rows'}."
    of = _column(term.column, ground).rstrip(".")
    if term.function == "count":
        return f"Number of {'different ' * term.distinct}{column_words(term.column.name)} values."
    what = column_words(term.column.name)
    return (
        f"{_FUNCTIONS[term.function]} {what} ({of[:1].lower()}{of[1:]})."
        if of.lower() != what
        else sentence_of(f"{_FUNCTIONS[term.function]} {what}")
    )


def _column(term: ColumnRef, ground: Ground) -> str:
    return ground.inputs[term.table].descriptions.get(term.name) or column_words(term.name)


def _test_name(planned: Planned) -> str:
    has_conditions = any(step.where for step in planned.query.steps.values())
    what = column_words(list(planned.terms)[-1])
    of = "is of rows that are asked for" if has_conditions else "is calculated from its inputs"
    return test_name([what, of])


def _questions(
    planned: Planned,
    measured: Measured,
    compared: Compared,
    conventions: Conventions,
    name: str,
    unit: UnitTest | None,
    added: Added,
) -> Iterator[str]:
    if compared.differing:
        yield f"{compared}: which of the two is right?"
    yield from added.questions
    if not planned.keys and measured.rows > 1:
        yield "Nothing that was asked for identifies a row: should a key be added?"
    yield from general_questions(name, planned.keys, measured, conventions, unit)
