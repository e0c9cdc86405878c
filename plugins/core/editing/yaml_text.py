"""YAML as the project's people write it: two spaces, short lists and fixture rows on one line."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

_WIDTH = 110
_PLAIN = re.compile(r"[^\s\[\]{},&*#?|<>=!%@`'\"-][^\[\]{},#]*")
# Line breaks to some readers of YAML and not to others, and what cannot be printed.
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TEXT_TAG = "tag:yaml.org,2002:str"
_TOP_LEVEL = re.compile(r"(?m)^(\w+):")


class Quoted(str):
    """A text that is written with quotes, though it need not be."""

    __slots__ = ()


class Folded(str):
    """A text of several sentences, each line of which starts anew."""

    __slots__ = ()


class Flow(dict[str, Any]):
    """A mapping on one line."""

    __slots__ = ()


def scalar(value: Any, *, in_flow: bool = True) -> str:
    """A value on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (int, float, date, datetime)):
        return str(value)
    text = str(value)
    return text if not isinstance(value, Quoted) and is_plain(text, in_flow) else double_quoted(text)


def double_quoted(text: str) -> str:
    """A text in double quotes, the same to every reader of YAML."""
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def flow(value: Any) -> str:
    """A value, a list or a mapping on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def lines(value: Mapping[str, Any] | Sequence[Any], indent: int = 0) -> Iterator[str]:
    """A mapping or a list, one line for each entry; mappings of class Flow and lists of scalars on one."""
    pad = " " * indent
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(f"{pad}{scalar(key)}:", inner, indent)
        return
    for item in value:
        if isinstance(item, Mapping) and not isinstance(item, Flow):
            first, *rest = lines(item, indent + 2)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{pad}- {flow(item)}"


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, Folded):
        yield f"{head} >"
        for line in value.split("\n"):
            yield from (f"{' ' * (indent + 2)}{part}" for part in textwrap.wrap(line, _WIDTH - indent - 2))
    elif isinstance(value, Flow) or _is_short_list(value):
        yield f"{head} {flow(value)}"
    elif isinstance(value, (Mapping, list, tuple)):
        yield head
        yield from lines(value, indent + 2)
    else:
        yield f"{head} {scalar(value, in_flow=False)}"


def _is_short_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and not any(isinstance(item, (Mapping, list, tuple)) for item in value)


def is_plain(text: str, in_flow: bool = True) -> bool:
    """Whether a text needs no quotes: it is read as itself by YAML 1.2, and by 1.1 as dbt does (`no`, `1:30`)."""
    # PyYAML never followed 1.1 in taking `y` and `n` for booleans.
    return _is_plain(text, in_flow) and (
        text in ("y", "Y", "n", "N") or _resolver_11().resolve(ScalarNode, text, (True, False)) == _TEXT_TAG
    )


@cache
def _resolver_11() -> VersionedResolver:
    loader = YAML(typ="safe", pure=True)
    loader.version = (1, 1)
    return VersionedResolver(version=(1, 1), loader=loader)


@lru_cache(10_000)
def _is_plain(text: str, in_flow: bool) -> bool:
    if not text or text != text.strip() or _UNPRINTED.search(text) or ": " in text or ":" in (text[0], text[-1]):
        return False
    # Some readers take a question mark among braces for the start of a key.
    if in_flow and "?" in text:
        return False
    if not _PLAIN.fullmatch(text.replace(",", "") if not in_flow else text):
        return False
    try:
        loaded = YAML(typ="safe", pure=True).load(f"[{text}]" if in_flow else f"key: {text}")
    except YAMLError:
        return False
    return bool(loaded == ([text] if in_flow else {"key": text}))


def with_section(text: str, section: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """A YAML file with further entries at the end of a list at its top, or with that list."""
    blocks = list(_TOP_LEVEL.finditer(text))
    place = next((n for n, block in enumerate(blocks) if block[1] == section), None)
    if place is None:
        body = "\n".join([f"{section}:", *lines(list(entries), 2)])
        return f"{text.rstrip()}\n\n{body}\n" if text.strip() else f"{body}\n"
    start = blocks[place].end()
    end = blocks[place + 1].start() if place + 1 < len(blocks) else len(text)
    first = re.search(r"(?m)^( *)- ", text[start:end])
    body = "\n".join(lines(list(entries), len(first[1]) if first else 2))
    rest = text[end:]
    return text[:end].rstrip() + f"\n{body}\n" + (f"\n{rest}" if rest else "")
