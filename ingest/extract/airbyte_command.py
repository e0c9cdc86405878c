"""Any Airbyte connector that is a program (`airbyte: {command: […]}`), as an extractor."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from ingest.extract.airbyte_process import Connector
from ingest.extract.base import DeadLetter, Pull, PullRequest, Scope
from ingest.extract.staging import RecordStage, stage
from ingest.spec import SourceSpec, StreamSpec
from ingest.spec.connector import ConnectorSpec
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, remember, resolve

# Streams of one run are read one after the other, and a connector takes seconds to say what it has.
_CATALOG_SECONDS = 60.0
_catalogs: dict[str, tuple[float, Sequence[Mapping[str, Any]]]] = {}
_looking = threading.Lock()


class CommandExtractor:
    """Reads one stream in one run of the program; the last state it told is the position."""

    def pull(self, request: PullRequest) -> Pull:
        """Read the stream to its end, from the saved state on if it is incremental."""
        source, stream = request.source, request.stream
        configuration = Configuration(request.settings, source)
        folder = request.workdir / "connector"
        folder.mkdir(mode=0o700)
        connector = Connector(_spec(source), f"{source.name}.{stream.name}", folder, configuration.read())
        described = _described(source, stream, _discovered(connector, source, configuration))
        incremental = stream.sync_mode == "incremental"
        read = _Read(
            stream.name, described.get("namespace"), request.position.get("state") if incremental else None
        )
        catalog = _configured(source, stream, described, incremental)
        records = RecordStage(request.workdir, request.progress, _column_types(described))
        # Closed here, whatever happens: a program that nobody listens to must not go on.
        with closing(connector.read(catalog, read.state)) as messages:
            stage(read.records(messages, configuration), records)
        return Pull(
            relation=records.relation(),
            scope=Scope.nothing() if incremental else Scope.everything(),
            advance={"state": read.state} if incremental and read.state is not None else {},
            dead_letters=read.letters,
            estimated_rows=records.count,
            notes=read.notes(),
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Ask the program's own check."""
        with tempfile.TemporaryDirectory(prefix="smelt-") as folder:
            configuration = Configuration(settings, source)
            Connector(_spec(source), source.name, Path(folder), configuration.read()).check()
        return f"{Path(_spec(source).command[0]).name}, {len(source.streams)} streams"


@dataclass
class _Read:
    """What one run yields. state: the newest that was told; records after it come again with the next run."""

    stream: str
    namespace: str | None
    state: Any
    letters: list[DeadLetter] = field(default_factory=list)
    strangers: Counter[str] = field(default_factory=Counter)

    def records(
        self, messages: Iterable[Mapping[str, Any]], configuration: Configuration
    ) -> Iterator[Mapping[str, Any]]:
        """The stream's records among the messages."""
        count = 0
        for message in messages:
            kind = message["type"]
            if kind == "RECORD":
                count += 1
                record = message.get("record")
                data = record.get("data") if isinstance(record, Mapping) else None
                if isinstance(record, Mapping) and record.get("stream") != self.stream:
                    self.strangers[str(record.get("stream"))[:80]] += 1
                elif isinstance(data, Mapping):
                    yield data
                else:
                    self.letters.append(DeadLetter("no record", f"{count:012d}", orjson.dumps(message)))
            elif kind == "STATE":
                self._keep(message.get("state"))
            elif kind == "CONTROL":
                configuration.replace(message.get("control"))

    def notes(self) -> tuple[str, ...]:
        """What the summary should tell."""
        return tuple(
            f"{count:,} records of {name}, which was not asked for, were passed over"
            for name, count in self.strangers.most_common(3)
        )

    def _keep(self, state: Any) -> None:
        """Keep a state as `--state` takes it; raises SmeltError for what none is."""
        if not isinstance(state, Mapping):
            raise SmeltError(f"{self.stream}: the connector told a state that is none", "report it to its makers")
        kind = state.get("type")
        if kind == "STREAM":
            described = state.get("stream")
            name = described.get("stream_descriptor", {}).get("name") if isinstance(described, Mapping) else None
            if name == self.stream:
                self.state = [{"type": "STREAM", "stream": described}]
        elif kind == "GLOBAL":
            self.state = [{"type": "GLOBAL", "global": state.get("global")}]
        else:
            self.state = state.get("data")


class Configuration:
    """`config` of source.yml with the connection's secrets in it, and what the connector made of that since.

    Some services give a new token with each use of the old one. The connector then tells its new configuration,
    which is kept in a file that only we can read, as long as what it was made from is the same.
    """

    def __init__(self, settings: Settings, source: SourceSpec) -> None:
        self._given = _given(settings, source)
        self.fingerprint = hashlib.sha256(orjson.dumps(self._given, option=orjson.OPT_SORT_KEYS)).hexdigest()
        self._file = settings.local_root / "airbyte" / f"{source.name}.json"

    def read(self) -> Mapping[str, Any]:
        """The configuration as of now."""
        try:
            kept = orjson.loads(self._file.read_bytes())
        except FileNotFoundError:
            return self._given
        except (OSError, orjson.JSONDecodeError) as error:
            raise SmeltError(
                f"{self._file} cannot be read: {error}",
                "delete it, and renew the connection's credentials if they can be used only once",
            ) from error
        if kept.get("made_from") != self.fingerprint:
            return self._given
        _remember_all(kept["config"])
        return kept["config"]

    def replace(self, control: Any) -> None:
        """Keep what a CONTROL message says; on disk before anything else is done with it."""
        told = control.get("connectorConfig") if isinstance(control, Mapping) else None
        config = told.get("config") if isinstance(told, Mapping) else None
        if not isinstance(config, Mapping):
            return
        _remember_all(config)
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._file.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as file:
            file.write(orjson.dumps({"made_from": self.fingerprint, "config": config}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)


def _spec(source: SourceSpec) -> ConnectorSpec:
    assert source.airbyte is not None  # AirbyteExtractor comes here for no other source
    return source.airbyte


def _given(settings: Settings, source: SourceSpec) -> dict[str, Any]:
    """`config`, and each secret at the place that its name says: `credentials.client_secret` is nested."""
    config = orjson.loads(orjson.dumps(source.config, default=str))
    connection = settings.connection(source.connection)
    for name, reference in connection.secrets.items():
        what = f"connections.{source.connection}.secrets.{name}"
        *above, last = name.split(".")
        place = config
        for part in above:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise SmeltError(f"{what}: {part} is a value in `config`, not a section", "give it another name")
        place[last] = resolve(reference, settings.project_dir, what)
    return config


def _remember_all(config: Any) -> None:
    """Mask text that a connector put into its configuration: it is secret, for all we know."""
    if isinstance(config, str):
        remember(config)
    for part in config.values() if isinstance(config, Mapping) else config if isinstance(config, list) else ():
        _remember_all(part)


def _discovered(
    connector: Connector, source: SourceSpec, configuration: Configuration
) -> Sequence[Mapping[str, Any]]:
    key = f"{source.folder}:{configuration.fingerprint}"
    with _looking:
        found = _catalogs.get(key)
        if found is None or time.monotonic() - found[0] > _CATALOG_SECONDS:
            found = time.monotonic(), connector.discover()
            _catalogs[key] = found
    return found[1]


def _described(source: SourceSpec, stream: StreamSpec, streams: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    for described in streams:
        if described["name"] == stream.name:
            return described
    known = ", ".join(sorted(str(described["name"]) for described in streams)) or "none"
    raise SmeltError(
        f"{source.name}: the connector has no stream {stream.name!r} (there are: {known[:300]})",
        f"name it in {source.folder / 'source.yml'} as the connector does",
    )


def _configured(
    source: SourceSpec, stream: StreamSpec, described: Mapping[str, Any], incremental: bool
) -> Mapping[str, Any]:
    modes = described.get("supported_sync_modes") or ["full_refresh"]
    if incremental and "incremental" not in modes:
        raise SmeltError(
            f"{source.name}.{stream.name}: the connector reads it only as a whole",
            f"set sync_mode: full in {source.folder / 'source.yml'}",
        )
    configured: dict[str, Any] = {
        "stream": described,
        "sync_mode": "incremental" if incremental else "full_refresh",
        "destination_sync_mode": "append" if incremental else "overwrite",
        "primary_key": [[name] for name in stream.primary_key],
    }
    if incremental and stream.cursor:
        configured["cursor_field"] = [stream.cursor.column]
    return {"streams": [configured]}


def _column_types(described: Mapping[str, Any]) -> dict[str, pa.DataType]:
    from ingest.extract.airbyte import arrow_type

    schema = described.get("json_schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return {}
    return {name: arrow_type(spec) for name, spec in properties.items() if isinstance(spec, Mapping)}
