"""An API through an Airbyte manifest (`connector.yml`), run by airbyte-cdk; or through a connector's program."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ingest.extract.airbyte_command import CommandExtractor
from ingest.extract.base import Pull, PullRequest, Scope
from ingest.extract.importing import ONE_IMPORT
from ingest.extract.staging import RecordStage, stage
from ingest.spec import SourceSpec
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, mask, resolve

_REFUSED = re.compile(
    r"(?i)\b(?:status(?: code)?:?|HTTP|error:?) ?40[13]\b|\b40[13] (?:Client Error|Unauthori[sz]ed|Forbidden)"
)
_WAIT = re.compile(r"(?:Retrying in|Waiting) ([\d.]+) seconds")
# The CDK logs and prints through channels of the whole process; each connector is concurrent in itself.
_ONE_AT_A_TIME = threading.Lock()


class AirbyteExtractor:
    """Reads streams of a declarative connector; its state is the position."""

    def pull(self, request: PullRequest) -> Pull:
        """Read the stream from its saved state to the end."""
        if request.source.airbyte:
            return CommandExtractor().pull(request)
        waits = _Waits()
        state = request.position.get("state")
        session = _Session(request.settings, request.source, request.stream.name, state)
        incremental = request.stream.sync_mode == "incremental"
        with waits.listening(session.logger):
            records = RecordStage(request.workdir, request.progress, session.column_types())
            stage(session.records(incremental), records)
        if waits.unreadable:
            raise session.unreachable(waits.unreadable)
        return Pull(
            relation=records.relation(),
            scope=Scope.nothing() if incremental else Scope.everything(),
            advance={"state": session.state} if incremental and session.state else {},
            estimated_rows=records.count,
            notes=waits.notes(),
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Ask the connector's own check."""
        if source.airbyte:
            return CommandExtractor().check(settings, source)
        session = _Session(settings, source, source.streams[0].name, None)
        with _ONE_AT_A_TIME, contextlib.redirect_stdout(io.StringIO()):
            status = session.source.check(session.logger, session.config)
        if status.status.value != "SUCCEEDED":
            raise session.unreachable(status.message or "the check failed")
        return f"API, {len(source.streams)} streams"


@dataclass
class _Waits(logging.Handler):
    """Listens for what the CDK only logs: waits, and answers that it takes for empty as they are no JSON."""

    throttled: list[float] = field(default_factory=list)
    retried: list[float] = field(default_factory=list)
    unreadable: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Note a wait or an unreadable answer."""
        message = record.getMessage()
        if match := _WAIT.search(message):
            (self.throttled if "429" in message else self.retried).append(float(match[1]))
        elif message.startswith("Failed to parse JSON"):
            self.unreadable = self.unreadable or f"it is no JSON ({message.rsplit('. ', 1)[-1]})"

    @contextlib.contextmanager
    def listening(self, logger: logging.Logger) -> Iterator[None]:
        """Hear the logger, and keep the CDK's own messages off the terminal."""
        with _ONE_AT_A_TIME:
            logger.addHandler(self)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    yield
            finally:
                logger.removeHandler(self)

    def notes(self) -> tuple[str, ...]:
        """What the summary should say."""
        kinds = {"throttled": self.throttled, "retried": self.retried}
        return tuple(f"{what} {len(s)} ×, waited {sum(s):.1f} s" for what, s in kinds.items() if s)


class _Session:
    """One connector with its configuration, catalog and state, and its errors in our words."""

    def __init__(self, settings: Settings, source: SourceSpec, stream: str, state: Any) -> None:
        with ONE_IMPORT:
            from airbyte_cdk.models.airbyte_protocol import AirbyteStateMessage
            from airbyte_cdk.models.airbyte_protocol_serializers import AirbyteStateMessageSerializer
            from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

        self.spec, self.stream, self.settings = source, stream, settings
        self.logger = logging.getLogger("airbyte")
        self.logger.setLevel(logging.INFO)
        self.logger.propagate = False
        self.manifest = _manifest(source)
        self.config = {**source.config, **_connection_config(settings, source)}
        self.state: Any = state
        self._restored: list[AirbyteStateMessage] = (
            [AirbyteStateMessageSerializer.load(item) for item in state] if state else []
        )
        try:
            self.source = ConcurrentDeclarativeSource(
                catalog=None, config=self.config, state=self._restored, source_config=self.manifest
            )
        except Exception as error:
            raise SmeltError(
                f"{source.folder / source.manifest}: not a valid Airbyte manifest: {mask(_short(error))}",
                "compare it with https://docs.airbyte.com/platform/connector-development/config-based",
            ) from error

    def column_types(self) -> dict[str, pa.DataType]:
        """Arrow types of the stream's JSON schema; dates and nested values land as text."""
        properties = self._declared().get("properties", {})
        return {name: arrow_type(spec) for name, spec in properties.items()}

    def _declared(self) -> Mapping[str, Any]:
        for stream in self.manifest.get("streams", []):
            if stream.get("name") == self.stream:
                return stream.get("schema_loader", {}).get("schema", {})
        known = ", ".join(stream.get("name", "?") for stream in self.manifest.get("streams", [])) or "none"
        raise SmeltError(
            f"{self.spec.folder / self.spec.manifest}: no stream {self.stream!r} (there are: {known})",
            "name the stream in source.yml as the manifest does",
        )

    def records(self, incremental: bool) -> Iterator[Mapping[str, Any]]:
        """The stream's records; the newest state is kept in `state`."""
        from airbyte_cdk.models.airbyte_protocol import Level
        from airbyte_cdk.models.airbyte_protocol_serializers import AirbyteStateMessageSerializer

        catalog = self._catalog(incremental)
        reason = ""
        try:
            for message in self.source.read(self.logger, self.config, catalog, self._restored):
                if message.record:
                    yield message.record.data
                elif message.state:
                    self.state = [AirbyteStateMessageSerializer.dump(message.state)]
                elif message.trace and message.trace.error:
                    reason = message.trace.error.message or message.trace.error.internal_message or reason
                elif message.log and message.log.level in (Level.ERROR, Level.FATAL):
                    reason = reason or message.log.message
        except SmeltError:
            raise
        except Exception as error:
            raise self.unreachable(reason or _short(error)) from error
        if reason:
            raise self.unreachable(reason)

    def _catalog(self, incremental: bool) -> Any:
        from airbyte_cdk.models.airbyte_protocol import (
            AirbyteStream,
            ConfiguredAirbyteCatalog,
            ConfiguredAirbyteStream,
            DestinationSyncMode,
            SyncMode,
        )

        mode = SyncMode.incremental if incremental else SyncMode.full_refresh
        stream = AirbyteStream(name=self.stream, json_schema=dict(self._declared()), supported_sync_modes=[mode])
        configured = ConfiguredAirbyteStream(
            stream=stream, sync_mode=mode, destination_sync_mode=DestinationSyncMode.append
        )
        return ConfiguredAirbyteCatalog(streams=[configured])

    def unreachable(self, reason: str) -> SmeltError:
        """What to say when the API didn't give what was asked for."""
        api = mask(str(self.config.get("base_url", "the API")))
        plain = reason.replace("Please see logs for more details. ", "").replace("Exception: ", "")
        hint = f"check that connections.{self.spec.connection}.url is right and answers JSON (`smelt doctor`)"
        if _REFUSED.search(plain):
            hint = _credentials(self.settings, self.spec.connection)
        return SmeltError(
            f"{self.spec.name}.{self.stream}: {api} did not answer as expected: {mask(_first_line(plain))}", hint
        )


def _manifest(source: SourceSpec) -> dict[str, Any]:
    path = source.folder / source.manifest
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SmeltError(f"{path} is missing", "write an Airbyte declarative manifest there") from error
    except (YAMLError, ValueError, OSError) as error:
        raise SmeltError(f"{path}: not valid YAML: {_short(error)}", "correct that line") from error
    if not isinstance(tree, dict) or not isinstance(tree.get("streams"), list):
        raise SmeltError(
            f"{path}: not an Airbyte declarative manifest", "it needs version, type, check and streams"
        )
    return json.loads(json.dumps(tree, default=str))


def _connection_config(settings: Settings, source: SourceSpec) -> dict[str, str]:
    """`base_url` and the connection's secrets, resolved."""
    connection = settings.connection(source.connection)
    prefix = f"connections.{source.connection}"
    config = {
        name: resolve(reference, settings.project_dir, f"{prefix}.secrets.{name}")
        for name, reference in connection.secrets.items()
    }
    if connection.url:
        config["base_url"] = resolve(connection.url, settings.project_dir, f"{prefix}.url").rstrip("/")
    return config


def _credentials(settings: Settings, connection: str) -> str:
    """Where what the API refuses to accept is kept; a secret that stands in smelt.toml itself is not repeated."""
    held = []
    for name, reference in settings.connection(connection).secrets.items():
        scheme, _, rest = reference.partition(":")
        place = {"file": f"the file {rest}", "env": f"the environment variable {rest}"}.get(scheme, "smelt.toml")
        held.append(f"connections.{connection}.secrets.{name} ({place})")
    if not held:
        url = f"connections.{connection}.url"
        return (
            f"it asks for credentials, and there is no connections.{connection}.secrets: add them, or check {url}"
        )
    return f"the API refuses these credentials, or what they may read: correct {', '.join(held)}"


def arrow_type(spec: Mapping[str, Any]) -> pa.DataType:
    """The Arrow type of a JSON schema's property."""
    kinds = spec.get("type", "string")
    kind = next((k for k in ([kinds] if isinstance(kinds, str) else kinds) if k != "null"), "string")
    return {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}.get(kind, pa.string())


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else "no reason given"


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
