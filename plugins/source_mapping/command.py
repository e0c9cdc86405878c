"""`smelt map`: thin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from plugins.core.errors import SmeltError
from plugins.core.project.options import ProfilesDir, ProjectDir, Target, open_project


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="map")(map_command)


def map_command(
    source: Annotated[
        str | None, typer.Argument(help="A source of the project, as in sources/ or in dbt.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Only the entities of this folder or group, or this entity.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", help="Folder of new entities.", show_default="the source's name")
    ] = None,
    source_file: Annotated[
        Path | None, typer.Option("--source-file", help="Match the columns of this file …")
    ] = None,
    target_file: Annotated[
        Path | None, typer.Option("--target-file", help="… to those of this one; a header is enough.")
    ] = None,
    descriptions: Annotated[
        Path | None, typer.Option("--descriptions", help="YAML, JSON or CSV with what the columns are.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Keep the proposal; open no pull request.")] = False,
    forge: Annotated[
        str | None, typer.Option("--forge", help="local, github or gitlab.", show_default="smelt.toml's")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Map a source to the project's entities, and propose its staging models as a pull request.

    Every target column gets the source column it is made from, with a confidence and how it is known; what is
    doubtful becomes a question, and what you decide in mapping.yml is kept.

      smelt map crm                    streams to entities, staging models, tests, a pull request
      smelt map crm --to sales         only to the entities of models/silver/sales
      smelt review-mapping crm         decide what is doubtful, beside the values

    Of any two tables, without a project:

      smelt map --source-file a.csv --target-file b.csv --json
    """
    if source_file is not None or target_file is not None:
        if source is not None:
            raise SmeltError(
                "a source and two files are two questions", "give SOURCE, or --source-file and --target-file"
            )
        if source_file is None or target_file is None:
            missing = "--source-file" if source_file is None else "--target-file"
            raise SmeltError(f"{missing} is missing", "two files are matched: give both")
        from plugins.source_mapping.pairs_command import map_files

        map_files(source_file, target_file, descriptions, as_json)
        return
    if source is None:
        raise SmeltError("nothing to map", "smelt map SOURCE, or smelt map --source-file A --target-file B")
    _map_source(source, to, domain, no_open, forge, as_json, (project_dir, profiles_dir, target))


def _map_source(
    source: str,
    to: str | None,
    domain: str | None,
    no_open: bool,
    forge: str | None,
    as_json: bool,
    place: tuple[Path, Path | None, str | None],
) -> None:
    from rich.console import Console

    from plugins.core.settings import load_settings
    from plugins.source_mapping.mapping import map_source
    from plugins.source_mapping.report import document, show

    project = open_project(*place)
    settings = load_settings(project.folder)
    with Console(stderr=True).status("reading the project") as status:
        mapped = map_source(
            project,
            settings,
            source,
            to=to,
            domain=domain,
            is_opened=not no_open,
            forge=forge,
            on_progress=status.update,
        )
    if as_json:
        typer.echo(json.dumps(document(mapped), indent=2, ensure_ascii=False))
    else:
        show(Console(), mapped)
    if mapped.has_failed:
        raise typer.Exit(1)
