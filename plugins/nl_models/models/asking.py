"""What the reviewer of a proposed model has to decide: each assumption that was made for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plugins.nl_models.analysis import TIME, Analysis
from plugins.nl_models.models.analysed import Analysed
from plugins.nl_models.models.comparing import Compared
from plugins.nl_models.models.conventions import Conventions
from plugins.nl_models.models.describing import column_words
from plugins.nl_models.models.ground import Ground
from plugins.nl_models.models.measuring import Measured
from plugins.nl_models.models.reaching import Reached, reach
from plugins.nl_models.models.unit_test import UnitTest


def questions_about(
    analysis: Analysis,
    analysed: Analysed,
    ground: Ground,
    measured: Measured,
    compared: Compared,
    conventions: Conventions,
    name: str,
    unit: UnitTest | None,
) -> Iterator[str]:
    """The questions, those about meaning first."""
    if compared.differing:
        yield f"{compared}: is the model right, or the metric?"
    yield from _which_dimension(analysis, analysed, ground)
    yield from _about_time(analysis, analysed)
    yield from general_questions(name, analysed.keys, measured, conventions, unit)


def general_questions(
    name: str,
    keys: Sequence[str],
    measured: Measured,
    conventions: Conventions,
    unit: UnitTest | None,
) -> Iterator[str]:
    """What is asked about any model: rows without a key, its name, what its unit test leaves open."""
    for key in keys:
        if count := measured.nulls[key]:
            yield f"{count:,} {'row has' if count == 1 else 'rows have'} no {column_words(key)}: should they stay?"
    if conventions.prefix and not name.startswith(conventions.prefix):
        yield f"Models like it are called {conventions.prefix}… here: should {name} be too?"
    if unit is None:
        yield "A few rows cannot show what the model keeps, so it has no unit test: is one wanted?"
    elif unit.untested:
        told = "; ".join(f"`{condition}`" for condition in unit.untested)
        yield f"The unit test would pass without {told}: is that enough?"


def _which_dimension(analysis: Analysis, analysed: Analysed, ground: Ground) -> Iterator[str]:
    """Dimensions of the same name: which one is meant was guessed."""
    layer = ground.layer
    assert layer is not None
    reachable = layer.dimensions(*analysis.metrics)
    asked = [d.name for d in analysis.dimensions if d.name != TIME] + [f.dimension for f in analysis.filters]
    for name in dict.fromkeys(asked):
        chosen = reachable.get(name)
        if chosen is None:
            continue
        alike = [d for d in reachable.values() if d.label == chosen.label and d.kind == chosen.kind]
        said = {d.name: _said(reach(layer, analysed.facts[0].model, d.name)) for d in alike}
        others = {text: other for other, text in said.items() if text != said[name]}
        if others:
            rest = " or ".join(f"“{text}” (`{other}`)" for text, other in others.items())
            yield f"Is {chosen.label.replace('_', ' ')} “{said[name]}” (`{name}`), or {rest}?"


def _about_time(analysis: Analysis, analysed: Analysed) -> Iterator[str]:
    columns = dict.fromkeys(fact.time for fact in analysed.facts)
    if analysis.time is not None and len(columns) > 1:
        listed = " and ".join(column_words(name) for name in columns)
        yield f"Each metric is counted by its own date ({listed}): is that meant?"


def _said(reached: Reached) -> str:
    return reached.description.strip().rstrip(".") or f"{reached.label} of {reached.model}"
