"""The project's streams, as far as holds need to know them: read from `sources/*/source.yml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from plugins.core.errors import SmeltError


@dataclass(frozen=True)
class Stream:
    """A stream of a source system. policy: evolve, review or freeze. key: bronze names of its primary key."""

    source: str
    name: str
    policy: str = "evolve"
    key: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The bronze table, without its namespace."""
        return f"{self.source}__{self.name}"


def read_streams(project_dir: Path) -> dict[str, Stream]:
    """The streams by bronze table. Raises SmeltError for a file that ingest would refuse too."""
    paths = sorted((project_dir / "sources").glob("*/source.yml"))
    return {stream.table: stream for path in paths for stream in _streams(path)}


def _streams(path: Path) -> Iterable[Stream]:
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        source = tree.get("name", path.parent.name)
        return [
            Stream(source, one["name"], one.get("schema_policy", "evolve"), tuple(one.get("primary_key") or ()))
            for one in tree["streams"]
        ]
    except (YAMLError, OSError, UnicodeError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise SmeltError(f"{path} cannot be read: {reason}", "run `smelt sources`: it names the line") from error


def stream_of(table: str, streams: Mapping[str, Stream]) -> Stream:
    """The stream whose bronze table this is; one that source.yml no longer has is told by the table's name."""
    source, _, name = table.partition("__")
    return streams.get(table) or Stream(source, name)
