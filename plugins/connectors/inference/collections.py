"""Which GET endpoints are collections worth syncing."""

from __future__ import annotations

import re
from collections.abc import Collection

from plugins.connectors.inference.names import entity_of, entity_segments
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import is_parameter, is_plural, segments, words
from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Operation, Parameter
from plugins.connectors.spec.shapes import Shape

_LOOK_UPS = vocabulary("collections", "look_ups")
_SINGLE_THINGS = vocabulary("collections", "single_things")
_FIGURES = vocabulary("collections", "figures")
_NOT_JSON = vocabulary("collections", "not_json")
_TERMS = vocabulary("collections", "terms")
_PAGE_WORDS = re.compile(
    r"^(page|per_?page|page_?size|limit|offset|cursor|after|skip|take|start|size|count|top)$", re.I
)
_LIST_SAID = re.compile(
    r"^\W*(an? |the )?(list|lists|get all|gets all|get a list|retrieve all|retrieve a list|retrieves (a|"
    r"the) (list|collection)|"
    r"returns? (a |the )?(list|collection|all)|all |fetch all|browse|index)\b|[Ll]ist(s|ed|ing)?\b",
    re.I,
)
_PERIODS = re.compile(r"date|time|from|to|since|until|start|end|month|year|day|period|length", re.I)


def is_page_like(operation: Operation) -> bool:
    """Whether it takes parameters of paging."""
    return any(_PAGE_WORDS.match("_".join(words(one.name))) for one in operation.query())


def why_not(operation: Operation) -> str:
    """Why an operation can't be a collection whatever it answers; empty if nothing speaks against it."""
    if operation.is_deprecated:
        return "it is deprecated"
    if operation.media_types and not any("json" in one.lower() or "*" in one for one in operation.media_types):
        return f"it answers {', '.join(operation.media_types[:2])}, not JSON"
    last = segments(operation.path)[-1:] or ("",)
    static = [part for part in segments(operation.path) if not is_parameter(part)]
    final = set(words(static[-1])) if static and not is_parameter(last[0]) else set()
    if final and (final & _LOOK_UPS) and not (len(final) > 1 and is_plural(static[-1])):
        return f"`{static[-1]}` is a search or look-up, not a collection"
    if len(final) == 1 and final & _SINGLE_THINGS:
        return f"`{static[-1]}` is one thing, not a collection"
    if (
        re.search(r"\.(jpe?g|png|gif|pdf|csv|zip|svg|html|txt|ics|xlsx?)$", operation.path, re.I)
        or final & _NOT_JSON
    ):
        return "it gives a file or a draft, not records"
    if final & _FIGURES:
        return f"`{static[-1]}` is figures computed when asked, not records"
    if terms := [one.name for one in operation.query() if one.is_required and "".join(words(one.name)) in _TERMS]:
        return f"a search: it needs `{terms[0]}`"
    return ""


def is_of_one(operation: Operation, paths: Collection[str], root: Shape) -> bool:
    """Whether the path asks for one thing by its key: it ends with a parameter, and nothing says it lists."""
    parts = segments(operation.path)
    if not parts or not is_parameter(parts[-1]):
        return False
    has_list = any(segments(path) == parts[:-1] for path in paths)
    return has_list or not (root.kind == "array" and (is_page_like(operation) or len(_tail(parts)) > 1))


def _tail(parts: tuple[str, ...]) -> list[str]:
    """The parameters at the end of a path."""
    tail: list[str] = []
    for part in reversed(parts):
        if not is_parameter(part):
            break
        tail.append(part)
    return tail


def judge(
    operation: Operation,
    records: Inferred[Records] | None,
    paths: Collection[str],
    root: Shape,
) -> Inferred[bool]:
    """Whether the operation is a collection worth syncing, and why or why not."""
    if reason := why_not(operation):
        return Inferred(False, 0.9, reason)
    if is_of_one(operation, paths, root):
        return Inferred(False, 0.9, "it answers one thing, asked for by its key")
    period = [one for one in operation.query() if one.is_required and _is_period(one)]
    said = bool(
        _LIST_SAID.search(operation.summary) or re.match(r"(list|all|index)", operation.operation_id, re.I)
    )
    if records is None:
        return _undescribed(operation, root, said)
    has_identity = bool({"id", "uuid", "gid"} & {name.lower() for name in records.value.shape.properties})
    if (len(period) >= 2 and not has_identity) or (period and set(words(operation.path)) & {"report", "reports"}):
        return Inferred(
            False, 0.7, f"a report over a period that has to be given ({', '.join(one.name for one in period)})"
        )
    parts = set(words("/".join(entity_segments(operation.path)[:1])))
    if parts & {"report", "reports"} and not has_identity:
        return Inferred(False, 0.65, "a report: what it answers has no identity")
    score, why = records.confidence, [records.reason]
    if is_page_like(operation):
        score, why = score + 0.25, [*why, "it takes paging"]
    if said:
        score, why = score + 0.1, [*why, "its summary says list"]
    if is_plural(entity_of(operation.path)):
        score, why = score + 0.1, [*why, "its path ends in a plural"]
    # A list inside one thing: `/order` with its lines.
    if records.confidence < 0.45 and score < 0.7:
        return Inferred(False, round(1 - score, 2), f"one object, though it has a list in it ({records.reason})")
    return Inferred(True, round(min(score, 0.98), 2), "; ".join(why))


def _undescribed(operation: Operation, root: Shape, said: bool) -> Inferred[bool]:
    """A collection by its name and parameters, where the answer is not described."""
    if root.kind != "unknown" or (
        operation.body is None and not operation.media_types and not is_page_like(operation)
    ):
        return Inferred(False, 0.85, _no_list(operation, root))
    plural = is_plural(entity_of(operation.path)) and not is_parameter(segments(operation.path)[-1])
    if plural and (is_page_like(operation) or said):
        return Inferred(
            True, 0.45, "what it answers is not described, but its path is a plural and it takes paging"
        )
    if entity_of(operation.path) and is_page_like(operation) and said:
        return Inferred(
            True, 0.4, "what it answers is not described, but its summary says list and it takes paging"
        )
    return Inferred(False, 0.6, "what it answers is not described")


def _no_list(operation: Operation, root: Shape) -> str:
    if operation.body is None:
        return "what it answers is not described"
    return "it answers one object, no list" if root.kind == "object" else "it answers no list of objects"


def _is_period(parameter: Parameter) -> bool:
    shape = parameter.shape
    if shape.format in ("date", "date-time"):
        return True
    return bool(_PERIODS.fullmatch("".join(words(parameter.name)[-1:])))
