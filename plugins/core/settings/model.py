"""The settings themselves: what `smelt.toml` may contain."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from plugins.core.errors import SmeltError
from plugins.core.settings.secrets import resolve

FILE_NAME = "smelt.toml"
# The lake's root in a dbt project that has no smelt.toml: hidden, and ignored by git.
FOREIGN_ROOT = ".smelt"
_SECRET_OPTION = re.compile(r"password|secret|key\.pem$|sasl\.oauthbearer\.config$")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StorageSettings(_Section):
    """How an object store is reached. Keys are references and read anew at each use, so that they can be rotated."""

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
    ca_file: str | None = Field(
        default=None, description="PEM file of the authority that signed the server's certificate."
    )
    is_anonymous: bool = Field(default=False, description="Public buckets: requests are not signed.")

    @field_validator("access_key", "secret_key", "session_token", "service_account")
    @classmethod
    def _is_reference(cls, key: str | None) -> str | None:
        if key is not None and not key.startswith(("env:", "file:")):
            raise ValueError("a key is a reference: env:NAME or file:PATH")
        return key

    @property
    def is_path_style(self) -> bool:
        """Whether the bucket goes into the path."""
        return self.endpoint is not None if self.path_style is None else self.path_style


class LakeSettings(_Section):
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


class LedgerSettings(_Section):
    """Where the append-only ops tables live."""

    url: str = Field(default="sqlite:///{root}/ledger.db", description="SQLAlchemy URL, or a reference to one.")


class OpenLineageSettings(_Section):
    """Where lineage events go."""

    namespace: str = "smelt"
    file: str | None = Field(default="{root}/openlineage.ndjson", description="One JSON event a line; null: none.")
    endpoint: str | None = Field(default=None, description="Base URL of an OpenLineage API, such as Marquez.")
    api_key: str | None = Field(default=None, description="Bearer token, as a reference (`env:NAME`).")
    timeout_seconds: float = Field(default=1.0, gt=0, description="Budget of all events of one run together.")


class RetentionSettings(_Section):
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
        description="Published runs, for rollback: the newest `maintenance.published_runs`, and the last of each "
        "day of so many days.",
    )
    gold_days: int = Field(
        default=3650, ge=0, description="Published runs likewise: the last of each month of so many days."
    )


class MaintenanceSettings(_Section):
    """How the lake is kept small: `smelt maintain`, and what loads and `smelt watch` do of it on the way."""

    is_automatic: bool = Field(default=True, description="Whether loads maintain the tables that they wrote to.")
    snapshots: int = Field(default=50, ge=1, description="Newest snapshots of a bronze table that are kept.")
    published_runs: int = Field(default=100, ge=1, description="Newest published runs that are kept.")
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


class QualitySettings(_Section):
    """When a quality score warns."""

    warn_below: float = Field(default=0.95, ge=0, le=1)


class ForgeSettings(_Section):
    """Where proposals are opened as pull requests."""

    kind: Literal["local", "github", "gitlab"] = Field(
        default="local", description="local: a branch here and the body as a file; nothing leaves the machine."
    )
    remote: str = Field(default="origin", description="Git remote, by name or URL, that branches are pushed to.")
    repository: str | None = Field(
        default=None, description="`owner/name` (GitLab: the project's path); null: from the remote's URL."
    )
    base_branch: str | None = Field(
        default=None, description="Branch that pull requests go to; null: the default branch."
    )
    api_url: str | None = Field(
        default=None, description="API of GitHub Enterprise, or address of a GitLab; null: github.com, gitlab.com."
    )
    token: str | None = Field(
        default=None, description="Reference to the token; null: `env:GITHUB_TOKEN` or `env:GITLAB_TOKEN`."
    )
    committer: str = Field(
        default="Smelt <smelt@noreply.invalid>",
        pattern=r"^[^<>\r\n]+ <[^<>\s]+@[^<>\s]+>$",
        description="Author of the commits; set it where the forge accepts known addresses only.",
    )
    wait_seconds: float = Field(
        default=120, ge=0, description="Budget for waiting out rate limits and lost connections, per command."
    )

    @field_validator("token")
    @classmethod
    def _is_reference(cls, token: str | None) -> str | None:
        if token is not None and not token.startswith(("env:", "file:")):
            raise ValueError("a token is a reference: env:NAME or file:PATH")
        return token


class ReviewSettings(_Section):
    """How far a review goes, and what fails it."""

    seconds: int = Field(default=900, gt=0, description="Time limit of one build in the sandbox.")
    memory_gb: float = Field(default=8, gt=0, description="Memory limit of the sandbox.")
    input_rows: int | None = Field(
        default=None, gt=0, description="Rows read of each table of production; null: all."
    )
    exact_rows: int = Field(
        default=20_000_000, gt=0, description="Larger tables are compared by a sample of keys."
    )
    sample_rows: int = Field(default=1_000_000, gt=0, description="About how many rows such a sample has.")
    samples: int = Field(default=5, ge=0, description="Rows shown for a finding.")
    max_not_checked: float = Field(
        default=1.0, ge=0, le=1, description="Share of evidence not checked above which a review fails."
    )
    environment: list[str] = Field(
        default=[], description="Environment variables that the sandbox passes on; everything else is hidden."
    )
    macros: list[str] = Field(
        default=[], description="Macros that machine-written models may call, besides ref, source and config."
    )


class DriftSettings(_Section):
    """What is kept of source tables, to tell later how they changed, and what a proposal does with it."""

    sample_rows: int = Field(
        default=20_000, gt=0, description="Rows kept of a larger table: always those of the same keys."
    )
    snapshot: str = Field(
        default="{root}/drift/snapshot.duckdb", description="File of the newest snapshot; `{root}`: the lake's."
    )
    kept_snapshots: int = Field(default=3, ge=0, description="Earlier snapshots that are kept beside it.")
    added: Literal["pass", "document", "ignore"] = Field(
        default="pass",
        description="What a proposal does with new columns: pass them through staging and document them; document "
        "them only; ignore them.",
    )


class LlmSettings(_Section):
    """The language model, if there is one; without it everything works by statistics and rules."""

    provider: Literal["auto", "anthropic", "none"] = Field(
        default="auto",
        description="auto: anthropic if `api_key` is configured or ANTHROPIC_API_KEY set, else none.",
    )
    model: str = Field(default="claude-sonnet-5-5", description="The provider's name of the model.")
    api_key: str | None = Field(
        default=None, description="Reference to the key (`env:NAME`, `file:PATH`); null: `env:ANTHROPIC_API_KEY`."
    )
    base_url: str | None = Field(
        default=None, description="Address of the API; null: ANTHROPIC_BASE_URL, or the provider's own."
    )
    max_tokens: int = Field(default=16_000, gt=0, description="Longest answer, in tokens, thinking included.")
    timeout_seconds: float = Field(default=120, gt=0, description="Longest silence of the API within an answer.")
    retries: int = Field(default=4, ge=0, description="Further attempts after rate limits and lost connections.")
    wait_seconds: float = Field(default=60, ge=0, description="Budget for waiting between attempts, per call.")
    budget_tokens: int = Field(
        default=1_000_000, ge=0, description="Tokens, in and out, that one run may use; a call beyond is not sent."
    )
    budget_usd: float | None = Field(
        default=None, ge=0, description="Cost of one run likewise; needs a model whose price is known."
    )
    send_samples: bool = Field(
        default=False, description="Whether sample rows may be sent, with personal data masked."
    )

    @field_validator("api_key")
    @classmethod
    def _is_reference(cls, api_key: str | None) -> str | None:
        if api_key is not None and not api_key.startswith(("env:", "file:")):
            raise ValueError("a key is a reference: env:NAME or file:PATH")
        return api_key


class WebhooksSettings(_Section):
    """Where `smelt webhooks serve` listens."""

    host: str = Field(default="127.0.0.1", description="Address to listen at; `0.0.0.0`: at all of the machine's.")
    port: int = Field(default=8400, ge=0, le=65535, description="0: any that is free.")
    tls_certificate: str | None = Field(default=None, description="PEM file of the certificate (chain): HTTPS.")
    tls_key: str | None = Field(default=None, description="PEM file of its key.")
    tls_client_ca: str | None = Field(
        default=None, description="PEM file of authorities: senders must show a certificate of theirs."
    )
    proxies: str = Field(
        default="127.0.0.1", description="Addresses of proxies whose `X-Forwarded-For` is believed, with commas."
    )


class KafkaSettings(_Section):
    """How the brokers of `url` are reached, and their schema registry."""

    options: dict[str, str] = Field(
        default_factory=dict,
        description="Properties of librdkafka, such as `security.protocol`, `sasl.mechanism`, `sasl.username`, "
        "`ssl.ca.location`. What is secret (`sasl.password`, `ssl.key.password`) is a reference.",
    )
    registry: str | None = Field(default=None, description="URL of the schema registry, or a reference to it.")
    registry_user: str | None = Field(
        default=None, description="`user:password` for the registry, or a token, as a reference."
    )
    registry_ca: str | None = Field(
        default=None, description="File of the certificate authority that signed the registry's certificate."
    )

    @field_validator("registry_user")
    @classmethod
    def _is_reference(cls, user: str | None) -> str | None:
        if user is not None and not user.startswith(("env:", "file:")):
            raise ValueError("credentials are a reference: env:NAME or file:PATH")
        return user

    @field_validator("options")
    @classmethod
    def _secrets_are_references(cls, options: dict[str, str]) -> dict[str, str]:
        for name, value in options.items():
            if _SECRET_OPTION.search(name) and not value.startswith(("env:", "file:")):
                raise ValueError(f"{name} is a secret, so it is a reference: env:NAME or file:PATH")
        return options


class ConnectionSettings(_Section):
    """A source system; what is secret is a reference (`env:NAME`, `file:PATH`)."""

    type: Literal["postgres", "files", "http", "dlt", "webhooks", "kafka"]
    dsn: str | None = Field(default=None, description="postgres, dlt: connection string.")
    url: str | None = Field(
        default=None,
        description="http: base URL; files: folder or bucket URL; kafka: bootstrap servers (`host:port,…`).",
    )
    secrets: dict[str, str] = Field(default_factory=dict, description="Further references, by name.")
    storage: StorageSettings = Field(default=StorageSettings(), description="files: how the bucket is reached.")
    kafka: KafkaSettings = Field(default=KafkaSettings(), description="kafka: security and schema registry.")
    max_connections: int = Field(default=4, ge=1, le=64)


class Settings(BaseSettings):
    """Everything `smelt.toml` says, with defaults; environment variables `SMELT_SECTION__KEY` win."""

    model_config = SettingsConfigDict(
        env_prefix="SMELT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    # Where smelt.toml was found; not a key of the file.
    project_dir: SkipJsonSchema[Annotated[Path, Field(exclude=True)]] = Path()
    lake: LakeSettings = LakeSettings()
    ledger: LedgerSettings = LedgerSettings()
    openlineage: OpenLineageSettings = OpenLineageSettings()
    retention: RetentionSettings = RetentionSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    quality: QualitySettings = QualitySettings()
    forge: ForgeSettings = ForgeSettings()
    review: ReviewSettings = ReviewSettings()
    drift: DriftSettings = DriftSettings()
    llm: LlmSettings = LlmSettings()
    webhooks: WebhooksSettings = WebhooksSettings()
    connections: dict[str, ConnectionSettings] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which arrives as init arguments."""
        return env_settings, init_settings

    @property
    def lake_root(self) -> str:
        """The lake's root as an absolute path or an object-store URL, without a trailing slash."""
        root = self.lake.root.rstrip("/")
        return root if "://" in root else str((self.project_dir / root).resolve())

    @property
    def local_root(self) -> Path:
        """Where local state lives (ledger, published catalog file): the lake's root if local, else `lake/`."""
        return Path(self.lake_root) if "://" not in self.lake_root else (self.project_dir / "lake").resolve()

    def make_local_root(self) -> Path:
        """Make the folder of local state; in a project without smelt.toml, one that git does not see."""
        folder = self.local_root
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if self.lake.root == FOREIGN_ROOT and not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return folder

    @property
    def ledger_url(self) -> str:
        """The ledger's SQLAlchemy URL, resolved."""
        return resolve(self.ledger.url.replace("{root}", str(self.local_root)), self.project_dir, "ledger.url")

    @property
    def published_dir(self) -> Path:
        """Folder of the published catalog file."""
        return self.local_root / "published"

    def connection(self, name: str) -> ConnectionSettings:
        """The connection called `name`; raises SmeltError if there is none."""
        try:
            return self.connections[name]
        except KeyError:
            known = ", ".join(sorted(self.connections)) or "none"
            raise SmeltError(
                f"there is no connection {name!r} in {FILE_NAME} (known: {known})",
                f"add a section [connections.{name}] to {FILE_NAME}",
            ) from None


def find_project_dir(start: Path | None = None) -> Path:
    """`SMELT_PROJECT_DIR`, or the nearest folder at or above `start` with a smelt.toml, or `start` itself."""
    if configured := os.environ.get("SMELT_PROJECT_DIR"):
        return Path(configured).resolve()
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), here)


def load_settings(project_dir: Path | None = None) -> Settings:
    """Read `smelt.toml` of the project (absent: all defaults, and state in `.smelt`) and the environment.

    Raises SmeltError that names the file and the line, or the setting and the allowed ones.
    """
    folder = Path(project_dir).resolve() if project_dir else find_project_dir()
    path = folder / FILE_NAME
    values: dict[str, Any] = {"lake": {"root": FOREIGN_ROOT}}
    if path.is_file():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SmeltError(f"{path}: not valid TOML: {error}", "correct that line") from error
    try:
        return Settings(**{**values, "project_dir": folder})
    except ValidationError as error:
        raise SmeltError(
            _explain(error, path), f"see docs/reference/settings.md for what {FILE_NAME} may contain"
        ) from error


def _explain(error: ValidationError, path: Path) -> str:
    """One line for each wrong setting, naming it as it stands in the file."""
    problems = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        problem = "unknown setting" if item["type"] == "extra_forbidden" else item["msg"]
        problems.append(f"{key}: {problem}")
    return f"{path}: " + "; ".join(problems)
