"""What the YAML of a proposed model says, from what the project says of its metrics and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from plugins.nl_models.analysis import TIME, Analysis, Dimension, TimeRange
from plugins.nl_models.models.analysed import Analysed
from plugins.nl_models.models.conditions import words_of_filters
from plugins.nl_models.models.ground import Ground
from plugins.nl_models.models.naming import previous_column
from plugins.nl_models.models.reaching import reach

_HAPPENED = re.compile(r"(?:the )?(?:day|date|time|when)(?: (?:on|at) which)? (?P<rest>[^,;.]+)", re.IGNORECASE)
_COMPARED = {"=": "of", ">": "over", ">=": "of at least", "<": "under", "<=": "of at most"}
_PREPOSITIONS = ("in ", "on ", "since ", "from ", "before ", "after ", "until ", "between ", "over ", "up to ")
_FIRST = {"week": "Monday of the week", "month": "First day of the month", "quarter": "First day of the quarter"}


def describe_model(analysis: Analysis, analysed: Analysed, ground: Ground) -> str:
    """What the model holds; ends with the grain."""
    assert ground.layer is not None
    labels = [_lower_first(ground.layer.metrics[name].label) for name in analysis.metrics]
    grain = analysis.time.grain if analysis.time is not None else None
    words = {"share": "with its share of the total", "running total": "with its running total"}
    if analysis.calculation == "average":
        labels = [f"average of {label} over every {grain or 'group'}" for label in labels]
    text = listed(labels)
    text += f" {words[analysis.calculation]}" if analysis.calculation in words else ""
    keys = key_words(analysis, analysed)
    if keys:
        text += f" by {listed(keys)}"
    limits = [*words_of_filters(analysis.filters).values()]
    if limits:
        text += f", where {listed(limits)}"
    if analysis.time_range is not None:
        text += f", {days_words(analysis.time_range)}"
    if analysis.comparison is not None:
        text += f", beside the {analysis.comparison.grain} before"
    return f"{text[:1].upper()}{text[1:]}.\n{grain_of(analysis, analysed, ground)}"


def grain_of(analysis: Analysis, analysed: Analysed, ground: Ground) -> str:
    """`One row per month and country.`"""
    if not analysed.keys:
        return "One row."
    assert ground.layer is not None
    metrics = {name: _lower_first(ground.layer.metrics[name].label) for name in analysis.metrics}
    text = f"One row per {listed(key_words(analysis, analysed))}"
    if analysis.limit is not None:
        text += f"; only {_first(analysis, metrics)}"
    if analysis.having:
        said = [f"{metrics[part.metric]} {_COMPARED[part.operator]} {part.value:g}" for part in analysis.having]
        text += f"; only those with {listed(said)}"
    return f"{text}."


def days_words(days: TimeRange) -> str:
    """`in 2011`, `since June 2011`."""
    return days.label if days.label.startswith(_PREPOSITIONS) else f"in {days.label}"


def _first(analysis: Analysis, metrics: Mapping[str, str]) -> str:
    if analysis.limit_over:
        return _highest(analysis, metrics)
    within = [name.rpartition("__")[2] for name in analysis.limit_within]
    what = "the one" if analysis.limit == 1 else f"the {analysis.limit}"
    order = analysis.order_by[0] if analysis.order_by else None
    if order is not None:
        by = metrics.get(order.by) or order.by.rpartition("__")[2].replace("_", " ")
        what += f" with the {'greatest' if order.descending else 'smallest'} {by}"
    return f"{what} of each {listed(within)}" if within else what


def _highest(analysis: Analysis, metrics: Mapping[str, str]) -> str:
    """`the 5 countries with the greatest revenue in all`."""
    order, over = analysis.order_by[0], [name.rpartition("__")[2] for name in analysis.limit_over]
    extreme = "greatest" if order.descending else "smallest"
    by = metrics.get(order.by) or order.by.replace("_", " ")
    groups = [column_words(name) if analysis.limit == 1 else plural(column_words(name)) for name in over]
    whose = "one" if analysis.limit == 1 else f"{analysis.limit}"
    return f"the {whose} {listed(groups)} with the {extreme} {by} in all"


def describe_columns(
    analysis: Analysis, analysed: Analysed, ground: Ground, nulls: Mapping[str, int]
) -> dict[str, str]:
    """A sentence for each column of the model."""
    found: dict[str, str] = {}
    for dimension in analysis.dimensions:
        column = analysed.names.dimensions[dimension.query_name]
        text = _of_dimension(dimension, analysed, ground)
        is_told = "null" in text.lower() or not nulls.get(column)
        found[column] = text if is_told else f"{text.rstrip('.')}; null where there is none."
        if dimension.shown_by is not None:
            name = analysed.names.shown[dimension.query_name]
            found[name] = _of_name(dimension.shown_by, analysed, ground)
    found.update(_of_metrics(analysis, analysed, ground))
    return found


def key_words(analysis: Analysis, analysed: Analysed) -> list[str]:
    """The grain in words; a time bucket is called by its size, a thing with its name beside it by its kind."""
    grain = analysis.time.grain if analysis.time is not None else None
    things = {analysed.names.dimensions[d.query_name]: d.name for d in analysis.dimensions if d.shown_by}
    return [
        grain if grain and key == analysed.time else column_words(things.get(key, key).rpartition("__")[2])
        for key in analysed.keys
    ]


def column_words(name: str) -> str:
    """A column's name as words."""
    return name.replace("_", " ")


def _of_dimension(dimension: Dimension, analysed: Analysed, ground: Ground) -> str:
    assert ground.layer is not None
    fact = analysed.facts[0]
    if dimension.name == TIME:
        if len({one.time for one in analysed.facts}) > 1:
            return _bucket(dimension.grain, "")
        found = next(d for d in ground.layer.models[fact.model].dimensions if d[0] == fact.time)
        described = found[3] or ground.of_model(fact.model).descriptions.get(found[2], "")
        return _bucket(dimension.grain, described)
    reached = reach(ground.layer, fact.model, dimension.name)
    described = reached.description or ground.of_model(reached.model).descriptions.get(reached.expr, "")
    if reached.kind == "time":
        return _bucket(dimension.grain, described)
    return sentence_of(described or reached.label.replace("_", " "))


def _of_name(shown_by: str, analysed: Analysed, ground: Ground) -> str:
    assert ground.layer is not None
    reached = reach(ground.layer, analysed.facts[0].model, shown_by)
    described = reached.description or ground.of_model(reached.model).descriptions.get(reached.expr, "")
    label, owner = column_words(reached.label), column_words(shown_by.split("__")[-2])
    return sentence_of(described or (label if owner in label else f"{label} of the {owner}"))


def _bucket(grain: str | None, described: str) -> str:
    """`Day the order was placed.` by month: `First day of the month in which the order was placed.`"""
    happened = _HAPPENED.match(described.strip())
    if grain in (None, "day"):
        return sentence_of(described or "The day")
    first = _FIRST.get(grain or "", f"First day of the {grain}")
    return f"{first} in which {happened['rest'].strip()}." if happened else f"{first}."


def _of_metrics(analysis: Analysis, analysed: Analysed, ground: Ground) -> Iterator[tuple[str, str]]:
    assert ground.layer is not None
    for metric in analysis.metrics:
        column = analysed.names.metrics[metric]
        described = sentence_of(ground.layer.metrics[metric].description or ground.layer.metrics[metric].label)
        yield column, described
        words = _lower_first(ground.layer.metrics[metric].label)
        if analysis.calculation == "share":
            whole = f" of the {analysis.time.grain}" if analysis.time is not None else ""
            yield f"{column}_share", sentence_of(f"{words} as a share of the total{whole}")
        if analysis.calculation == "running total":
            yield f"{column}_running_total", f"Sum of {words} up to and including the row's period."
        if analysis.calculation == "average":
            grain = analysis.time.grain if analysis.time is not None else "group"
            name = next(name for name in analysed.shown if name.startswith("average_") and name.endswith(column))
            yield name, f"Average of {words} over every {grain} that has any. {described}"
        if analysis.comparison is not None:
            grain, count = analysis.comparison.grain, analysis.comparison.count
            before = f"one {grain}" if count == 1 else f"{count} {grain}s"
            earlier = previous_column(column, analysis.comparison)
            yield earlier, f"The same {before} earlier; null where there is none."
            yield f"{column}_change", f"Change against {before} earlier, as a share of what it was then."


def sentence_of(text: str) -> str:
    """One line with a capital first and a full stop behind."""
    one = " ".join(text.split()).rstrip(".")
    return f"{one[:1].upper()}{one[1:]}."


def _lower_first(text: str) -> str:
    return text if text[:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def plural(noun: str) -> str:
    """`country` → `countries`."""
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|ch|sh)$", noun) else f"{noun}s"


def listed(texts: Sequence[str]) -> str:
    """`a, b and c`."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
