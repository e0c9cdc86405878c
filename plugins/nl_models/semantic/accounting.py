"""Whether an analysis does something with all that was read: what has no effect was not understood.

A cue that changes nothing, or two that would have to be combined in a way no plan can say, make the difference
between the question and a plan that only reads like it.
"""

from __future__ import annotations

from collections.abc import Iterator

from plugins.nl_models.analysis import Analysis
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.request import Request
from plugins.nl_models.semantic.vocabulary import Vocabulary, split

# Each makes one calculation of the figures; two make one that nothing says.
_CALCULATIONS = {
    "SHARE": "share",
    "RUNNING": "running total",
    "AVERAGE": "average",
    "MOVING": "moving average",
    "RATIO": "ratio",
}


def unaccounted(request: Request, analysis: Analysis, vocabulary: Vocabulary) -> list[str]:
    """What was said and is not in the analysis, each in a sentence."""
    unclear = [f"what “{text}” means here is not understood: what is meant" for text in request.unclear]
    return [
        *unclear,
        *_calculations(request, analysis),
        *_compared(request, analysis),
        *_told(request, analysis, vocabulary),
    ]


def _calculations(request: Request, analysis: Analysis) -> Iterator[str]:
    said = [text for mark, text in _CALCULATIONS.items() if mark in request.marks]
    if "moving average" in said and "average" in said:
        said.remove("average")
    if len(said) > 1:
        yield f"{said[0]} and {said[1]} at once are not understood: which is meant"
    elif said and analysis.calculation != said[0] and not _is_without_effect(said[0], analysis):
        yield f"a {said[0]} of what is not understood: what is meant"
    if "AVERAGE" in request.marks and request.counted and analysis.calculation == "count":
        yield "an average of a number of things is not understood: what is meant"
    if request.counted and request.order_metric is not None and not request.is_ranked:
        yield f"how many there are for each number of {request.order_metric.replace('_', ' ')} is not known"
    has_own = any(not part.of for part in analysis.having)
    if has_own and not analysis.dimensions:
        yield "of what each is to be over or under that is not said: what is meant"
    if analysis.calculation == "share" and has_own and not request.is_percent:
        yield "is the share to be compared, or the figure itself? which is meant"
    if analysis.calculation == "share" and not analysis.dimensions and not analysis.only:
        yield "a share of what is not understood: what is meant"
    if request.is_part_of and analysis.calculation == "share" and not analysis.only:
        yield "a share of what is not understood: what is meant"
    if request.asks_which and not analysis.dimensions:
        yield "which things are asked for is not understood: what is meant"
    if request.order_metric is not None and not (request.is_ranked or request.is_sorted or analysis.dimensions):
        yield f"what is to be told by {request.order_metric.replace('_', ' ')} is not said"
    if "COUNT" in request.marks and "GROWTH" in request.marks and analysis.calculation == "count":
        yield "how a number of things has changed is not known"


def _is_without_effect(calculation: str, analysis: Analysis) -> bool:
    """Whether it changes nothing: all of the time so far is one number; or whether it is said otherwise."""
    is_whole = calculation == "running total" and analysis.time is None
    return is_whole or (calculation == "average" and analysis.together == "average")


def _compared(request: Request, analysis: Analysis) -> Iterator[str]:
    listed = any(len(part.values) > 1 for part in analysis.filters) or len(analysis.metrics) > 1
    if request.marks & {"COMPARE", "THAN"}:
        is_compared = analysis.comparison is not None or listed or bool(request.thresholds)
        if not is_compared and not analysis.dimensions:
            yield "what it is compared with is not understood: which is meant"
        if "AVERAGE" in request.marks:
            yield "a comparison with an average is not understood: which is meant"
    if request.comparison is not None and analysis.time is None and analysis.time_range is None:
        yield "which period is compared is not said: which is meant"
    if "GROWTH" in request.marks and analysis.comparison is None and "RUNNING" not in request.marks:
        yield "growth against which period is meant: the month, or the year before"
    if analysis.comparison is not None and analysis.calculation is not None:
        yield f"{analysis.calculation} and a comparison at once are not understood: which is meant"
    if request.everywhere and not any(part.each for part in analysis.having):
        yield f"what is to be there in every {request.everywhere} is not understood"


def _told(request: Request, analysis: Analysis, vocabulary: Vocabulary) -> Iterator[str]:
    """Words that say what is measured are about one of the metrics, or there is a second one."""
    metrics = {*analysis.metrics, *(part.metric for part in analysis.having)}
    found = [vocabulary.layer.metrics[name] for name in metrics]
    words = {m.name: {word for text in (m.name, m.label, *m.synonyms) for word in split(text)} for m in found}
    about = [word for text in cues().verbs["return"] for word in split(text)[:1]]
    is_returned = all(any(word in split(f"{m.name} {m.label}") for word in about) for m in found)
    for verb in request.verbs:
        if is_returned and verb in ("order", "buy", "purchase", "spend"):
            yield f"{verb} beside {analysis.metrics[0].replace('_', ' ')} is not understood: what is meant"
        if verb not in cues().telling:
            continue
        stems = {verb, *(split(name)[0] for name in cues().verbs[verb])}
        if not any(any(word.startswith(verb) or word in stems for word in found) for found in words.values()):
            yield f"{verb} beside {analysis.metrics[0].replace('_', ' ')} is not understood: what is meant"
