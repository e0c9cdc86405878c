"""`smelt review-mapping`: thin."""

from __future__ import annotations

import getpass
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plugins.core.errors import SmeltError
from plugins.core.project.options import ProfilesDir, ProjectDir, Target, open_project

if TYPE_CHECKING:
    from plugins.source_mapping.page.review import MappingReview
    from plugins.source_mapping.page.server import ReviewServer


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("review-mapping")(review_mapping)


def review_mapping(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Source whose mapping is to be reviewed.")],
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Port on 127.0.0.1; 0: any.", show_default="the project's own"
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address; open no browser.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the page to a file instead; it needs no server.")
    ] = None,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Review which columns of a source are what in the project, in a page that saves mapping.yml.

    smelt review-mapping shop                     on 127.0.0.1, until Ctrl-C
    smelt review-mapping shop --html review.html  a file, to be sent to somebody
    """
    from plugins.source_mapping.page.write import write_page

    review = _open(source, project_dir, profiles_dir, target)
    if html is not None:
        typer.echo(f"written  {write_page(review.document(), html)}")
        typer.echo(f"next     decide in the page, put its file at {review.path}, and run `smelt map {source}`")
        return
    _serve(review, source, port, is_opened=not no_browser)


def _open(source: str, project_dir: Path, profiles_dir: Path | None, target: str | None) -> MappingReview:
    from plugins.core.settings import load_settings
    from plugins.source_mapping.page.review import MappingReview
    from plugins.source_mapping.reviewing import review_inputs

    project = open_project(project_dir, profiles_dir, target)
    if not (project.folder / "dbt_project.yml").is_file():
        raise SmeltError(
            f"there is no dbt_project.yml in {project.folder}",
            "run smelt in a dbt project's folder, or --project-dir",
        )
    settings = load_settings(project.folder)
    return MappingReview(lambda: review_inputs(project, settings, source), _reviewer(project.folder))


def _serve(review: MappingReview, source: str, port: int | None, *, is_opened: bool) -> None:
    import webbrowser

    from rich.console import Console

    with Console(stderr=True).status("reading the mapping and samples"):
        path = review.path

    def say_saved() -> None:
        typer.echo(f"saved    {path}")
        typer.echo(f"next     git add {review.path} && git commit -m 'Decide on {source}' && smelt map {source}")

    with _listen(review, port, say_saved) as server:
        typer.echo(f"review   {server.url}")
        typer.echo("         Ctrl-C ends it")
        # Without a screen a browser of the terminal would take this one.
        if is_opened and not (_has_screen() and webbrowser.open(server.url)):
            typer.echo("note     no browser was opened: open the address yourself", err=True)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            typer.echo("ended")


def _listen(review: MappingReview, port: int | None, on_saved: Callable[[], None]) -> ReviewServer:
    from plugins.source_mapping.page.server import open_server

    if port is not None:
        return open_server(review, port, on_saved)
    usual = _usual_port(review.path)
    try:
        return open_server(review, usual, on_saved)
    except SmeltError:
        typer.echo(f"note     port {usual} is taken: edits that were not saved there don't show here", err=True)
        return open_server(review, 0, on_saved)


def _has_screen() -> bool:
    return sys.platform != "linux" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )


def _usual_port(path: Path) -> int:
    """A port that stays the same for a file: browsers keep what was not saved by host and port."""
    return 49_152 + zlib.crc32(str(path.resolve()).encode()) % 16_000


def _reviewer(folder: Path) -> str:
    """Who git says that this is, or else the system."""
    from plugins.review import Repository

    try:
        name = Repository.find(folder).git("config", "user.name")
    except SmeltError:
        name = ""
    return name.strip() or getpass.getuser()
