"""`smelt watch`: thin."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch")(watch)


def watch(
    selectors: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE[.STREAM]]…", help="What to follow; default: all streams."),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", min=1.0, help="Seconds between two commits of a source, at least.")
    ] = 1.0,
    poll: Annotated[
        float,
        typer.Option("--poll", min=1.0, help="Seconds between two pulls of a stream whose source sends nothing."),
    ] = 30.0,
    build_every: Annotated[
        float, typer.Option("--build-every", min=1.0, help="Seconds between two builds, at least.")
    ] = 10.0,
    no_build: Annotated[
        bool, typer.Option("--no-build", help="Only load; models stay as they are, entities are kept current.")
    ] = False,
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="dbt target; default: the profile's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a second instead.")] = False,
) -> None:
    """Follow sources without end: rows are in bronze a second after they were committed, and in what readers see.

    Change data capture, Kafka and webhooks are followed; other streams are pulled every --poll seconds. Published
    silver entities show newer rows at once, other models when the next build in the background is through.

    Ctrl-C ends it: what was taken is committed first. Killed, it goes on where it was when it is started again; a
    process that dies is started again by itself. What can't be reached is tried again, and said.
    """
    from plugins.core.settings import load_settings
    from plugins.watch.supervising import supervised
    from plugins.watch.wishes import Wishes

    settings = load_settings()
    wishes = Wishes(tuple(selectors or ()), every, poll, None if no_build else build_every, target, as_json)
    raise typer.Exit(supervised(settings, wishes))
