"""`smelt lineage` and `smelt impact`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plugins.core.project.options import ProfilesDir, ProjectDir, Target, open_project

if TYPE_CHECKING:
    from plugins.core.lineage import Place, Reach
    from plugins.lineage.load import Loaded

ManifestFile = Annotated[
    Path | None,
    typer.Option("--manifest", help="Read this compiled manifest.json (of any adapter) instead of a project."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("lineage")(lineage)
    app.command("impact")(impact)


def lineage(
    name: Annotated[
        str | None, typer.Argument(metavar="[MODEL[.COLUMN]]", help="Default: the whole project.")
    ] = None,
    upstream: Annotated[bool, typer.Option("--upstream", help="What it is made from.")] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help="What it makes.")] = False,
    as_json: AsJson = False,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a mermaid diagram.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="Write one self-contained page.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the page, JSON or diagram goes.")
    ] = None,
    manifest: ManifestFile = None,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Show which columns a column is made from, and which it makes, in any dbt project.

    Direct edges make a value (identity, transformation, aggregation); indirect ones decide which rows
    there are (join, filter, group by, sort). Examples:

      smelt lineage                              counts, and models that could not be read
      smelt lineage orders.amount --upstream     what this column is made from
      smelt lineage orders --downstream --json   the same for machines
      smelt lineage --html                       a page to search and click through
    """
    loaded = _load(manifest, project_dir, profiles_dir, target)
    start, up, down = _reach(loaded, name, upstream, downstream)
    if as_html:
        _write_page(loaded, output)
    elif as_mermaid:
        from plugins.lineage.document import document
        from plugins.lineage.mermaid import render_mermaid

        _print(render_mermaid(document(loaded), focus=_places(start, up, down) if name else None), output)
    elif as_json:
        from plugins.lineage.document import focus, summary

        found = summary(loaded) if name is None else focus(loaded, start, up, down)
        _print(json.dumps(found, indent=None if name is None else 2), output)
    else:
        from plugins.lineage import text

        text.show_lineage(loaded, start, up, down)


def impact(
    name: Annotated[str, typer.Argument(metavar="MODEL.COLUMN", help="Or a model: any of its columns.")],
    as_json: AsJson = False,
    everything: Annotated[bool, typer.Option("--all", help="Name every test, not just how many.")] = False,
    manifest: ManifestFile = None,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Show what a change of a column would reach: models, tests, unit tests, contracts, metrics, exposures.

    direct: its values flow there. indirect: it decides about rows there (join, filter, group by).
    possible: a model that can't be read may use it.
    """
    from plugins.lineage import find_impact, text

    loaded = _load(manifest, project_dir, profiles_dir, target)
    resource, column = loaded.find(name)
    columns = [column] if column else list(loaded.graph.nodes[resource.id].columns)
    places: list[Place] = [(resource.id, name) for name in columns]
    found = find_impact(loaded, places, rows=() if column else (resource.id,))
    if as_json:
        typer.echo(json.dumps(text.impact_document(name, found), indent=2))
    else:
        text.show_impact(name, found, everything=everything)


def _load(manifest: Path | None, project_dir: Path, profiles_dir: Path | None, target: str | None) -> Loaded:
    from plugins.lineage import load_lineage

    project = None if manifest is not None else open_project(project_dir, profiles_dir, target)
    return load_lineage(project, manifest)


def _reach(
    loaded: Loaded, name: str | None, upstream: bool, downstream: bool
) -> tuple[list[Place], Reach | None, Reach | None]:
    """Where to start, and what is above and below; with neither asked for, both."""
    if name is None:
        return [], None, None
    resource, column = loaded.find(name)
    start = (
        [(resource.id, column)] if column else [(resource.id, c) for c in loaded.graph.nodes[resource.id].columns]
    )
    both = upstream == downstream
    up = loaded.graph.upstream(start) if upstream or both else None
    down = loaded.graph.downstream(start) if downstream or both else None
    return start, up, down


def _places(start: list[Place], *reaches: Reach | None) -> set[Place]:
    places = set(start)
    for reach in reaches:
        if reach is not None:
            places |= reach.direct
    return places


def _write_page(loaded: Loaded, output: Path | None) -> None:
    """Write the page, and print it too where the output goes to a file or a pipe."""
    from plugins.core.project.compiled import OWN_TARGET
    from plugins.lineage.document import document
    from plugins.lineage.page import render_page

    page = render_page(document(loaded))
    path = output or loaded.folder / OWN_TARGET / "lineage.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    typer.echo(f"wrote {path}", err=True)
    if output is None and not sys.stdout.isatty():
        sys.stdout.write(page)


def _print(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"wrote {output}", err=True)
