"""The options with which commands take any dbt project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plugins.core.project.project import Project

ProjectDir = Annotated[
    Path, typer.Option("--project-dir", help="Folder of dbt_project.yml.", show_default="this folder")
]
ProfilesDir = Annotated[
    Path | None,
    typer.Option("--profiles-dir", help="Folder of profiles.yml.", show_default="where dbt looks"),
]
Target = Annotated[
    str | None, typer.Option("--target", "-t", help="Target in profiles.yml.", show_default="the profile's")
]


def open_project(project_dir: Path, profiles_dir: Path | None, target: str | None) -> Project:
    """The project that the options name."""
    profiles = profiles_dir.resolve() if profiles_dir is not None else None
    return Project(project_dir.resolve(), target, profiles)
