"""The settings themselves: what `smelt.toml` may contain."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from plugins.core.errors import SmeltError
from plugins.core.settings.connections import ConnectionSettings, WebhooksSettings
from plugins.core.settings.lake import (
    LakeSettings,
    LedgerSettings,
    MaintenanceSettings,
    OpenLineageSettings,
    RetentionSettings,
)
from plugins.core.settings.policies import (
    DriftSettings,
    ForgeSettings,
    LlmSettings,
    QualitySettings,
    ReviewSettings,
)
from plugins.core.settings.secrets import resolve

FILE_NAME = "smelt.toml"
# The lake's root in a dbt project that has no smelt.toml: hidden, and ignored by git.
FOREIGN_ROOT = ".smelt"


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
