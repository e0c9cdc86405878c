"""Runs a manifest with airbyte-cdk: check, discover, and a read of each stream."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.connectors.connector import Connector
from plugins.core.errors import SmeltError
from plugins.core.settings import mask


@dataclass(frozen=True)
class StreamRead:
    """One stream, read to its end. `state` continues an incremental stream; `error` is empty if all went well."""

    name: str
    records: int
    seconds: float
    error: str = ""
    state: tuple[Any, ...] = ()
    sample: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Checked:
    """What airbyte-cdk said: of the check (empty: passed), the streams it discovered, and each read."""

    check_error: str
    discovered: tuple[str, ...]
    streams: tuple[StreamRead, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Records by stream."""
        return {stream.name: stream.records for stream in self.streams}

    @property
    def is_good(self) -> bool:
        """Whether check and all reads went well."""
        return not self.check_error and not any(stream.error for stream in self.streams)


@dataclass
class _Session:
    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    state: Sequence[Any] = ()
    source: Any = field(init=False)
    logger: logging.Logger = field(init=False)

    def __post_init__(self) -> None:
        from airbyte_cdk.models.airbyte_protocol_serializers import AirbyteStateMessageSerializer
        from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

        self.logger = logging.getLogger("airbyte")
        self.logger.propagate = False
        # What matters of its messages comes as errors of the reads; without a handler they would go to the
        # terminal.
        if not self.logger.handlers:
            self.logger.addHandler(logging.NullHandler())
        self.restored = [AirbyteStateMessageSerializer.load(one) for one in self.state]
        try:
            self.source = ConcurrentDeclarativeSource(
                catalog=None, config=self.config, state=self.restored, source_config=dict(self.manifest)
            )
        except Exception as error:
            reason = mask(" ".join(str(error).split())[:400])
            raise SmeltError(
                f"airbyte-cdk refuses the manifest: {reason}", "correct connector.yml there"
            ) from error


def validate_manifest(manifest: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    """The streams that airbyte-cdk discovers in `manifest`; raises SmeltError if it refuses it. Nothing is
    requested."""
    with _quiet():
        session = _Session(manifest, config)
        return tuple(stream.name for stream in session.source.discover(session.logger, session.config).streams)


def check_connector(
    connector: Connector | Mapping[str, Any],
    config: Mapping[str, Any],
    *,
    streams: Collection[str] = (),
    states: Mapping[str, Sequence[Any]] | None = None,
    samples: int = 0,
) -> Checked:
    """Check the connection, discover, and read each stream (or those of `streams`) to its end, counting records.

    `connector` may be its manifest alone. `states` continue earlier reads, by stream. `samples` is how many
    records of each are kept. A stream that cannot be read is an error of its own, and the next is read. Raises
    SmeltError if airbyte-cdk refuses the manifest.
    """
    manifest = connector if isinstance(connector, Mapping) else connector.manifest
    with _quiet():
        session = _Session(manifest, config)
        status = session.source.check(session.logger, session.config)
        failed = "" if status.status.value == "SUCCEEDED" else mask(str(status.message or "the check failed"))
        catalog = session.source.discover(session.logger, session.config).streams
        wanted = [stream for stream in catalog if not streams or stream.name in streams]
        reads = tuple(_read(manifest, config, one, (states or {}).get(one.name, ()), samples) for one in wanted)
    return Checked(failed, tuple(stream.name for stream in catalog), reads)


def _read(
    manifest: Mapping[str, Any], config: Mapping[str, Any], stream: Any, state: Sequence[Any], samples: int
) -> StreamRead:
    from airbyte_cdk.models.airbyte_protocol import (
        ConfiguredAirbyteCatalog,
        ConfiguredAirbyteStream,
        DestinationSyncMode,
        SyncMode,
    )
    from airbyte_cdk.models.airbyte_protocol_serializers import AirbyteStateMessageSerializer
    from airbyte_cdk.utils.traced_exception import AirbyteTracedException

    session = _Session(manifest, config, state)
    is_incremental = SyncMode.incremental in stream.supported_sync_modes
    configured = ConfiguredAirbyteStream(
        stream=stream,
        sync_mode=SyncMode.incremental if is_incremental else SyncMode.full_refresh,
        destination_sync_mode=DestinationSyncMode.append,
    )
    catalog = ConfiguredAirbyteCatalog(streams=[configured])
    records, error, kept, newest = 0, "", [], tuple(state)
    begun = time.monotonic()
    try:
        for message in session.source.read(session.logger, session.config, catalog, session.restored):
            if message.record:
                records += 1
                if len(kept) < samples:
                    kept.append(message.record.data)
            elif message.state:
                newest = (AirbyteStateMessageSerializer.dump(message.state),)
            elif message.trace and message.trace.error:
                error = message.trace.error.message or message.trace.error.internal_message or error
    except AirbyteTracedException as failure:
        error = error or failure.message or failure.internal_message or "the read failed"
    seconds = time.monotonic() - begun
    return StreamRead(stream.name, records, round(seconds, 2), mask(error), newest, tuple(kept))


@contextlib.contextmanager
def _quiet() -> Any:
    """The CDK prints traces of what it retries."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
