"""Holds what was said of an API against its labels, field by field; knows nothing of who said it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.connectors.mock.labels import Labels, Pagination, Stream

FIELDS = (
    "base_url", "auth", "collection", "records", "primary_key", "pagination", "page_size", "cursor", "parent",
    "required_inputs",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What somebody says of one stream; the shapes are those of the labels. None: nothing is said of it."""

    records: tuple[str, ...] | None = None
    primary_key: tuple[str, ...] | None = None
    pagination: Mapping[str, Any] = field(default_factory=dict)
    cursor: tuple[str, str] | None = None  # field, parameter
    parents: frozenset[tuple[str, str, str]] = frozenset()  # path, parameter, field
    required_inputs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Answer:
    """What somebody says of one API: its server, its credential (kind, name), and streams by path."""

    base_url: str | None
    auth: tuple[str, str | None]
    streams: Mapping[str, Said]


@dataclass(frozen=True)
class Verdict:
    """One field that was compared."""

    field: str
    path: str
    is_right: bool
    expected: str
    said: str


def score(answer: Answer, labels: Labels) -> list[Verdict]:
    """Each labelled field, right or wrong. The fields of a collection that was missed are all wrong."""
    urls = {labels.base_url, *labels.base_url_also}
    verdicts = [
        Verdict("base_url", "", (answer.base_url or None) in urls, str(labels.base_url), str(answer.base_url)),
        _auth(answer, labels),
    ]
    for stream in labels.streams:
        said = answer.streams.get(stream.path)
        if not stream.doubtful:
            verdicts.append(
                Verdict("collection", stream.path, said is not None, "collection", str(said is not None))
            )
        if said is not None or not stream.doubtful:
            verdicts += _fields(said, stream)
    for other in labels.not_collections:
        if not other.doubtful:
            taken = other.path in answer.streams
            verdicts.append(Verdict("collection", other.path, not taken, "no collection", str(taken)))
    return verdicts


def tally(verdicts: list[Verdict]) -> dict[str, tuple[int, int]]:
    """Right and all, by field."""
    right, every = Counter[str](), Counter[str]()
    for verdict in verdicts:
        every[verdict.field] += 1
        right[verdict.field] += verdict.is_right
    return {name: (right[name], every[name]) for name in FIELDS if every[name]}


def _auth(answer: Answer, labels: Labels) -> Verdict:
    kind, name = answer.auth
    right = any(
        kind == one.kind and (not kind.startswith("api_key") or (name or "").lower() == (one.name or "").lower())
        for one in (labels.auth, *labels.auth.also)
    )
    return Verdict("auth", "", right, f"{labels.auth.kind} {labels.auth.name or ''}", f"{kind} {name or ''}")


def _fields(said: Said | None, stream: Stream) -> Iterator[Verdict]:
    def verdict(name: str, is_right: bool, expected: object, found: object) -> Verdict:
        return Verdict(name, stream.path, said is not None and is_right, str(expected), str(found))

    one = said or Said()
    also, unscored = stream.also, stream.unscored
    if "records" not in unscored:
        yield verdict("records", one.records in (stream.records, *also.records), stream.records, one.records)
    if "primary_key" not in unscored:
        keys = [sorted(key) if key else None for key in (stream.primary_key, *also.primary_key)]
        own = sorted(one.primary_key) if one.primary_key else None
        yield verdict("primary_key", own in keys, stream.primary_key, one.primary_key)
    if "pagination" not in unscored:
        choices = (stream.pagination, *also.pagination)
        yield verdict(
            "pagination", any(_pages(one, c) for c in choices), _shown(stream.pagination), one.pagination
        )
        told = [choice for choice in choices if choice.kind == one.pagination.get("kind")] or [stream.pagination]
        if told[0].max_size is not None and told[0].size_parameter:
            sizes = {choice.max_size for choice in told}
            yield verdict(
                "page_size",
                one.pagination.get("max_size") in sizes,
                told[0].max_size,
                one.pagination.get("max_size"),
            )
    if "cursor" not in unscored:
        cursors = [(c.field, c.parameter) if c else None for c in (stream.cursor, *also.cursor)]
        # A field without a parameter filters nothing: as good as none.
        cursors = [None if c and c[1] is None else c for c in cursors]
        yield verdict("cursor", one.cursor in cursors, cursors[0], one.cursor)
    if "parent" not in unscored:
        parents = [
            frozenset((p.path, p.parameter, p.field) for p in each) for each in (stream.parent, *also.parent)
        ]
        yield verdict("parent", one.parents in parents, sorted(parents[0]), sorted(one.parents))
    if "required_inputs" not in unscored:
        inputs = [frozenset(each) for each in (stream.required_inputs, *also.required_inputs)]
        yield verdict(
            "required_inputs", one.required_inputs in inputs, sorted(inputs[0]), sorted(one.required_inputs)
        )


def _pages(said: Said, label: Pagination) -> bool:
    found = said.pagination
    if found.get("kind") == "auto":
        return label.kind in ("none", "next_url", "link_header")
    if found.get("kind", "none") != label.kind:
        return False
    if label.kind == "none":
        return True
    if label.kind not in ("next_url", "link_header") and found.get("parameter") != label.parameter:
        return False
    if (found.get("size_parameter") or None) != label.size_parameter and label.kind not in (
        "next_url",
        "link_header",
    ):
        return False
    if label.kind == "page" and found.get("start", 1) != label.start:
        return False
    is_token = label.kind in ("cursor", "next_url") and label.next is not None
    return not is_token or tuple(found.get("next") or ()) == label.next


def _shown(label: Pagination) -> str:
    return " ".join(f"{name}={value}" for name, value in label.model_dump(exclude_defaults=True).items())
