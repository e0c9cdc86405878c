"""What the model is told of a catalog: names, types, descriptions, joins; never values. Bounded, however many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from plugins.nl_models.catalog.schema import Column, Join, Table
from plugins.nl_models.language.bounds import Bounds
from plugins.nl_models.language.metrics import dimensions_of
from plugins.nl_models.language.naming import resolve, unknown
from plugins.nl_models.language.search import Finder, tables_by_score
from plugins.nl_models.semantic.layer import Metric, SemanticLayer
from plugins.nl_models.subject import Subject

_BRIEF, _LONG, _TYPE = 160, 600, 40
# Columns, dimensions and joins in one line.
_MOST_NAMES = 40
# Characters: of the longest line, whatever names are like; kept for saying how much isn't shown.
_LINE, _REST = 2_500, 80


def summarise(question: str, subject: Subject, finder: Finder, bounds: Bounds) -> str:
    """Metrics and tables as lines, those of the question first, within `summary_characters`."""
    ranked = finder.ranked(question)
    metrics: list[str] = []
    if subject.layer is not None:
        asked = [entry.name for entry, _ in ranked if entry.kind == "metric"]
        names = list(dict.fromkeys([*asked, *subject.layer.metrics]))
        space = bounds.summary_characters // 2
        metrics = list(_within(space, "metrics", names, _metric_blocks(subject.layer, names)))
    names = list(dict.fromkeys([*tables_by_score(ranked), *subject.catalog.tables]))
    left = bounds.summary_characters - sum(len(line) + 1 for line in metrics)
    blocks = (list(_table_block(subject.catalog.tables[name], subject)) for name in names)
    tables = _within(left, "tables", names, blocks)
    return "\n".join([*metrics, *tables])


def describe_table(table: Table, subject: Subject, bounds: Bounds) -> dict[str, Any]:
    """A table with its columns, as many as `described_columns`, and its joins."""
    columns = list(table.columns.values())
    shown = columns[: bounds.described_columns]
    return {
        "table": table.name,
        "description": _clipped(table.description, _LONG),
        "also called": _listed(table.synonyms),
        "rows": table.rows,
        "key": list(table.key),
        "columns": [_described(column) for column in shown],
        "columns not shown": len(columns) - len(shown),
        "joins": [_join(join) for join in _joins(table, subject)][: bounds.described_columns],
    }


def describe_metric(metric: Metric, layer: SemanticLayer, bounds: Bounds) -> dict[str, Any]:
    """A metric with the dimensions that it can be had by."""
    known = dimensions_of(layer, (metric.name,))
    dimensions = [
        {"name": d.name, "kind": d.kind, "description": _clipped(d.description, _BRIEF)} for d in known.values()
    ]
    return {
        "metric": metric.name,
        "label": _clipped(metric.label, _BRIEF),
        "description": _clipped(metric.description, _LONG),
        "also called": _listed(metric.synonyms),
        "unit": _clipped(metric.unit, _TYPE),
        "kind": metric.kind,
        "dimensions": dimensions[: bounds.described_columns],
    }


def describe(name: str, subject: Subject, bounds: Bounds) -> dict[str, Any]:
    """The table or metric of that name. Raises PlanError with the nearest names if there is none."""
    layer = subject.layer
    if layer is not None and (metric := resolve(name, layer.metrics)) is not None:
        return describe_metric(metric, layer, bounds)
    if (table := resolve(name, subject.catalog.tables)) is not None:
        return describe_table(table, subject, bounds)
    metrics = layer.metrics if layer is not None else ()
    raise unknown("table or metric", name, [*subject.catalog.tables, *metrics])


def _within(space: int, what: str, names: Sequence[str], blocks: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of the blocks, one of each name, that fit; then, how many more there are."""
    for number, block in enumerate(blocks):
        block = [line[:_LINE] for line in block]
        space -= sum(len(line) + 1 for line in block)
        if space < _REST:
            yield f"({len(names) - number:,} more {what}: search_catalog finds them)"
            return
        yield from block


def _metric_blocks(layer: SemanticLayer, names: Iterable[str]) -> Iterator[list[str]]:
    """A line each; dimensions are listed once for all metrics that share them."""
    told: dict[tuple[str, ...], str] = {}
    for name in names:
        metric = layer.metrics[name]
        dimensions = tuple(dimensions_of(layer, (name,)))
        is_new = dimensions not in told
        mark = told.setdefault(dimensions, f"D{len(told) + 1}")
        also = f"; also {_listed(metric.synonyms)}" if metric.synonyms else ""
        unit = f" in {_clipped(metric.unit, _TYPE)}" if metric.unit else ""
        line = f"metric {name}{unit} by {mark}{also}: {_clipped(metric.description, _BRIEF)}"
        yield [line, f"dimensions {mark}: {_listed(dimensions)}"] if is_new else [line]


def _table_block(table: Table, subject: Subject) -> Iterator[str]:
    key = f", key {_listed(table.key)}" if table.key else ""
    yield f"table {table.name}, {table.rows:,} rows{key}: {_clipped(table.description, _BRIEF)}"
    yield f"  columns: {_listed(f'{c.name} {_clipped(c.data_type, _TYPE)}' for c in table.columns.values())}"
    if joins := [_join(join) for join in _joins(table, subject) if join.child == table.name]:
        yield f"  joins: {_listed(joins)}"


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": _clipped(column.data_type, _TYPE),
        "description": _clipped(column.description, _BRIEF),
        "also called": _listed(column.synonyms),
        "distinct values": column.distinct,
    }


def _joins(table: Table, subject: Subject) -> list[Join]:
    return [join for join in subject.catalog.joins if table.name in (join.child, join.parent)]


def _join(join: Join) -> str:
    return f"{join.child}.{join.column} = {join.parent}.{join.parent_column}"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    some = ", ".join(names[:_MOST_NAMES])
    return _clipped(some + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""), _LINE)


def _clipped(text: str, length: int) -> str:
    """In one line, and not longer than that."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
