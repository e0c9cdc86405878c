"""The model of `source.yml`; its JSON schema is docs/reference/source.schema.json."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from ingest.spec.connector import ConnectorSpec
from ingest.spec.kafka import KafkaGroupSpec, KafkaSpec
from ingest.spec.mongo import MongoChangesSpec, MongoSpec, with_defaults
from ingest.spec.webhook import WebhookSpec, WebhooksSpec

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CursorSpec(_Section):
    """How an incremental pull finds what is new."""

    column: str = Field(description="Column whose value grows with every new or changed row.")
    lag: timedelta | float = Field(
        timedelta(0),
        description="Window before the last cursor value that is read again (`PT1H`, or a number for numeric "
        "cursors), so that rows which commit late at the source are not missed. Rows already there are dropped.",
    )
    initial: str | None = Field(default=None, description="Start here instead of at the beginning.")


class FilesSpec(_Section):
    """Which files make up a stream, and how to read them."""

    glob: str = Field(
        description="Pattern below the connection's folder or bucket: `lines_*.csv`, `2026/**/*.ndjson.gz`."
    )
    format: Literal["csv", "ndjson", "json", "parquet", "avro", "xml", "excel"] | None = Field(
        default=None, description="Default: by each file's ending; csv, if that says nothing."
    )
    compression: Literal["none", "gzip", "zstd", "zip"] | None = Field(
        default=None, description="Default: by each file's ending (`.gz`, `.zst`, `.zip` of one or more files)."
    )
    max_unpacked: ByteSize = Field(
        default=ByteSize(4 * 2**30),
        validate_default=True,
        description="A compressed file that unpacks to more than this is a dead letter.",
    )
    settle: timedelta = Field(
        timedelta(0),
        description="Files changed less than this ago are left for the next run: they may be half-written.",
    )
    record_path: str | None = Field(
        None,
        description="json: where the array of records is (`data.items`); xml: the elements that are records "
        "(`orders/order`). Default: the top array or object; the root's children.",
    )
    sheet: str | None = Field(None, description="excel: name of the sheet; default: the first.")
    delimiter: str = ","
    encoding: str = Field(
        default="utf-8", description="Tried first; Latin-1 is tried when the bytes are not UTF-8."
    )
    columns: list[str] = Field(default_factory=list, description="csv: the header that every file must have.")


class DltSpec(_Section):
    """Any dlt resource: `source` is an importable function, `arguments` what it is called with."""

    source: str = Field(description="`package.module:function` of a dlt source or resource.")
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="`connection:` stands for the connection's resolved DSN or URL, `secret:NAME` for a secret "
        "of the connection's.",
    )
    resource: str | None = Field(
        None, description="Name of the resource within the source; default: the stream's."
    )


class StreamSpec(_Section):
    """One stream: a table, a set of files, an endpoint."""

    name: Name
    description: str = ""
    table: str | None = Field(
        None,
        description="postgres: `schema.table`; default: the stream's name in `public`. mysql: `database.table`; "
        "default: the stream's name in the database of the connection's URL.",
    )
    files: FilesSpec | None = None
    dlt: DltSpec | None = None
    kafka: KafkaSpec | None = Field(
        None, description="kafka: the topic; default: one called as the stream, of JSON."
    )
    mongo: MongoSpec | None = Field(
        None, description="mongodb: the collection; default: one called as the stream."
    )
    webhook: WebhookSpec | None = Field(None, description="webhooks: how the stream is received.")
    sync_mode: Literal["full", "incremental", "cdc", "federated"] = Field(
        "full",
        description="full: everything, each time. incremental: what is new by the cursor. cdc: a snapshot, and "
        "from then on every change in the server's log (postgres, mysql; mongodb, where it is the default). "
        "federated: nothing is copied; builds read the source in place (postgres tables; Parquet, CSV and NDJSON "
        "files).",
    )
    primary_key: list[str] = Field(
        default_factory=list, description="Empty: rows are told apart by their content."
    )
    cursor: CursorSpec | None = None
    schema_policy: Literal["evolve", "review", "freeze"] = Field(
        "evolve",
        description="What happens when the source changes. evolve: everything lands, new columns and `<name>__v2` "
        "beside the old; a change that would break or falsify models holds the stream back from builds until its "
        "proposal is decided, any other is proposed and builds go on. review: lands as under evolve, and every "
        "change worth telling (a column that was added or widened, a new value) holds the stream back too. freeze:"
        " the schema of the first load stays; rows with values it has no room for are dead letters.",
    )
    freshness_sla: timedelta | None = Field(None, description="How old the newest load may be, such as `P1D`.")
    owner: str | None = Field(default=None, description="Default: the source's owner.")
    pii: list[str] = Field(default_factory=list, description="Columns with personal data.")

    @model_validator(mode="after")
    def _incremental_needs_cursor(self) -> StreamSpec:
        if self.sync_mode == "incremental" and self.cursor is None and self.dlt is None and self.files is None:
            raise ValueError("sync_mode incremental needs a cursor: add `cursor: {column: …}`")
        return self


class CdcSpec(_Section):
    """Change data capture from PostgreSQL's log."""

    slot: str | None = Field(None, description="Replication slot; default: `smelt_<source>`.")
    publication: str | None = Field(None, description="Publication; default: `smelt_<source>`.")
    is_managed: bool = Field(
        default=True,
        description="Whether Smelt makes slot and publication, and adds tables; false: an administrator does.",
    )
    alarm_at: ByteSize = Field(
        default=ByteSize(2**30),
        validate_default=True,
        description="`smelt doctor` fails when the server holds back more of its log than this for us (`5GiB`).",
    )
    chunk: ByteSize = Field(
        default=ByteSize(2**28),
        validate_default=True,
        gt=0,
        description="A new table larger than this is first read in parts of about this size, several at a time, "
        "each committed by itself; it is seen when all are there.",
    )


class SourceSpec(_Section):
    """One source system."""

    name: Name
    description: str = ""
    kind: Literal["postgres", "files", "airbyte", "dlt", "webhooks", "kafka", "mongodb", "mysql"]
    connection: str = Field(description="Name of a [connections.…] section of smelt.toml.")
    owner: str
    manifest: str = Field(default="connector.yml", description="airbyte: declarative manifest beside source.yml.")
    airbyte: ConnectorSpec | None = Field(
        None, description="airbyte: a program that speaks the Airbyte protocol, instead of a manifest."
    )
    config: dict[str, Any] = Field(default_factory=dict, description="airbyte: the connector's configuration.")
    cdc: CdcSpec = Field(
        default_factory=lambda: CdcSpec.model_validate({}),
        description="postgres: how streams with `sync_mode: cdc` read the log.",
    )
    webhooks: WebhooksSpec = Field(
        default_factory=lambda: WebhooksSpec.model_validate({}),
        description="webhooks: how what was accepted is kept until it is in bronze.",
    )
    kafka: KafkaGroupSpec = Field(
        default_factory=lambda: KafkaGroupSpec.model_validate({}),
        description="kafka: how processes that follow the topics share them.",
    )
    mongo: MongoChangesSpec = Field(
        default_factory=lambda: MongoChangesSpec.model_validate({}),
        description="mongodb: how streams with `sync_mode: cdc` read the change stream.",
    )
    streams: list[StreamSpec] = Field(min_length=1)
    # Where source.yml was read from; not a key of the file.
    folder: SkipJsonSchema[Annotated[Path, Field(exclude=True)]] = Path()

    @model_validator(mode="before")
    @classmethod
    def _mongodb_streams_have_defaults(cls, source: Any) -> Any:
        return with_defaults(source)

    @model_validator(mode="after")
    def _cdc_is_of_databases(self) -> SourceSpec:
        captured = [stream for stream in self.streams if stream.sync_mode == "cdc"]
        if captured and self.kind not in ("postgres", "mongodb", "mysql"):
            names = ", ".join(stream.name for stream in captured)
            raise ValueError(f"sync_mode cdc is for kind postgres, mysql or mongodb (streams: {names})")
        if self.kind == "mongodb":
            keyed = [stream.name for stream in captured if stream.primary_key != ["_id"]]
            if keyed:
                raise ValueError(
                    f"changes of MongoDB are told by _id: leave primary_key away ({', '.join(keyed)})"
                )
        return self

    @model_validator(mode="after")
    def _federated_can_be_read_in_place(self) -> SourceSpec:
        for stream in self.streams:
            if stream.sync_mode == "federated":
                if self.kind not in ("postgres", "files"):
                    raise ValueError(f"sync_mode federated is for kind postgres or files (stream: {stream.name})")
                if self.kind == "postgres" and not stream.primary_key:
                    raise ValueError(f"sync_mode federated needs a primary_key (stream: {stream.name})")
        return self

    @property
    def slot(self) -> str:
        """The replication slot of the streams that are captured."""
        return self.cdc.slot or f"smelt_{self.name}"

    @property
    def publication(self) -> str:
        """Their publication."""
        return self.cdc.publication or f"smelt_{self.name}"

    def stream(self, name: str) -> StreamSpec | None:
        """The stream called `name`."""
        return next((stream for stream in self.streams if stream.name == name), None)

    def identifier(self, stream: str) -> str:
        """The stream's bronze table."""
        return f"bronze.{self.name}__{stream}"
