"""The keys of streams, from `sources/*/source.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from plugins.core.errors import SmeltError


@dataclass(frozen=True)
class StreamSpec:
    """A stream as declared. has_schema: whether the source itself says which columns there are; others show only
    the columns that their records happen to fill."""

    source: str
    name: str
    key: tuple[str, ...] = ()
    has_schema: bool = True

    @property
    def table(self) -> str:
        """The bronze table, without its namespace."""
        return f"{self.source}__{self.name}"


def declared_streams(folder: Path) -> dict[str, StreamSpec]:
    """The streams of a project by their bronze table. Raises SmeltError for a file that ingest would refuse."""
    found = {}
    for path in sorted((folder / "sources").glob("*/source.yml")):
        try:
            tree = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
            for stream in _streams(tree, path.parent.name):
                found[stream.table] = stream
        except (OSError, UnicodeError, YAMLError, KeyError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise SmeltError(f"{path} cannot be read: {reason}", "`smelt sources` names the line") from error
    return found


def _streams(tree: Mapping[str, Any], folder: str) -> list[StreamSpec]:
    source = tree.get("name", folder)
    return [
        StreamSpec(source, one["name"], tuple(one.get("primary_key") or ()), _has_schema(tree["kind"], one))
        for one in tree["streams"]
    ]


def _has_schema(kind: str, stream: Mapping[str, Any]) -> bool:
    if kind == "files":
        return (stream.get("files") or {}).get("format", "csv") != "ndjson"
    return kind in ("postgres", "mysql")


def stream_of(table: str, streams: Mapping[str, StreamSpec]) -> StreamSpec:
    """The stream whose bronze table this is; one that is declared no more is told by the table's name."""
    source, _, name = table.partition("__")
    return streams.get(table) or StreamSpec(source, name)
