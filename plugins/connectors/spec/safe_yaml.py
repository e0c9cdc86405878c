"""YAML and JSON that a stranger wrote, read within bounds.

libyaml reads 3 MB in half a second, but its composer recurses on the C stack (a hundred thousand brackets end
the process) and merge keys copy what an alias stands for. So the events, which cost neither stack nor memory,
are counted first, with every alias at the size of what it repeats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from plugins.connectors.defects import Defects
from plugins.core.errors import SmeltError

MAX_DEPTH = 200
MAX_NODES = 3_000_000
_HINT = "ask whoever publishes the spec for a plain one"

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str, name: str, defects: Defects) -> Any:
    """The tree in `text`, JSON or YAML; `name` is what messages call it.

    Repeated keys are defects (the last one wins). Raises SmeltError if it is neither, or beyond the bounds.
    """
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _json(text, name, defects)
        except json.JSONDecodeError:
            pass  # flow YAML begins like that, too
    try:
        _measure(text, name)
        return _construct(text, name, defects)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise SmeltError(
            f"{name}{place}: neither valid YAML nor JSON: {problem}", "correct that line, or fetch it again"
        ) from error


def _json(text: str, name: str, defects: Defects) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            for key in sorted({key for key in keys if keys.count(key) > 1}):
                _repeated(defects, name, key)
        return found

    try:
        tree = json.loads(text, object_pairs_hook=unique, parse_constant=lambda _: None)
    except RecursionError as error:
        raise SmeltError(f"{name}: nested deeper than {MAX_DEPTH} levels", _HINT) from error
    _bounded(tree, name)
    return tree


def _bounded(tree: Any, name: str) -> None:
    waiting, seen = [(tree, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH:
            raise SmeltError(f"{name}: nested deeper than {MAX_DEPTH} levels", _HINT)
        if seen > MAX_NODES:
            raise SmeltError(f"{name}: more than {MAX_NODES:,} values", _HINT)
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        waiting += [(child, depth + 1) for child in children]


def _measure(text: str, name: str) -> None:
    """Refuse what is too deep, or too large once its aliases are written out."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise SmeltError(
                    f"{name}: the alias *{event.anchor} contains itself, or stands for nothing", _HINT
                )
            total += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            if event.anchor:
                sizes.pop(event.anchor, None)
            open_nodes.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = total - before
        if len(open_nodes) > MAX_DEPTH:
            raise SmeltError(f"{name}: nested deeper than {MAX_DEPTH} levels", _HINT)
        if total > MAX_NODES:
            raise SmeltError(
                f"{name}: its aliases would make it more than {MAX_NODES:,} values (a YAML bomb)", _HINT
            )


def _construct(text: str, name: str, defects: Defects) -> Any:
    loader = _SpecLoader(text)
    loader.note = lambda key: _repeated(defects, name, key)
    try:
        if not loader.check_data():
            return None
        # Of several documents the first is the spec.
        return loader.get_data()
    finally:
        loader.dispose()


def _repeated(defects: Defects, name: str, key: Any) -> None:
    defects.add(name, f"the key {str(key)[:80]!r} is there more than once in one mapping", "the last one counts")


class _SpecLoader(_Loader):
    """Scalars as YAML 1.2 reads them: dates stay text, `no` is no boolean; a tag such as !include is a
    reference."""

    note: Callable[[Any], None]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            key = key if isinstance(key, str) else str(key_node.value)
            if key in found:
                self.note(key)
            found[key] = self.construct_object(value_node, deep=deep)
        return found


def _construct_foreign(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {"$ref": text} if suffix == "include" else text
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


def _construct_text(loader: Any, node: Any) -> str:
    return loader.construct_scalar(node)


_SpecLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]{1,18}$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^(?:<<)$", "<"),
):
    _SpecLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_SpecLoader.add_constructor(
    "tag:yaml.org,2002:int", lambda loader, node: int(str(loader.construct_scalar(node)), 10)
)
_SpecLoader.add_constructor("tag:yaml.org,2002:timestamp", _construct_text)
_SpecLoader.add_constructor("tag:yaml.org,2002:value", _construct_text)
_SpecLoader.add_multi_constructor("!", _construct_foreign)
_SpecLoader.add_multi_constructor("tag:yaml.org,2002:python/", _construct_foreign)
