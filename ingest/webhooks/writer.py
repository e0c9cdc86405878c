"""Messages of one stream → one Parquet file → one bronze commit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from ingest.extract.base import DeadLetter
from ingest.load import Job, StreamResult
from ingest.load.dead_letters import bury
from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.frozen import refused
from ingest.load.history import record_schema
from ingest.load.landing import plan_landing, pulled_sql
from ingest.load.parquet import audited, write_parquet
from ingest.load.types import AUDIT_TYPES, Column, Shape, bronze_type, shape_of
from ingest.spec.webhook import WebhookSpec
from ingest.webhooks.columns import RECEIVED_TYPES, settled_types, to_columns
from ingest.webhooks.frames import Message
from ingest.webhooks.keys import KeyIndex, digest_of
from ingest.webhooks.spool import Spool
from plugins.core import duck
from plugins.core.lake import Batch, TableState, bronze_columns, commit_batch, read_state
from plugins.core.lake.catalog import data_folder

_MESSAGES = "smelt_messages"
_REPEATED = "repeated"


@dataclass
class MessageWriter:
    """Moves messages of one stream from a spool to bronze."""

    job: Job
    spool: Spool
    keys: KeyIndex
    _taken: list[tuple[int, Message]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._con = duck.connect()
        self._con.execute("set memory_limit = '1GB'")
        self._entry = f"spool:{self.spool.id}"
        remove_orphans(self.job.lake, self.job.identifier)

    @property
    def webhook(self) -> WebhookSpec:
        """How the stream is received."""
        return self.job.stream.webhook or WebhookSpec.model_validate({})

    @property
    def taken(self) -> int:
        """Messages that are held."""
        return len(self._taken)

    def add(self, sequence: int, message: Message) -> None:
        """Take the next message."""
        self._taken.append((sequence, message))
        self.job.progress(1)

    def close(self) -> None:
        """Let go of what was taken."""
        self._taken.clear()
        self._con.close()

    def commit(self) -> StreamResult:
        """Make what was taken visible, each message once; messages that are there already are passed over."""
        started = time.monotonic()
        state = self._state()
        done = state.position.get(self._entry, 0)
        fresh = [(sequence, message) for sequence, message in self._taken if sequence > done]
        if not fresh:
            self._taken.clear()
            return StreamResult(self.job.source.name, self.job.stream.name, "unchanged")
        firsts, repeated, letters = self._without_repeated(fresh)
        batch_id = next_batch_id(state.batch_id)
        file, rows, result, found = self._written(firsts, batch_id, state)
        letters = [*letters, *found]
        buried = bury(self.job.lake, f"bronze.{self.job.source.name}__dead_letters", self.job.stream.name, letters)
        advance = {self._entry: fresh[-1][0], _REPEATED: state.position.get(_REPEATED, 0) + repeated}
        if self.job.lake.find(self.job.identifier) is not None:
            # Another spool (a receiver on another machine) may commit in between; this one's numbers are its own.
            expected = {self._entry: state.position.get(self._entry)}
            batch = Batch(
                batch_id, [file] if file else [], state.batch_id, expected, advance, any_predecessor=True
            )
            state = commit_batch(self.job.lake, self.job.identifier, batch).state
        self._taken.clear()
        notes = (f"{repeated:,} repeated messages were dropped",) if repeated else ()
        return replace(
            result,
            outcome="loaded" if rows or buried else "unchanged",
            rows_read=len(fresh),
            rows_loaded=rows,
            dead_letters=buried,
            bytes=Path(file).stat().st_size if file and "://" not in file else 0,
            seconds=time.monotonic() - started,
            batch_id=batch_id,
            snapshot_id=state.snapshot_id,
            notes=notes,
        )

    def _state(self) -> TableState:
        table = self.job.lake.find(self.job.identifier)
        return read_state(table) if table else TableState(None, {}, None, "")

    def _without_repeated(
        self, fresh: Sequence[tuple[int, Message]]
    ) -> tuple[list[tuple[int, Message]], int, list[DeadLetter]]:
        """First messages of their keys, how many are repetitions, and those of them that say something else."""
        window = self.webhook.idempotency_window.total_seconds()
        known = self.keys.remember(self.job.stream.name, fresh, window)
        firsts, letters, repeated = [], [], 0
        for sequence, message in fresh:
            first = known.get(message.key) if message.key is not None else None
            if first is None or first.sequence >= sequence:
                firsts.append((sequence, message))
            elif first.digest is None or first.digest == digest_of(message.body):
                repeated += 1
            else:
                reason = f"the key {message.key} came before, with another body"
                letters.append(DeadLetter(reason, f"{sequence:018d}", message.body))
        return firsts, repeated, letters

    def _written(
        self, messages: Sequence[tuple[int, Message]], batch_id: str, state: TableState
    ) -> tuple[str | None, int, StreamResult, list[DeadLetter]]:
        """The file with the rows of `messages` and how many, the schema's part of the result, and dead letters."""
        job = self.job
        table = job.lake.find(job.identifier)
        settled = settled_types(bronze_columns(table)) if table else {}
        landable = to_columns(messages, settled, self.webhook.keep_body)
        result, letters = StreamResult(job.source.name, job.stream.name, "unchanged"), landable.letters
        if not landable.rows.num_rows:
            return None, 0, result, letters
        self._con.register(_MESSAGES, landable.rows)
        shape = self._shape(landable.rows)
        landing = plan_landing(
            self._con, job.lake, job.identifier, shape, job.stream.schema_policy, state.snapshot_id is None,
            {**AUDIT_TYPES, **RECEIVED_TYPES},
        )  # fmt: skip
        rows = pulled_sql(f"select * from {_MESSAGES}", shape, landing, tuple(RECEIVED_TYPES))
        if landing.held:
            self._con.execute(f"create or replace temp table smelt_staged as {rows}")
            rows, found = refused(self._con, "smelt_staged", landing)
            letters = [*letters, *found]
        file = f"{data_folder(job.lake.table(job.identifier))}/{file_stem(batch_id)}.parquet"
        kept = f"select *, 'c' as _smelt_op from ({rows}) order by _smelt_source_position"
        count = write_parquet(self._con, audited(kept, batch_id), file)
        if not count:
            Path(file).unlink(missing_ok=True)
        version = record_schema(job.run, job.source.name, job.stream.name, self._columns(landing.held))
        if version:
            result = replace(result, schema_version=version.number, schema_change=version.change)
        return file if count else None, count, result, letters

    def _shape(self, rows: pa.Table) -> Shape:
        """The source's columns, and not those that say how a message was received."""
        names = ", ".join(duck.quote(name) for name in rows.column_names if name not in RECEIVED_TYPES)
        return shape_of(self._con, f"select {names} from {_MESSAGES}")

    def _columns(self, held: Sequence[Column]) -> list[Column]:
        """All columns that the stream ever had: a field that some messages lack is no change of its schema."""
        table = self.job.lake.table(self.job.identifier)
        newest = {name: kinds[0] for name, kinds in settled_types(bronze_columns(table)).items()}
        types = self._con.from_arrow(pa.schema(list(newest.items())).empty_table()).types if newest else []
        return [
            *(Column(name, bronze_type(kind)) for name, kind in zip(newest, types, strict=True)),
            *(column for column in held if column.name not in newest),
        ]

    def known_keys(self) -> Iterator[tuple[str, str, int]]:
        """The stream, key and time of receipt (µs) of each row in bronze that has a key."""
        table = self.job.lake.find(self.job.identifier)
        if table is None or table.current_snapshot() is None:
            return
        fields = ("_smelt_key", "_smelt_received_at")
        for batch in table.scan(
            row_filter="_smelt_key is not null", selected_fields=fields
        ).to_arrow_batch_reader():
            received = batch.column("_smelt_received_at").cast(pa.int64()).to_pylist()
            for key, micros in zip(batch.column("_smelt_key").to_pylist(), received, strict=True):
                yield self.job.stream.name, key, micros
