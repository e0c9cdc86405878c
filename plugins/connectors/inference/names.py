"""What streams are called: the entity in the plural, in snake_case; children after their parents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import (
    is_parameter,
    is_plural,
    plural,
    segments,
    singular_name,
    snake,
    words,
)
from plugins.connectors.spec.api import Operation

# Nouns of which every API has several kinds: what comes before says which.
_GENERIC = vocabulary("names", "generic")
# Parts of paths that say how, not what.
_VERBS = vocabulary("names", "verbs")
_ROOTS = re.compile(r"^(v\d+([._]\d+)*|api|rest|json|public|latest|beta|wp-json|\d+([._]\d+)*)$", re.I)


@lru_cache(maxsize=20_000)
def entity_segments(path: str) -> tuple[str, ...]:
    """The parts of a path that name something: no version, no `api`, no verbs at the end; parameters stay."""
    parts = segments(path)
    while len(parts) > 1 and not is_parameter(parts[0]) and _ROOTS.match(parts[0]):
        parts = parts[1:]
    if len(parts) > 1:
        parts = tuple(part for part in parts if not re.fullmatch(r"v\d+", part)) or parts
    if len(parts) > 1 and words(parts[-1]) and words(parts[-1])[-1] in _VERBS and len(words(parts[-1])) == 1:
        parts = parts[:-1]
    return tuple(part if is_parameter(part) else _without_verbs(part) for part in parts)


def _without_verbs(part: str) -> str:
    """`users.list` and `listUsers` are about users."""
    parts = list(words(part))
    while len(parts) > 1 and parts[-1] in ("list", "all", "index"):
        parts.pop()
    while len(parts) > 1 and parts[0] in ("get", "list", "fetch", "all"):
        parts.pop(0)
    return "_".join(parts) if len(parts) < len(words(part)) else part


def entity_of(path: str) -> str:
    """The words of the last part that names something."""
    static = [part for part in entity_segments(path) if not is_parameter(part)]
    return snake(static[-1]) if static else ""


def unique_names(operations: Iterable[tuple[Operation, bool]]) -> dict[str, str]:
    """A name for each path; `operations` come with whether they have a parent.

    The plural of the last part; a child's begins with its parent's singular. Where two would be called the same,
    as many parts before as it takes, at last numbers.
    """
    listed = list(operations)
    depth = {operation.path: 2 if is_child or _is_vague(operation.path) else 1 for operation, is_child in listed}
    names: dict[str, str] = {}
    for _ in range(6):
        names = {operation.path: _name(operation.path, depth[operation.path]) for operation, _ in listed}
        taken: dict[str, list[str]] = {}
        for path, name in names.items():
            taken.setdefault(name, []).append(path)
        clashes = [paths for paths in taken.values() if len(paths) > 1]
        if not clashes:
            break
        for paths in clashes:
            # Who can be called shortest keeps the name.
            for path in sorted(paths, key=lambda one: (len(entity_segments(one)), one))[1:]:
                depth[path] += 1
    seen: dict[str, int] = {}
    for path, name in names.items():
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[path] = f"{name}_{seen[name]}"
    return names


def _is_vague(path: str) -> bool:
    """Whether the last part alone doesn't tell what it is: `/folders/trash/items`, `/templates/global`."""
    static = [part for part in entity_segments(path) if not is_parameter(part)]
    return len(static) > 1 and (static[-1].lower() in _GENERIC or not is_plural(static[-1]))


def _name(path: str, depth: int) -> str:
    static = [part for part in entity_segments(path) if not is_parameter(part)]
    if not static:
        return "records"
    last = words(static[-1]) or ("record",)
    name = "_".join((*last[:-1], plural(last[-1])))
    for before in reversed(static[:-1][-(depth - 1) :] if depth > 1 else []):
        prefix = singular_name(before)
        if prefix and not name.startswith(f"{prefix}_") and not name.startswith(prefix + "s_"):
            name = f"{prefix}_{name}"
    return snake(name)
