"""Sections on where data lives and how long: lake, ledger, lineage events, retention, maintenance."""

from __future__ import annotations

from pydantic import Field, field_validator

from plugins.core.settings.section import Section


class StorageSettings(Section):
    """How an object store is reached. Keys are references, read anew at each use: they can be rotated."""

    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s@]+$",
        description="URL of the S3 API (GCS: of an emulator); null: AWS.",
    )
    region: str = Field(default="us-east-1", pattern=r"^[A-Za-z0-9-]+$", description="Region of the buckets.")
    path_style: bool | None = Field(
        default=None, description="Bucket in the path instead of the host name; null: where an endpoint is given."
    )
    access_key: str | None = Field(
        default=None, description="Reference to the key's id; null: `AWS_ACCESS_KEY_ID`, or the machine's role."
    )
    secret_key: str | None = Field(
        default=None, description="Reference to the key; null: `AWS_SECRET_ACCESS_KEY`."
    )
    session_token: str | None = Field(
        default=None, description="Reference to the token of temporary keys; null: `AWS_SESSION_TOKEN`, or none."
    )
    service_account: str | None = Field(
        default=None,
        description="gs:// only: reference to the service account's JSON key; null: the machine's own.",
    )
    bearer_token: str | None = Field(
        default=None,
        description="https:// only: reference to the token that is sent with each request; null: none.",
    )
    ca_file: str | None = Field(
        default=None, description="PEM file of the authority that signed the server's certificate."
    )
    is_anonymous: bool = Field(default=False, description="Public buckets: requests are not signed.")

    @field_validator("access_key", "secret_key", "session_token", "service_account", "bearer_token")
    @classmethod
    def _is_reference(cls, key: str | None) -> str | None:
        if key is not None and not key.startswith(("env:", "file:")):
            raise ValueError("a key is a reference: env:NAME or file:PATH")
        return key

    @property
    def is_path_style(self) -> bool:
        """Whether the bucket goes into the path."""
        return self.endpoint is not None if self.path_style is None else self.path_style


class LakeSettings(Section):
    """Where Iceberg tables live."""

    root: str = Field(
        default="lake",
        description="Folder or object-store prefix (`s3://bucket/prefix`) of the lake. "
        "In a dbt project without smelt.toml: `.smelt`.",
    )
    catalog: dict[str, str] = Field(
        default_factory=dict,
        description="pyiceberg catalog properties (`type`, `uri`, …); empty: SQLite file below `root`.",
    )
    storage: StorageSettings = Field(
        default=StorageSettings(), description="s3:// only: how the bucket is reached."
    )


class LedgerSettings(Section):
    """Where the append-only ops tables live."""

    url: str = Field(default="sqlite:///{root}/ledger.db", description="SQLAlchemy URL, or a reference to one.")


class OpenLineageSettings(Section):
    """Where lineage events go."""

    namespace: str = "smelt"
    file: str | None = Field(default="{root}/openlineage.ndjson", description="One JSON event a line; null: none.")
    endpoint: str | None = Field(default=None, description="Base URL of an OpenLineage API, such as Marquez.")
    api_key: str | None = Field(default=None, description="Bearer token, as a reference (`env:NAME`).")
    timeout_seconds: float = Field(default=1.0, gt=0, description="Budget of all events of one run together.")


class RetentionSettings(Section):
    """How long earlier states stay readable, in days. What is pinned stays anyway; no row of bronze ever goes."""

    bronze_days: int = Field(
        default=7,
        ge=0,
        description="Bronze as of an earlier time: the newest `maintenance.snapshots`, each hour of the last day, "
        "and each midnight (UTC) of so many days.",
    )
    silver_days: int = Field(
        default=90,
        ge=0,
        description="Published runs, for rollback: the newest `maintenance.published_runs`, the last of each "
        "hour of the last day, and of each day of so many days.",
    )
    gold_days: int = Field(
        default=3650, ge=0, description="Published runs likewise: the last of each month of so many days."
    )


class MaintenanceSettings(Section):
    """How the lake is kept small: `smelt maintain`, and what loads and `smelt watch` do of it on the way."""

    is_automatic: bool = Field(default=True, description="Whether loads maintain the tables that they wrote to.")
    snapshots: int = Field(default=50, ge=1, description="Newest snapshots of a bronze table that are kept.")
    published_runs: int = Field(default=25, ge=1, description="Newest published runs that are kept.")
    small_files: int = Field(
        default=8, ge=2, description="So many files of about one size are written together to one."
    )
    target_mb: int = Field(default=128, ge=1, description="Size from which a file is not compacted any more.")
    grace_minutes: float = Field(
        default=15,
        ge=0,
        description="How long a file that nothing refers to any more stays, for who reads it still; "
        "0 only where nothing reads or writes meanwhile.",
    )
