"""Where in an answer the records are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from plugins.connectors.inference.names import entity_of
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import is_plural, singular, words
from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Operation
from plugins.connectors.spec.shapes import Shape, Shapes

_WRAPPERS = vocabulary("records", "wrappers")
# Lists beside the records: about the request, the page or what went wrong.
_BESIDE = vocabulary("records", "beside")
_ENVELOPE = re.compile(
    r"^(page|pages|paging|pagination|cursor|cursors|next|prev|previous|first|last|total|count|size|limit|"
    r"offset|has|"
    r"more|links?|meta|metadata|status|message|success|ok|code|errors?|warnings?|self|url|href|object|kind|type|"
    r"sync|token|per|results?|is|start|end|num|number|items?|included|request|response|time|took|version|"
    r"etag|info|"
    r"config|numfound|timestamp|context|odata|continuation|truncated|query|params?|parameters|description|rate|"
    r"performance|records?|shown|available|current|estimated|sort|order|filters?|empty|content|docs?|elements?)$"
)


@dataclass(frozen=True)
class Records:
    """`path` leads from the answer to the records (`*`: each of a list or map); `shape` is that of one record."""

    path: tuple[str, ...]
    shape: Shape
    raw: Any = field(default=None, compare=False)  # the record's schema


@dataclass(frozen=True)
class _Candidate:
    records: Records
    score: float
    reason: str


def infer_records(operation: Operation, shapes: Shapes) -> Inferred[Records] | None:
    """The list of records in the operation's answer; None if it holds none."""
    if operation.body is None:
        return None
    where = operation.where
    root = shapes.of(operation.body.schema, where)
    discount = {"schema": 1.0, "example": 0.9, "prose": 0.8}[operation.body.origin]
    if root.kind == "array":
        return _of_root(operation, root, shapes, discount)
    candidates = sorted(_candidates(operation, root, shapes), key=lambda one: -one.score)
    if not candidates:
        return None
    best, others = candidates[0], candidates[1:]
    confidence = best.score
    if others and best.score - others[0].score < 0.1:
        confidence -= 0.2
    shown = f"{best.reason}, from {_ORIGIN[operation.body.origin]}"
    return Inferred(
        best.records, round(max(confidence * discount, 0.05), 2), shown, tuple(o.records for o in others[:3])
    )


_ORIGIN = {"schema": "the schema", "example": "an example", "prose": "a sketch in the description"}


def _of_root(operation: Operation, root: Shape, shapes: Shapes, discount: float) -> Inferred[Records] | None:
    where = operation.where
    item = shapes.of(root.items, where)
    if item.is_scalar:
        return None
    records = _unwrapped((), root.items, item, shapes, where)
    reason = f"the answer is a list, says {_ORIGIN[operation.body.origin if operation.body else 'schema']}"
    if item.kind != "object" or not item.properties:
        return Inferred(records, 0.7 * discount, f"{reason}, though not of what")
    return Inferred(records, round(0.97 * discount, 2), reason)


def _unwrapped(path: tuple[str, ...], raw: Any, item: Shape, shapes: Shapes, where: str) -> Records:
    """Records one below where each is wrapped in its own name: `[{"order": {…}}, …]`."""
    if len(item.properties) == 1:
        ((name, inner_raw),) = item.properties.items()
        inner = shapes.of(inner_raw, where)
        if inner.kind == "object" and (inner.properties or inner.is_lost):
            return Records((*path, "*", name), inner, inner_raw)
        if inner.is_lost:
            return Records((*path, "*", name), inner, inner_raw)
    return Records(path, item, raw)


def _candidates(operation: Operation, root: Shape, shapes: Shapes) -> list[_Candidate]:
    entity = entity_of(operation.path)
    where = operation.where
    found: list[_Candidate] = []
    is_envelope = is_envelope_shape(root, shapes, where)

    def look(shape: Shape, path: tuple[str, ...], depth: int) -> None:
        for name, raw in shape.properties.items():
            inner = shapes.of(raw, where)
            here = (*path, name)
            if inner.kind == "array":
                item = shapes.of(inner.items, where)
                if item.is_scalar:
                    continue
                records = _unwrapped(here, inner.items, item, shapes, where)
                score, why = _score(name, entity, item, depth, is_envelope)
                if score > 0:
                    found.append(_Candidate(records, score, why))
            elif (
                inner.kind == "object" and depth < 2 and inner.properties and _may_hold(name, entity, is_envelope)
            ):
                if is_envelope_shape(inner, shapes, where):
                    look(inner, here, depth + 1)
            elif inner.kind == "object" and inner.values is not None and not inner.properties and depth < 2:
                item = shapes.of(inner.values, where)
                if item.kind == "object" and item.properties and _is_named(name, entity):
                    found.append(_Candidate(Records((*here, "*"), item, inner.values), 0.5, "a map of objects"))

    look(root, (), 0)
    if not found and root.values is not None and not root.properties:
        item = shapes.of(root.values, where)
        if item.kind == "object" and item.properties:
            found.append(_Candidate(Records(("*",), item, root.values), 0.5, "the answer is a map of objects"))
    return found


def is_envelope_shape(root: Shape, shapes: Shapes, where: str) -> bool:
    """Whether an object is about a page of records rather than a thing with lists in it.

    A thing has an identity, or more values of its own than lists.
    """
    own = []
    lists = 0
    for name, raw in root.properties.items():
        inner = shapes.of(raw, where)
        if inner.kind == "array":
            lists += 1
        elif inner.is_scalar and not _is_about_page(name):
            own.append(name)
    if any(name.lower() in ("id", "gid", "uid", "uuid", "_id") for name in own):
        return False
    return len(own) <= 1 + lists


def _is_about_page(name: str) -> bool:
    parts = words(name)
    return bool(parts) and (bool(_ENVELOPE.match(parts[0])) or bool(_ENVELOPE.match(parts[-1])))


def _may_hold(name: str, entity: str, is_envelope: bool) -> bool:
    return is_envelope and (_is_named(name, entity) or name.startswith("_"))


def _is_named(name: str, entity: str) -> bool:
    parts = words(name)
    return bool(parts) and (parts[-1] in _WRAPPERS or _same(name, entity))


def _same(name: str, entity: str) -> bool:
    one, other = words(name), words(entity)
    if not one or not other:
        return False
    return singular(one[-1]) == singular(other[-1]) or "".join(one).rstrip("s") == "".join(other).rstrip("s")


def _score(name: str, entity: str, item: Shape, depth: int, is_envelope: bool) -> tuple[float, str]:
    parts = words(name) or ("",)
    if _same(name, entity):
        score, why = 0.95, f"`{name}` is a list called like the path"
    elif parts[-1] in _BESIDE:
        score, why = 0.3, f"`{name}` is a list, though it sounds like something beside the records"
    elif parts[-1] in _WRAPPERS:
        score, why = 0.93, f"`{name}` is the usual name of a list of records"
    elif item.name and _same(item.name, entity):
        score, why = 0.9, f"`{name}` is a list of `{item.name}`"
    else:
        score, why = (0.8 if is_plural(name) else 0.7), f"`{name}` is a list of objects"
    if item.kind != "object" or not item.properties:
        score -= 0.2
        why += " (of what is not said)"
    if not is_envelope:
        score -= 0.45
        why += ", in what looks like one thing"
    return round(score - 0.05 * depth, 2), why
