"""What a follow-up changes of the question before it: "now by month", "only Germany", "and in euros?"."""

from __future__ import annotations

import re
from dataclasses import replace

from plugins.nl_models.semantic.request import Request

_ADDS = re.compile(r"\b(also|too|as well|additionally|in addition)\b", re.IGNORECASE)
_CALCULATIONS = frozenset({"SHARE", "RUNNING", "AVERAGE", "GROWTH", "TREND"})


def is_followup(question: str, now: Request) -> bool:
    """Whether a question says only what to change: it names no metric, or begins as one that goes on."""
    goes_on = re.match(
        r"\s*(and|now|only|just|but|what about|how about|same|also|without|instead)\b", question, re.I
    )
    return not now.metrics and not now.verbs if goes_on is None else True


def merged(before: Request, now: Request, question: str) -> Request:
    """The question before, changed by what is said now."""
    adds = bool(_ADDS.search(question))
    result = replace(before, marks=set(before.marks), doubts=list(now.doubts), missing=list(now.missing))
    if now.metrics or now.verbs:
        result.metrics = list(dict.fromkeys([*before.metrics, *now.metrics])) if adds else list(now.metrics)
        result.verbs = list(now.verbs) or list(before.verbs)
    if now.groups:
        kept = [group for group in before.groups if adds and group.is_time != now.groups[0].is_time]
        kept += [group for group in before.groups if adds and group not in kept and not group.is_time]
        result.groups = list(dict.fromkeys([*kept, *now.groups]))
    labels = {label for part in now.restrictions for label, _ in part.readings}
    kept_parts = [p for p in before.restrictions if not labels & {label for label, _ in p.readings}]
    result.restrictions = [*kept_parts, *now.restrictions]
    result.identified = now.identified or before.identified
    result.unknown_of = [*before.unknown_of, *now.unknown_of]
    if now.ranges:
        result.ranges, result.periods = now.ranges, now.periods
    result.comparison = now.comparison or before.comparison
    result.units = [*before.units, *now.units] if adds else now.units or before.units
    result.thresholds = now.thresholds or before.thresholds
    if now.is_ranked or now.limit or now.is_sorted:
        result.is_ranked, result.limit, result.target = now.is_ranked or before.is_ranked, now.limit, now.target
        result.is_descending, result.is_sorted = now.is_descending, now.is_sorted
        result.order_metric = now.order_metric
    if now.marks & _CALCULATIONS:
        result.marks = (before.marks - _CALCULATIONS) | now.marks
        result.direction = now.direction
    return result
