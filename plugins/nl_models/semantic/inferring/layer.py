"""The inferred layer as dbt would write it: semantic models and metrics that MetricFlow compiles."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from plugins.nl_models.catalog.database import relation
from plugins.nl_models.catalog.keys import key
from plugins.nl_models.catalog.names import lemma
from plugins.nl_models.catalog.schema import Catalog, Column, Table
from plugins.nl_models.semantic.inferring.dimensions import Dimensions, model_name, time_dimension
from plugins.nl_models.semantic.inferring.happening import happened
from plugins.nl_models.semantic.inferring.measures import (
    TURNOVER,
    Measured,
    counted,
    headed,
    measured,
    multiplied,
    plural,
    taking_part,
)
from plugins.nl_models.semantic.inferring.star import Star, is_calendar, sql_name
from plugins.nl_models.semantic.layer import SemanticLayer

_SAME = 0.0001
_NEVER = "no_day"


@dataclass(frozen=True)
class Inferred:
    """A layer that nobody has written, and the values of its categorical dimensions."""

    layer: SemanticLayer
    values: Mapping[tuple[str, str], tuple[str, ...]]


def infer_layer(
    catalog: Catalog,
    con: duckdb.DuckDBPyConnection,
    configuration: Mapping[str, Any],
    taken: frozenset[str] = frozenset(),
) -> Inferred | None:
    """What the facts and dimensions of a catalog can be asked for; None without a fact.

    configuration: `project_configuration` of the project's semantic manifest, for its time spines. taken: names
    that its own metrics have.
    """
    star = Star(catalog)
    facts = {name for name, table in star.tables.items() if star.is_fact(table)}
    if not facts:
        return None
    dimensions = Dimensions(star)
    found = [each for table in star.tables.values() for each in _measures(star, dimensions, con, table)]
    totals = _Totals(con)
    metrics = list(_apart(_named(star, _of_headers(star, totals, found), taken)))
    names = {each.name for each in metrics}
    own = defaultdict(list)
    for each in found:
        own[each.table].append(each)
    twins = {each.name: [t for t in _by_lines(star, totals, own, each) if t.name not in names] for each in metrics}
    every = {each.name: each for each in (*metrics, *(twin for some in twins.values() for twin in some))}
    by_table = defaultdict(list)
    for each in every.values():
        by_table[each.table].append(each)
    models = [
        _semantic_model(star, dimensions, table, table.name in facts, by_table[table.name])
        for table in star.tables.values()
    ]
    document = {
        "semantic_models": models,
        "metrics": [*(_metric(star, each) for each in every.values()), *_values_of_one(star, metrics)],
        "project_configuration": {**configuration, "time_spines": _spines(catalog, configuration)},
        "saved_queries": [],
    }
    compiled = {**document, "semantic_models": [_with_some_day(model) for model in models]}
    layer = replace(
        SemanticLayer.of(document),
        document=compiled,
        is_inferred=True,
        twins={n: tuple(twin.name for twin in t) for n, t in twins.items() if t},
    )
    return Inferred(layer, dimensions.values)


def _measures(
    star: Star, dimensions: Dimensions, con: duckdb.DuckDBPyConnection, table: Table
) -> Iterator[Measured]:
    identity, entity, is_fact = key(table), star.entity(table), star.is_fact(table)
    headers = star.headers(table) if is_fact else []
    rows = counted(table, identity, entity)
    yield from happened(rows, table, star.day(table), dimensions.days(table)) if is_fact else [rows]
    yield from (headed(table, header) for header in headers)
    numbers = list(measured(table, star.catalog.links, identity, entity, is_fact=is_fact))
    expressions = list(dict.fromkeys(each.expr for each in numbers))
    repeated = {expr for header in headers for expr in _repeated(con, table, expressions, header)}
    found = [each for each in numbers if each.expr not in repeated]
    yield from found
    has_turnover = any(each.agg == "sum" and each.about[-1] == TURNOVER for each in found)
    if is_fact and not has_turnover and (paid := multiplied(table, entity)) is not None:
        yield paid
    for parent, column in star.foreign(table) if is_fact else ():
        if not star.is_fact(parent):
            yield taking_part(table, column, plural(parent, star.entity(parent)), plural(table, entity))


def _repeated(
    con: duckdb.DuckDBPyConnection, table: Table, expressions: Sequence[str], header: Column
) -> Iterator[str]:
    """The numbers that are a header's and stand in each of its lines: a sum would count them again and again."""
    if not expressions:
        return
    name = sql_name(header.name)
    counts = [f"count(distinct ({name}, {expr})), count(distinct {expr})" for expr in expressions]
    ((headers, *found),) = con.execute(
        f"select count(distinct {name}), {', '.join(counts)} from {relation(table.name)} where {name} is not null"
    ).fetchall()
    for expr, pairs, different in zip(expressions, found[::2], found[1::2], strict=True):
        if pairs == headers and different > 1:
            yield expr


def _of_headers(star: Star, totals: _Totals, found: Iterable[Measured]) -> Iterator[Measured]:
    """Without what lines have like their header, or one table twice, if the totals agree."""
    groups: dict[tuple[object, ...], list[Measured]] = defaultdict(list)
    for each in found:
        groups[(each.agg, each.about)].append(each)
    for group in groups.values():
        for each in group:
            headers = [o for o in group if star.belongs(each.table, o.table)]
            own = [o for o in group[: group.index(each)] if o.table == each.table]
            is_said = any(each.agg == "average" or totals.agree(each, other) for other in headers)
            if not is_said and not any(totals.agree(each, other) for other in own):
                yield each


def _by_lines(
    star: Star, totals: _Totals, own: Mapping[str, Sequence[Measured]], header: Measured
) -> Iterator[Measured]:
    """What a header says, said by its lines: they have dimensions that it has not. own: by table, all it has."""
    table = star.tables[header.table]
    if header.agg == "average" or not star.is_fact(table):
        return
    for lines, column in star.lines[header.table]:
        same = replace(header, table=lines.name, name=f"{star.entity(lines)}_{header.name}", synonyms=())
        if header.about == (star.entity(table),):
            candidates = [replace(same, expr=sql_name(column))]
        else:
            alike = [o for o in own[lines.name] if (o.agg, o.about) == (same.agg, same.about)]
            candidates = [replace(same, expr=each.expr) for each in alike]
        yield from [other for other in candidates if totals.agree(header, other)][:1]


class _Totals:
    """What measures add up to over all rows, each asked once."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._known: dict[tuple[str, str], float] = {}

    def agree(self, one: Measured, other: Measured) -> bool:
        """Whether two are the same in all; averages never say."""
        if "average" in (one.agg, other.agg):
            return False
        first, second = self._of(one), self._of(other)
        return abs(first - second) <= _SAME * abs(first)

    def _of(self, each: Measured) -> float:
        function = f"count(distinct {each.expr})" if each.agg == "count_distinct" else f"sum({each.expr})"
        place = (each.table, function)
        if place not in self._known:
            query = f"select {function}::double from {relation(each.table)}"
            ((total,),) = self._con.execute(query).fetchall()
            self._known[place] = total or 0.0
        return self._known[place]


def _named(star: Star, found: Iterable[Measured], others: frozenset[str]) -> Iterator[Measured]:
    """Each under a name of its own; what several tables have, or others, is called after them, too."""
    found = list(found)
    names = Counter(each.name for each in found)
    taken = set(others)
    for each in found:
        if names[each.name] > 1 or each.name in others:
            name = f"{star.entity(star.tables[each.table])}_{each.name}"
            each = replace(each, name=name, label=name.replace("_", " "), synonyms=(each.label, *each.synonyms))
        if each.name not in taken:
            taken.add(each.name)
            yield each


def _apart(found: Iterable[Measured]) -> Iterator[Measured]:
    """None is called as another one is by its own name."""
    found = list(found)
    labels = {_alike(each.label) for each in found}
    for each in found:
        own = _alike(each.label)
        kept = (text for text in each.synonyms if _alike(text) == own or _alike(text) not in labels)
        yield replace(each, synonyms=tuple(kept))


def _alike(text: str) -> tuple[str, ...]:
    """A name as it is looked up: of one or of several."""
    return tuple(lemma(word) if word.endswith("s") else word for word in text.lower().split())


def _semantic_model(
    star: Star, dimensions: Dimensions, table: Table, is_fact: bool, metrics: Iterable[Measured]
) -> dict[str, Any]:
    schema, _, alias = table.name.rpartition(".")
    entity, identity, day = star.entity(table), key(table), star.day(table) if is_fact else None
    entities = [
        {"name": star.entity(parent), "type": "foreign", "expr": sql_name(column)}
        for parent, column in star.foreign(table)
    ]
    if identity is not None:
        entities.append({"name": entity, "type": "primary", "expr": sql_name(identity.name)})
    days = [] if day is None else [time_dimension(f"{entity}_day", day)]
    return {
        "name": model_name(table),
        "description": table.description,
        "node_relation": {"alias": alias, "schema_name": schema, "relation_name": relation(table.name)},
        "defaults": {"agg_time_dimension": f"{entity}_day"} if day is not None else None,
        "primary_entity": None if identity is not None else entity,
        "entities": entities,
        "known_by": dimensions.known_by(table),
        "measures": [_measure(each) for each in metrics],
        "dimensions": [*days, *dimensions.of(table), *dimensions.farther(table)],
    }


def _spines(catalog: Catalog, configuration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The project's time spines; MetricFlow takes no layer without one, though nothing that is asked reads it."""
    if spines := configuration.get("time_spines"):
        return list(spines)
    days = [
        (table.name, column.name)
        for table in sorted(catalog.tables.values(), key=lambda table: not is_calendar(table))
        for column in table.columns.values()
        if column.kind == "time"
    ]
    name, day = days[0] if days else (next(iter(catalog.tables)), _NEVER)
    schema, _, alias = name.rpartition(".")
    place = {"alias": alias, "schema_name": schema, "database": None, "relation_name": relation(name)}
    column = {"name": day, "time_granularity": "day"}
    return [{"node_relation": place, "primary_column": column, "custom_granularities": []}]


def _with_some_day(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """The model as MetricFlow takes it: no measure without a time dimension, though none may be asked for."""
    model = {key: value for key, value in model.items() if key != "known_by"}
    if model["defaults"] is not None:
        return model
    never = time_dimension(_NEVER, "cast(null as date)")
    measures = [{**measure, "agg_time_dimension": _NEVER} for measure in model["measures"]]
    return {**model, "dimensions": [*model["dimensions"], never], "measures": measures}


def _measure(each: Measured) -> dict[str, Any]:
    found = {"name": f"{each.name}_measure", "agg": each.agg, "expr": each.expr, "description": each.description}
    return {**found, "agg_time_dimension": each.day} if each.day else found


def _values_of_one(star: Star, metrics: Sequence[Measured]) -> Iterator[dict[str, Any]]:
    """What was paid for one of what rows belong to: per invoice, where only its lines are kept."""
    taken = {each.name for each in metrics}
    for paid in (each for each in metrics if each.agg == "sum" and each.about[-1] == TURNOVER):
        for header in star.headers(star.tables[paid.table]):
            counted = next((m for m in metrics if (m.table, m.expr) == (paid.table, sql_name(header.name))), None)
            name = f"average_{counted.about[0]}_value" if counted is not None else ""
            if counted is None or name in taken:
                continue
            taken.add(name)
            one = counted.about[0].replace("_", " ")
            said = [f"{mean} {one} {what}" for mean in ("average", "avg") for what in ("value", "total", "size")]
            said += [f"average value {one}", f"{one} value", f"{paid.label} per {one}", f"revenue per {one}"]
            measures = [{"name": f"{each.name}_measure"} for each in (paid, counted)]
            yield {
                "name": name,
                "label": f"Average {one} value",
                "type": "ratio",
                "type_params": {
                    "numerator": {"name": paid.name},
                    "denominator": {"name": counted.name},
                    "input_measures": measures,
                    "metrics": [],
                },
                "config": {"meta": {"synonyms": said}},
            }


def _metric(star: Star, each: Measured) -> dict[str, Any]:
    measure = {"name": f"{each.name}_measure", "fill_nulls_with": None, "join_to_timespine": False}
    return {
        "name": each.name,
        "label": each.label.capitalize(),
        "description": each.description,
        "type": "simple",
        "type_params": {"measure": measure, "input_measures": [measure], "metrics": []},
        "config": {"meta": {"synonyms": list(each.synonyms)}},
        "filter": _with_day(star.entity(star.tables[each.table]), each.day) if each.day else None,
    }


def _with_day(entity: str, day: str) -> dict[str, Any]:
    """Only what has happened."""
    return {"where_filters": [{"where_sql_template": f"{{{{ TimeDimension('{entity}__{day}') }}}} is not null"}]}
