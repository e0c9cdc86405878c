"""The ledger's tables. Every row has an `event_id` (ULID), a `run_id` and a UTC time `at`."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, DateTime, Float, MetaData, String, Table, Text

metadata = MetaData()


def _table(name: str, *columns: Column) -> Table:
    return Table(
        name,
        metadata,
        Column("event_id", String(26), primary_key=True),
        Column("run_id", String(26), index=True),
        Column("at", DateTime(timezone=True), nullable=False),
        *columns,
    )


# A run has a `start` row and, unless the process was killed, a `complete` or `fail` row.
run_events = _table(
    "run_events",
    Column("kind", String(32), nullable=False),  # ingest, build, gate, publish, rollback, replay, expire
    Column("event", String(16), nullable=False),  # start, complete, fail
    Column("parent_run_id", String(26)),
    Column("seconds", Float),
    Column("error", Text),
    Column("detail", JSON),
)

stream_loads = _table(
    "stream_loads",
    Column("source", String(128), nullable=False),
    Column("stream", String(128), nullable=False),
    Column("outcome", String(16), nullable=False),  # loaded, unchanged, failed
    Column("batch_id", String(26)),
    Column("snapshot_id", BigInteger),
    Column("rows_read", BigInteger),
    Column("rows_loaded", BigInteger),
    Column("tombstones", BigInteger),
    Column("dead_letters", BigInteger),
    Column("bytes", BigInteger),
    Column("seconds", Float),
    Column("position", JSON),
    Column("error", Text),
)

schema_versions = _table(
    "schema_versions",
    Column("source", String(128), nullable=False),
    Column("stream", String(128), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("columns", JSON, nullable=False),  # [{"name", "type", "nullable"}], in order
)

pins = _table(
    "pins",
    Column("namespace", String(128), nullable=False),
    Column("table_name", String(256), nullable=False),
    Column("snapshot_id", BigInteger),
    Column("metadata_location", Text, nullable=False),
)

node_runs = _table(
    "node_runs",
    Column("unique_id", String(512), nullable=False),
    Column("resource_type", String(32), nullable=False),
    Column("status", String(32), nullable=False),
    Column("seconds", Float),
    Column("rows_affected", BigInteger),
    Column("message", Text),
)

gate_results = _table(
    "gate_results",
    Column("gate", String(32), nullable=False),  # silver, gold
    Column("dataset", String(256), nullable=False),
    Column("contract", Text, nullable=False),
    Column("check_name", Text, nullable=False),
    Column("check_type", String(64)),
    Column("outcome", String(16), nullable=False),  # passed, warned, failed, not_evaluated
    Column("value", Float),
    Column("message", Text),
)

quality_scores = _table(
    "quality_scores",
    Column("dataset", String(256), nullable=False),
    Column("rows", BigInteger),
    Column("completeness", Float),
    Column("accuracy", Float),
    Column("consistency", Float),
    Column("timeliness", Float),
    Column("score", Float),
    Column("detail", JSON),
)

row_accounts = _table(
    "row_accounts",
    Column("stream", String(256), nullable=False),
    Column("bronze", BigInteger, nullable=False),
    Column("silver", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("superseded", BigInteger, nullable=False),
    Column("tombstones", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("is_balanced", Boolean, nullable=False),
)

publishes = _table(
    "publishes",
    Column("dataset", String(256), nullable=False),
    Column("snapshot_id", BigInteger),
    Column("metadata_location", Text, nullable=False),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
)

expired_rows = _table(
    "expired_rows",
    Column("table_name", String(256), nullable=False),
    Column("batch_id", String(26), nullable=False),
    Column("rows", BigInteger, nullable=False),
)

# What became of a proposal, in order. `pushing` is written before the push, so that a commit that reached the
# forge is known as Smelt's even if the process was killed right after.
proposal_events = _table(
    "proposal_events",
    Column("proposal_id", String(26), nullable=False, index=True),
    Column("event", String(16), nullable=False),  # created, pushing, opened, updated, outcome
    Column("forge", String(16)),
    Column("url", Text),
    Column("branch", String(256)),
    Column("number", BigInteger),
    Column("tip", String(64)),  # the branch's newest commit as Smelt made it
    Column("outcome", String(32)),  # merged, merged after edits, closed
    Column("detail", JSON),
)

# One request to a language model: a turn of a conversation. Neither prompt nor answer is kept.
model_calls = _table(
    "model_calls",
    Column("capability", String(64), nullable=False),
    Column("prompt", String(128), nullable=False),
    Column("prompt_version", String(32), nullable=False),
    Column("prompt_hash", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("cache_read_tokens", BigInteger),
    Column("cost_usd", Float),  # null: the model's price is unknown
    Column("seconds", Float),
    Column("attempts", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),  # ok, refused, truncated, malformed, error, budget
    Column("error", Text),
)

# What a person decided about a target column of a mapping, beside what had been proposed.
mapping_decisions = _table(
    "mapping_decisions",
    Column("source", String(128), nullable=False, index=True),
    Column("stream", String(128), nullable=False),
    Column("entity", String(256), nullable=False),
    Column("target", String(256), nullable=False),
    Column("proposed", JSON),  # source columns; null: nothing was proposed
    Column("confidence", Float),
    Column("decided", JSON, nullable=False),
    Column("status", String(16), nullable=False),  # approved, rejected, or as proposed with a reviewer
    Column("is_agreed", Boolean, nullable=False),
    Column("reviewer", String(256)),
)

# What became of a stream whose source drifted: its newest row says whether it is held back, and at which snapshot
# of bronze. A row that isn't blocking remembers a proposal for which nothing is held back.
drift_holds = _table(
    "drift_holds",
    Column("source", String(128), nullable=False),
    Column("stream", String(128), nullable=False, index=True),
    Column("event", String(16), nullable=False),  # held, updated, released
    Column("reason", String(16)),  # of a release: merged, undone, closed, by hand
    Column("is_blocking", Boolean, nullable=False),
    Column("proposal_id", String(26)),
    Column("metadata_location", Text),
    Column("snapshot_id", BigInteger),
    Column("compared_with", String(26)),  # the published run that the source is compared with
    Column("fingerprint", String(64)),
    Column("changes", JSON),  # [{"kind", "before", "after", "severity", "confidence"}]
    Column("detail", JSON),
)

TABLES: dict[str, Table] = dict(metadata.tables)
