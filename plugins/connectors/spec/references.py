"""`$ref`s, resolved when somebody looks; a broken one costs only what uses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from plugins.connectors.defects import Defects
from plugins.connectors.spec.document import Document
from plugins.connectors.spec.fetching import fetch, is_url
from plugins.connectors.spec.safe_yaml import parse
from plugins.core.errors import SmeltError

_LONGEST_CHAIN = 30
_MOST_FILES, _MOST_URLS = 5000, 300


class References:
    """Resolves the references of one document, and of the files it refers to where that is allowed."""

    def __init__(self, document: Document, allow_external: bool = False) -> None:
        self._root, self._location = document.tree, document.location
        self._allow_external = allow_external
        self._defects: Defects = document.defects
        self._known: dict[str, Any] = {}
        self._files: dict[str, Any] = {}

    def resolve(self, node: Any, where: str) -> Any:
        """What `node` stands for: itself, or the end of its chain of references; None if that is broken."""
        for _ in range(_LONGEST_CHAIN):
            reference = reference_of(node)
            if reference is None:
                return node
            node = self._target(reference, where)
        self._defects.add(where, "references that lead back to themselves", "what uses them is left out")
        return None

    def _target(self, reference: str, where: str) -> Any:
        if reference not in self._known:
            self._known[reference] = self._look_up(reference, where)
        return self._known[reference]

    def _look_up(self, reference: str, where: str) -> Any:
        place, pointer = urldefrag(reference)
        if place:
            tree = self._file(place, reference, where)
            if tree is None:
                return None
        else:
            tree = self._root
        for part in pointer.split("/")[1:] if pointer.strip("/") else ():
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(tree, dict) and (key in tree or part in tree):
                tree = tree.get(key, tree.get(part))
            elif isinstance(tree, list) and key.isdigit() and int(key) < len(tree):
                tree = tree[int(key)]
            else:
                self._defects.add(where, f"the reference {_shown(reference)} leads nowhere", _LEFT_OUT)
                return None
        return tree

    def _file(self, place: str, reference: str, where: str) -> Any:
        if not self._allow_external:
            self._defects.add(
                where,
                f"{_shown(reference)} refers to another file or URL",
                "what it describes is unknown; --allow-external-refs reads it, if you trust the spec",
            )
            return None
        location = self._absolute(place)
        if location not in self._files:
            try:
                most = _MOST_URLS if is_url(location) else _MOST_FILES
                if len(self._files) >= most:
                    raise SmeltError(f"more than {most:,} files", "")
                if is_url(self._location) and not is_url(location):
                    raise SmeltError("a spec from the network may not read local files", "")
                tree = parse(fetch(location), location, self._defects)
                self._files[location] = _rooted(tree, lambda found: self._rewritten(found, location))
            except SmeltError as error:
                self._defects.add(where, f"the reference {_shown(reference)}: {error.message}", _LEFT_OUT)
                self._files[location] = None
        return self._files[location]

    def _absolute(self, place: str, base: str | None = None) -> str:
        base = base or self._location
        if is_url(place):
            return place
        if is_url(base):
            return urljoin(base, place)
        return str((Path(base).parent / unquote(place)).resolve())

    def _rewritten(self, reference: str, location: str) -> str:
        place, pointer = urldefrag(reference)
        target = self._absolute(place, location) if place else location
        return f"{target}#{pointer}"


_LEFT_OUT = "what it describes is unknown, and left out"


def reference_of(node: Any) -> str | None:
    """The text of a `$ref`, if that is what `node` is."""
    reference = node.get("$ref") if isinstance(node, dict) else None
    return reference if isinstance(reference, str) else None


def name_in(reference: str) -> str:
    """What a reference calls its target: the last part of its pointer, or its file's name."""
    place, pointer = urldefrag(reference)
    last = unquote(pointer.rstrip("/").rsplit("/", 1)[-1] or place.rsplit("/", 1)[-1])
    return re.sub(r"\.(ya?ml|json)$", "", last)


def _rooted(tree: Any, rewrite: Callable[[str], str]) -> Any:
    """The tree of another file, its references made absolute."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                node["$ref"] = rewrite(node["$ref"])
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return tree


def _shown(reference: str) -> str:
    return repr(reference if len(reference) <= 120 else reference[:117] + "…")
