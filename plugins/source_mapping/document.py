"""`mapping.yml`: which columns of a source are what in the project's entities, who decided it, and why.

What stands in the file is decided: the next run keeps it, and asks only about what is new. Entries with
`status: question` are still open.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from plugins.core.errors import SmeltError

Status = Literal["proposed", "question", "approved", "rejected"]

_HEAD = (
    "# Which columns of this source are what in the entities. People decide: what stands here is kept,\n"
    "# and `smelt map` asks only about what is new, or says `status: question`.\n"
)


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunnerUp(_Entry):
    """Another source column that it may be; confidence in 0..1."""

    column: str
    confidence: float = Field(ge=0, le=1)


class ColumnMapping(_Entry):
    """What a target column is made from.

    target: the entity's column. columns: the source's, none if nothing at the source is it. expression: SQL over
    these columns; empty: the column as it is. data_type: of the result, where no entity promises one. confidence:
    0..1 that the target is that. status: `proposed` by the machine, `question` if that is not sure enough,
    `approved` or `rejected` by the reviewer. reviewer: who decided.
    """

    target: str
    columns: tuple[str, ...] = ()
    expression: str = ""
    data_type: str = ""
    confidence: float = Field(0.0, ge=0, le=1)
    status: Status = "proposed"
    evidence: str = ""
    runners_up: tuple[RunnerUp, ...] = ()
    reviewer: str | None = None

    @property
    def is_decided(self) -> bool:
        """Whether a person said so."""
        return self.status in ("approved", "rejected") or self.reviewer is not None


class EntityMapping(_Entry):
    """A stream's share in an entity. is_new: the project has no such entity yet; it is drafted from the stream."""

    entity: str
    confidence: float = Field(0.0, ge=0, le=1)
    status: Status = "proposed"
    reviewer: str | None = None
    is_new: bool = False
    columns: tuple[ColumnMapping, ...] = ()


class Unmapped(_Entry):
    """A source column that no target column is made from, and why."""

    column: str
    because: str


class StreamMapping(_Entry):
    """What becomes of one stream."""

    stream: str
    entities: tuple[EntityMapping, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()


class SourceMapping(_Entry):
    """The whole file."""

    source: str
    streams: tuple[StreamMapping, ...] = ()

    def stream(self, name: str) -> StreamMapping | None:
        """The entry of a stream."""
        return next((one for one in self.streams if one.stream == name), None)


def read_mapping(path: Path) -> SourceMapping | None:
    """The mapping in a file; None if there is none. Raises SmeltError that names the entry and the line."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SmeltError(f"{path} cannot be read: {error}") from error
    return parse_mapping(text, str(path))


def parse_mapping(text: str, where: str = "mapping.yml") -> SourceMapping:
    """The mapping in a text. Raises SmeltError as `read_mapping` does."""
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        told = " ".join(str(error).replace('"<unicode string>"', where).split())
        raise SmeltError(f"{where} is no YAML: {told}", "restore it from git, or mend the line") from error
    if not isinstance(document, dict):
        raise SmeltError(f"{where} has no keys", "it begins with `source:` and `streams:`; restore it from git")
    try:
        return SourceMapping.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise SmeltError(
            f"{where}: {place}: {first['msg']}", "keys are in docs/reference/mapping.md; `git diff` shows the edit"
        ) from error


def render_mapping(mapping: SourceMapping) -> str:
    """The file's text: stable, so that a diff shows decisions and nothing else."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(_without_defaults(mapping), stream)
    return _HEAD + stream.getvalue()


def _without_defaults(entry: BaseModel) -> dict[str, Any]:
    """The first field and whatever is not as by default, in order."""
    fields = type(entry).model_fields
    kept: dict[str, Any] = {}
    for place, (name, field) in enumerate(fields.items()):
        value = getattr(entry, name)
        if place and value == field.get_default() and name != "confidence":
            continue
        kept[name] = _plain(value)
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _without_defaults(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return round(value, 2) if isinstance(value, float) else value
