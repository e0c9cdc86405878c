"""The streams of a source, as they are matched: columns with samples, and what discovery says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.project import Manifest, Project, Resource
from plugins.source_mapping.matching import SAMPLE_ROWS, Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from plugins.core.discovery import ColumnProfile, ForeignKey, StreamProfile
    from plugins.core.settings import Settings

_OURS = "_smelt_"
_ORDER = ("_smelt_batch_id", "_smelt_source_position")
# dbt would run what such a name says: these columns stay in bronze.
_JINJA = re.compile(r"\{[{%#]|[%#}]\}")
# What may stand in `source('…', '…')` as it is.
_PLAIN = re.compile(r"[\w .$@:+-]+")
# Rows that discovery looks at: enough for keys and formats.
_ROWS = 10_000


@dataclass(frozen=True)
class SourceStream:
    """profile: what was discovered. declared: whether the dbt project has it as a source already. key: its primary
    key as declared, or as found with confidence. left_out: columns whose names dbt would run as Jinja."""

    name: str
    table: Table
    profile: StreamProfile
    key: tuple[str, ...]
    is_declared: bool
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class MappedSource:
    """All streams of a source, and the references between them. in_bronze: whether Smelt loads it. missing:
    streams that are declared, and whose rows can't be read."""

    name: str
    streams: tuple[SourceStream, ...]
    foreign_keys: tuple[ForeignKey, ...]
    in_bronze: bool
    missing: tuple[str, ...] = ()

    def stream(self, name: str) -> SourceStream:
        """The stream of a name."""
        return next(one for one in self.streams if one.name == name)


def load_source(project: Project, settings: Settings, manifest: Manifest, source: str) -> MappedSource:
    """A source of Smelt's (its bronze tables) or any source that the dbt project declares.

    Raises SmeltError if there is no such source, or nothing of it can be read.
    """
    declared = {r.name.partition(".")[2]: r for r in _declared(manifest, source)}
    if odd := [name for name in (source, *declared) if not _PLAIN.fullmatch(name)]:
        raise SmeltError(f"the name {odd[0]!r} can't stand in a model", "rename the source or table in its YAML")
    described = {name: _descriptions(manifest, resource) for name, resource in declared.items()}
    if (settings.project_dir / "sources" / source / "source.yml").is_file():
        return _from_bronze(settings, source, described)
    if not declared:
        known = sorted({r.name.partition(".")[0] for r in manifest.resources.values() if r.kind == "source"})
        raise SmeltError(
            f"the project has no source {source!r}",
            (f"there are: {', '.join(known)}; " if known else "")
            + "`smelt connect` and `smelt onboard` make one from a spec, a database or files",
        )
    return _from_warehouse(project, source, declared, described)


def _declared(manifest: Manifest, source: str) -> Iterator[Resource]:
    yield from (r for r in manifest.resources.values() if r.kind == "source" and r.name.startswith(f"{source}."))


def _descriptions(manifest: Manifest, resource: Resource) -> dict[str, str]:
    """What the source's YAML says of its columns, by name in lower case."""
    columns = manifest.document["sources"][resource.id].get("columns", {})
    return {name.lower(): column.get("description") or "" for name, column in columns.items()}


def _from_bronze(settings: Settings, source: str, described: Mapping[str, Mapping[str, str]]) -> MappedSource:
    from plugins.discovery import discover_place, read_place

    with read_place(source, rows=_ROWS, project_dir=settings.project_dir) as place:
        found = discover_place(place)
        samples = {stream.name: _ordered(stream.sample) for stream in place.streams}
    specified = _specified_keys(settings, source)
    streams = tuple(
        _stream(profile, samples[profile.name], described.get(profile.name), specified.get(profile.name, ()))
        for profile in found.streams
        if profile.name in samples
    )
    streams = _of_one_type(streams, found.foreign_keys)
    missing = tuple(name for name in specified if name not in samples)
    return MappedSource(source, streams, found.foreign_keys, in_bronze=True, missing=missing)


def _ordered(sample: pa.Table | list) -> pa.Table | list:
    """Rows of bronze in the order in which they came: what is counted of the first is the same each time."""
    if isinstance(sample, list) or not set(_ORDER) <= set(sample.column_names):
        return sample
    return sample.sort_by([(name, "ascending") for name in _ORDER])


def _specified_keys(settings: Settings, source: str) -> dict[str, tuple[str, ...]]:
    """Primary keys as source.yml says."""
    from ruamel.yaml import YAML

    document = YAML(typ="safe", pure=True).load(
        (settings.project_dir / "sources" / source / "source.yml").read_text()
    )
    streams = document.get("streams") if isinstance(document, dict) else None
    return {one["name"]: tuple(one.get("primary_key") or ()) for one in streams or () if "name" in one}


def _from_warehouse(
    project: Project, source: str, declared: dict[str, Resource], described: Mapping[str, Mapping[str, str]]
) -> MappedSource:
    """Any dbt project: the source's tables in the warehouse, else its columns as declared."""
    import duckdb
    import pyarrow as pa

    from plugins.core.discovery import discover_source
    from plugins.core.warehouse.reader import open_built

    samples: dict[str, pa.Table] = {}
    if project.adapter == "duckdb":
        con = open_built(Path(project.folder / str(project.credentials.get("path") or "")))
        with con:
            for name, resource in declared.items():
                try:
                    _, schema, table = resource.relation or ("", "", "")
                    sql = f"select * from {quote(schema)}.{quote(table)} limit {_ROWS}"
                    samples[name] = con.sql(sql).to_arrow_table()
                except duckdb.Error:
                    continue
    unread = tuple(name for name in declared if name not in samples)
    for name, resource in declared.items():
        if name not in samples and resource.columns:
            samples[name] = pa.table({column: pa.array([], pa.string()) for column in resource.columns})
    if not samples:
        raise SmeltError(
            f"none of the tables of the source {source} can be read, and their columns are not declared",
            "load the tables, or declare `columns` in the source's YAML",
        )
    found = discover_source(samples)
    streams = tuple(_stream(p, samples[p.name], described[p.name], ()) for p in found.streams if p.name in samples)
    streams = _of_one_type(streams, found.foreign_keys)
    return MappedSource(source, streams, found.foreign_keys, in_bronze=False, missing=unread)


def _of_one_type(streams: tuple[SourceStream, ...], references: Sequence[ForeignKey]) -> tuple[SourceStream, ...]:
    """Streams whose references have the type of what they refer to: as text, where one side can't be a number."""
    by_name = {one.name: one for one in streams}
    for key in references:
        ours, theirs = by_name.get(key.stream), by_name.get(key.to_stream)
        if ours is None or theirs is None or len(key.columns) != 1:
            continue
        pair = (ours.profile.column(key.columns[0]), theirs.profile.column(key.to_columns[0]))
        if pair[0].casts_to != pair[1].casts_to and all(one.data_type == "VARCHAR" for one in pair):
            for stream, column in ((ours, pair[0]), (theirs, pair[1])):
                by_name[stream.name] = _as_text(by_name[stream.name], column)
    for stream, column in _called_the_same(list(by_name.values())):
        by_name[stream] = _as_text(by_name[stream], column)
    return tuple(by_name[one.name] for one in streams)


def is_shared_name(name: str) -> bool:
    """Whether columns of this name are of one thing in any stream: `customer_id`, and not `id` or `number`."""
    from plugins.core.discovery.names import id_subject, is_code_name, is_id_name

    return bool(id_subject(name)) and (is_id_name(name) or is_code_name(name))


def _called_the_same(streams: Sequence[SourceStream]) -> Iterator[tuple[str, ColumnProfile]]:
    """Columns of text that are numbers here and none in another stream, by the name of an identifier."""
    from plugins.core.discovery.names import snake

    found: dict[str, list[tuple[str, ColumnProfile]]] = {}
    for stream in streams:
        for column in stream.profile.columns:
            if column.data_type == "VARCHAR" and column.distinct and is_shared_name(column.name):
                found.setdefault(snake(column.name), []).append((stream.name, column))
    for places in found.values():
        if len({column.casts_to for _, column in places}) > 1:
            yield from ((stream, column) for stream, column in places if column.casts_to is not None)


def _as_text(stream: SourceStream, column: ColumnProfile) -> SourceStream:
    columns = tuple(
        replace(one, casts_to=None) if one.name == column.name else one for one in stream.profile.columns
    )
    return replace(stream, profile=replace(stream.profile, columns=columns))


def _stream(
    profile: StreamProfile,
    sample: pa.Table | list,
    described: Mapping[str, str] | None,
    specified: tuple[str, ...],
) -> SourceStream:
    columns = profile.columns if isinstance(sample, list) else [c for c in profile.columns if len(c.path) == 1]
    said = described or {}
    rows = sample if isinstance(sample, list) else sample.slice(0, SAMPLE_ROWS).to_pylist()
    profile = _with_placeholders(profile, sample) if not isinstance(sample, list) else profile
    key = specified or next((k.columns for k in profile.keys if k.is_primary and k.confidence >= 0.8), ())
    return SourceStream(
        profile.name,
        Table(
            tuple(
                Column(
                    column.name,
                    [_text(row.get(column.path[0])) for row in rows[:SAMPLE_ROWS]],
                    said.get(column.name.lower(), ""),
                    column.data_type,
                    column.name in key,
                )
                for column in columns
                if not column.name.startswith(_OURS) and not _JINJA.search(column.name)
            ),
            profile.name,
        ),
        profile,
        key,
        described is not None,
        tuple(column.name for column in columns if _JINJA.search(column.name)),
    )


def _with_placeholders(profile: StreamProfile, sample: pa.Table) -> StreamProfile:
    """Words for a missing value among all the rows: discovery looks at some different values only, and where these
    are many, as days are, it may have seen none of the words.
    """
    columns = tuple(_told_missing(column, sample) for column in profile.columns)
    return replace(profile, columns=columns)


def _told_missing(column: ColumnProfile, sample: pa.Table) -> ColumnProfile:
    import pyarrow as pa
    import pyarrow.compute

    from plugins.core.discovery.look import PLACEHOLDERS

    # Of a column that is plain text such a word may be a value of its own, unless discovery says otherwise.
    is_read = column.casts_to is not None or column.placeholders
    if len(column.path) != 1 or not is_read or column.data_type != "VARCHAR":
        return column
    # Its functions are made when it is imported, so that no type checker knows them.
    pc: Any = pyarrow.compute
    values = sample.column(column.path[0]).cast(pa.string())
    found = set(pc.unique(pc.utf8_trim_whitespace(values)).to_pylist()) & PLACEHOLDERS
    return replace(column, placeholders=tuple(sorted({*column.placeholders, *found})))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
