"""An analysis as a sentence: the whole of what is asked, for whoever has to see whether it is what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from plugins.nl_models.analysis import TIME, Analysis, DimensionFilter, MetricFilter, PeriodComparison, TimeRange
from plugins.nl_models.render.around import column_names, previous
from plugins.nl_models.render.metric_words import made_of, metric_name, plain, uncapitalised
from plugins.nl_models.semantic.layer import SemanticDimension, SemanticLayer

_COMPARED = {"=": "is", ">": "is over", ">=": "is at least", "<": "is under", "<=": "is at most"}
_COMPARED_TIME = {">": "is after", ">=": "is at or after", "<": "is before", "<=": "is at or before"}
_CALCULATED = {
    "share": "share of ",
    "running total": "running total of ",
    "average": "average ",
    "moving average": "moving average of ",
}
_TOGETHER = {"sum": "the sum of these rows", "average": "the average of these rows"}
_TRUTHS = {"true": True, "false": False}
# Values that stand in a sentence without quotes and don't blur where they end.
_PLAIN_VALUE = re.compile(r"\w(?:[\w.&'/+-]| (?!or\b|nor\b|and\b))*", re.ASCII)
_LONGEST_DESCRIPTION = 60
_MOST_VALUES = 8


def describe(analysis: Analysis, layer: SemanticLayer) -> str:
    """What an analysis asks, in words: `Orders (number of orders) by country; 2011; top 5 by orders`."""
    words = _Words(analysis, layer)
    text = "; ".join(words.phrases())
    if analysis.calculation == "count":
        text = f"number of rows of: {uncapitalised(text)}"
    return text[:1].upper() + text[1:]


def dimension_words(names: Sequence[str], layer: SemanticLayer) -> dict[str, str]:
    """By name, what dimensions are called: as described, if that is short; no two of them alike."""
    said = {name: _described(name, layer) for name in names}
    alike = {text for text in said.values() if list(said.values()).count(text) > 1}
    return {name: f"{text} ({_owner(name)})" if text in alike else text for name, text in said.items()}


def metric_words(names: Sequence[str], layer: SemanticLayer) -> dict[str, str]:
    """By name, what metrics are called: without their unit, unless two would read alike."""
    short = {name: metric_name(layer.metrics[name], with_unit=False) for name in names}
    alike = {text for text in short.values() if list(short.values()).count(text) > 1}
    return {name: metric_name(layer.metrics[name]) if text in alike else text for name, text in short.items()}


def _described(name: str, layer: SemanticLayer) -> str:
    if name == TIME:
        return "time"
    dimension = layer.all_dimensions.get(name)
    label = plain(dimension.label if dimension is not None else name.split("__")[-1])
    description = dimension.description.strip().rstrip(".") if dimension is not None else ""
    if description and len(description) <= _LONGEST_DESCRIPTION and "\n" not in description:
        return uncapitalised(description)
    others = [other for other in layer.all_dimensions.values() if plain(other.label) == label]
    # An entity is the same thing wherever it is reached from.
    if len({other.model for other in others}) < 2 or (dimension is not None and dimension.kind == "entity"):
        return label
    return f"{label} of {_owner(name)}" if "__" in name else label


def _owner(name: str) -> str:
    return " ".join(plain(step) for step in name.split("__")[:-1])


class _Words:
    """The phrases of one analysis."""

    def __init__(self, analysis: Analysis, layer: SemanticLayer) -> None:
        self.analysis = analysis
        self.layer = layer
        named = [name for d in analysis.dimensions for name in (d.name, d.shown_by) if name]
        own = [part for condition in analysis.having for part in condition.filters]
        named += [part.dimension for part in (*analysis.filters, *analysis.only, *analysis.kept, *own)]
        self.dimensions = dimension_words(list(dict.fromkeys(named)), layer)
        metrics = [*analysis.metrics, *(part.metric for part in analysis.conditions)]
        self.metrics = metric_words(list(dict.fromkeys(metrics)), layer)

    def phrases(self) -> Iterator[str]:
        analysis = self.analysis
        yield self.asked()
        if analysis.time_range is not None:
            yield _time_range(analysis.time_range)
        yield from map(self.filtered, analysis.filters)
        if analysis.calculation not in (None, "count"):
            yield self.calculated()
        if analysis.comparison is not None:
            kind = "growth " if analysis.comparison.only_growth else ""
            kind = "change as an amount " if analysis.comparison.as_amount else kind
            yield f"{kind}against {before_words(analysis.comparison)}"
        yield from (f"only rows where {self.filtered(part)}" for part in analysis.kept)
        yield from map(self.held, analysis.having)
        if ranked := self.ranked():
            yield ranked
        if analysis.together is not None:
            yield _TOGETHER[analysis.together]

    def held(self, part: MetricFilter) -> str:
        """`only where units sold is over 10`, `only customers whose orders, in December 2010, is over 0`."""
        if not part.of:
            name = f"{part.metric}_change" if part.is_change else part.metric
            limit = _percent(part.value) if self.is_share(name) else _value(part.value)
            return f"only where {self.value_name(name)} {_COMPARED[part.operator]} {limit}"
        limit = _percent(part.value) if self.is_part(part.metric) else _value(part.value)
        about = [self.filtered(own) for own in part.filters]
        about += [_time_range(part.time_range)] if part.time_range is not None else []
        groups = _each([self.group(name) for name in part.of])
        within = f" in every {part.each}" if part.each is not None else ""
        where = f" ({'; '.join(about)})" if about else ""
        return (
            f"only where {self.metrics[part.metric]} of {groups}{where} {_COMPARED[part.operator]} {limit}{within}"
        )

    def asked(self) -> str:
        metrics = [
            f"{metric_name(metric)} ({made_of(metric, self.layer)})"
            for metric in (self.layer.metrics[name] for name in self.analysis.metrics)
        ]
        by = [self.group(name) for name in self.groups()]
        return " and ".join(metrics) + (f" by {_listed(by, 'and')}" if by else "")

    def groups(self) -> list[str]:
        """Query names of what there is a row for."""
        return list(column_names(self.analysis))

    def group(self, query_name: str) -> str:
        for dimension in self.analysis.dimensions:
            if dimension.query_name == query_name and dimension.part:
                return dimension.part
            if dimension.query_name == query_name and dimension.grain:
                of = "" if dimension.name == TIME else f" of {self.dimensions[dimension.name]}"
                return f"{dimension.grain}{of}"
            if dimension.query_name == query_name and dimension.shown_by:
                return f"{self.dimensions[dimension.name]} ({self.dimensions[dimension.shown_by]})"
        return self.dimensions.get(query_name) or _described(query_name, self.layer)

    def filtered(self, part: DimensionFilter) -> str:
        dimension = self.layer.all_dimensions.get(part.dimension)
        name = self.dimensions[part.dimension]
        if part.operator == "is null":
            return f"{name} is unknown"
        if part.operator == "is not null":
            return f"{name} is known"
        if dimension is not None and (truth := _truth(part, dimension)):
            return truth
        # The key of a thing is no amount, though it is a number.
        is_key = dimension is not None and dimension.kind == "entity"
        keys = [str(value) if is_key and not isinstance(value, str) else value for value in part.values]
        values = [_value(value) for value in keys[:_MOST_VALUES]]
        if more := len(part.values) - len(values):
            values.append(f"{more} more")
        if part.operator == "in":
            return f"{name} is {_listed(values, 'or')}"
        if part.operator == "not in":
            if len(values) > 2:
                return f"{name} is none of {', '.join(values)}"
            return f"{name} is {'not' if len(values) == 1 else 'neither'} {_listed(values, 'nor')}"
        if part.operator == "contains":
            return f"{name} contains “{part.values[0]}”"
        is_time = dimension is not None and dimension.kind == "time"
        return f"{name} {(_COMPARED_TIME if is_time else _COMPARED)[part.operator]} {values[0]}"

    def calculated(self) -> str:
        time = self.analysis.time
        others = [self.group(name) for name in self.groups() if time is None or name != time.query_name]
        if self.analysis.only:
            part = " and ".join(map(self.filtered, self.analysis.only))
            groups = [self.group(name) for name in self.groups()]
            return f"share of the total where {part}" + (f", of {_each(groups)}" if groups else "")
        if self.analysis.calculation == "share":
            over = f"over {_each(others, 'every')}" if others else ""
            return f"share of the total {over}".rstrip() + (f", {time.grain} by {time.grain}" if time else "")
        if self.analysis.calculation == "ratio":
            over, under = (self.metrics[name] for name in self.analysis.metrics)
            return f"{over} divided by {under}"
        if self.analysis.calculation == "moving average" and time is not None:
            each = f" for {_each(others)}" if others else ""
            return f"moving average over {self.analysis.window} {time.grain}s up to each{each}"
        if self.analysis.calculation == "average":
            averaged = [self.group(dimension.query_name) for dimension in self.analysis.dimensions]
            return f"average over {f'{time.grain}s' if time else _each(averaged, 'every')}"
        along = f"from {time.grain} to {time.grain}" if time else "over all rows"
        return f"running total {along}" + (f" for {_each(others)}" if others and time else "")

    def value_name(self, name: str) -> str:
        """A column that rows are kept or ordered by: a metric, what is compared with it, or a dimension."""
        if self.analysis.calculation == "ratio" and name in self.metrics:
            return " per ".join(self.metrics[metric] for metric in self.analysis.metrics)
        if name in self.metrics:
            return _CALCULATED.get(self.analysis.calculation or "", "") + self.metrics[name]
        for metric, said in self.metrics.items():
            if name == f"{metric}_change":
                return f"change of {said}"
            if self.analysis.comparison and name == f"{metric}_{previous(self.analysis.comparison)}":
                return f"{said} {before_words(self.analysis.comparison)}"
        return self.group(name)

    def is_share(self, name: str) -> bool:
        """Whether a column's numbers are parts of something, rather than amounts."""
        compared = self.analysis.comparison
        if name not in self.layer.metrics:
            return name.endswith("_change") and not (compared is not None and compared.as_amount)
        return self.analysis.calculation == "share" or self.is_part(name)

    def is_part(self, name: str) -> bool:
        """Whether a metric's own numbers are parts of something."""
        return self.layer.metrics[name].unit == "share"

    def ranked(self) -> str:
        analysis = self.analysis
        orders = analysis.order_by
        limit = f"{analysis.limit:,}" if analysis.limit is not None else ""
        which = "top" if orders and orders[0].descending else "bottom"
        if analysis.limit_over and limit and orders:
            over = _listed([self.group(name) for name in analysis.limit_over], "and")
            return f"{which} {limit} of {over} by total {self.value_name(orders[0].by)}, with all rows of each"
        if not limit and len(orders) == 1 and not orders[0].descending and self._is_time(orders[0].by):
            # Everybody reads along time.
            return ""
        if not orders:
            text = f"the first {limit}" if limit else ""
        elif limit and orders[0].by not in self.grouped_by:
            text = f"{which} {limit} by {self.ordered(skip_first=True)}"
        elif limit:
            text = f"{'last' if orders[0].descending else 'first'} {limit} by {self.ordered(skip_first=True)}"
        else:
            text = f"ordered by {self.ordered(skip_first=False)}"
        within = [self.group(name) for name in analysis.limit_within]
        if text and within:
            text += f" within {_each(within)}"
        ordered = {*analysis.limit_within, *(order.by for order in orders)}
        rest = [self.group(name) for name in self.groups() if name not in ordered]
        return f"{text}, ties by {_listed(rest, 'and')}" if limit and orders and rest else text

    def ordered(self, *, skip_first: bool) -> str:
        """What it is ordered by. skip_first: the direction of the first is said by `top`."""
        said = []
        for number, order in enumerate(self.analysis.order_by):
            is_group = order.by in self.grouped_by
            last = (
                ", latest first" if is_group and self._is_time(order.by) else ", descending"
            ) * order.descending
            direction = last if is_group else f", {'highest' if order.descending else 'lowest'} first"
            said.append(self.value_name(order.by) + ("" if skip_first and number == 0 else direction))
        return ", then ".join(said)

    @property
    def grouped_by(self) -> set[str]:
        return {dimension.query_name for dimension in self.analysis.dimensions}

    def _is_time(self, query_name: str) -> bool:
        return any(d.query_name == query_name and d.grain is not None for d in self.analysis.dimensions)


def _time_range(span: TimeRange) -> str:
    """Its label; with dates, where the label alone depends on when it is read."""
    if re.search(r"\d{4}", span.label) or (span.start is None and span.end is None):
        return span.label
    last = (span.end - timedelta(days=1)).isoformat() if span.end else ""
    if span.start is None:
        return f"{span.label} (up to {last})"
    return f"{span.label} ({span.start.isoformat()} {f'to {last}' if last else 'and later'})"


def before_words(comparison: PeriodComparison) -> str:
    """The period that is compared with: `the year before`, `3 months before`."""
    if comparison.count == 1:
        return f"the {comparison.grain} before"
    return f"{comparison.count} {comparison.grain}s before"


def _truth(part: DimensionFilter, dimension: SemanticDimension) -> str | None:
    """A yes or no: `product is merchandise`, `customer is not returning`."""
    match = re.match(r"(is|has|was)_(.+)", dimension.label)
    if match is None or len(part.values) != 1 or part.operator not in ("in", "not in"):
        return None
    value = part.values[0]
    yes = _TRUTHS.get(value.lower()) if isinstance(value, str) else bool(value)
    if yes is None:
        return None
    owner = plain(dimension.name.split("__")[-2]) if "__" in dimension.name else "it"
    # A filter that leaves values out keeps what is unknown.
    kept = " or unknown" if part.operator == "not in" else ""
    said = yes == (part.operator == "in")
    return f"{owner} {match[1]} {'' if said else 'not '}{plain(match[2])}{kept}"


def _value(value: str | bool | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _PLAIN_VALUE.fullmatch(value) else f"“{value}”"
    return f"{int(value) if value == int(value) else value:,}"


def _percent(value: float) -> str:
    return f"{value * 100:,.10g} %"


def _each(groups: Sequence[str], each: str = "each") -> str:
    listed = _listed(groups, "and")
    return f"{each} value of {listed}" if listed.startswith("whether") else f"{each} {listed}"


def _listed(items: Sequence[str], word: str) -> str:
    return ", ".join(items[:-1]) + f" {word} {items[-1]}" if len(items) > 1 else "".join(items)
