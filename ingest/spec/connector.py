"""What `source.yml` says of a connector that is a program and speaks the Airbyte protocol."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class ConnectorSpec(BaseModel):
    """A program that answers `check`, `discover` and `read`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: list[str] = Field(
        min_length=1,
        description="The program and its arguments, such as `[source-faker]`, or "
        "`[docker, run, --rm, -i, -v, '{folder}:/run', airbyte/source-faker:6.2.38]`; `{folder}` is the private "
        "folder with its configuration.",
    )
    folder: str | None = Field(
        default=None, description="Where the program sees that folder: in the example, `/run`; default: as it is."
    )
    silence: timedelta = Field(
        default=timedelta(minutes=10), description="A program that says nothing for so long is ended."
    )
    environment: list[str] = Field(
        default_factory=list,
        description="Environment variables that it gets, besides those for paths, proxies and certificates.",
    )
