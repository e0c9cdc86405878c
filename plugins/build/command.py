"""`smelt build`, `rollback`, `published`, `state` and `status`: thin."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from plugins.build.pipeline import Listener
    from plugins.core.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Target = Annotated[str | None, typer.Option("--target", "-t", help="dbt target; default: the profile's.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("build")(_build)
    app.command("rollback")(_rollback)
    app.command("published")(_published)
    app.command("status")(_status)
    state = typer.Typer(no_args_is_help=True, help="dbt's artifacts of what is published, for CI.")
    state.command("push")(_push)
    state.command("pull")(_pull)
    app.add_typer(state, name="state")


def _build(
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Build bronze as it was then (ISO 8601, UTC), aside; not published."),
    ] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Rebuild incremental models.")] = False,
    target: Target = None,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Leave readers on what they have.")] = False,
    as_json: AsJson = False,
) -> None:
    """Silver, its gate, gold, its gate, publish."""
    from rich.console import Console

    from plugins.build.asof import parse_time
    from plugins.build.pipeline import build
    from plugins.build.summary import print_build
    from plugins.core.settings import load_settings

    settings = load_settings()
    console = Console(stderr=as_json)
    if as_of is None:
        _settle(settings, target, console)
    with progress(console) as listener:
        result = build(
            settings,
            target=target,
            as_of=parse_time(as_of) if as_of else None,
            full_refresh=full_refresh,
            is_published=not no_publish,
            listener=listener,
        )
    if as_json:
        _print_json({**asdict(result), "exit_code": result.exit_code})
    else:
        print_build(console, result)
    raise typer.Exit(result.exit_code)


def _settle(settings: Settings, target: str | None, console: Console) -> None:
    """Release streams whose proposals were decided since the last build."""
    from plugins.core.ledger import Ledger, open_holds
    from plugins.core.project import Project

    if open_holds(Ledger(settings)):
        from plugins.schema_drift import settle, show_news

        show_news(console, settle(settings, Project(settings.project_dir, target)))


@contextmanager
def progress(console: Any) -> Iterator[Listener]:
    """A live line on `console` that says what a build is doing; nothing where there is no terminal."""
    from plugins.build.pipeline import Listener

    with console.status("starting") as live:
        phase = ["starting"]
        done = [0]

        def on_phase(name: str) -> None:
            phase[0], done[0] = name, 0
            live.update(name)

        def on_node(name: str, _status: str) -> None:
            done[0] += 1
            live.update(f"{phase[0]}   {done[0]} done   [dim]{name}[/]")

        def on_wait(warehouse: Path) -> None:
            console.print(f"another build is writing {warehouse}; waiting for it to end", soft_wrap=True)

        yield Listener(on_phase, on_node, on_wait)


def _rollback(
    run: Annotated[str | None, typer.Argument(help="Run id, or its last characters.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Show the runs to choose from.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let readers see an earlier run again."""
    from rich.console import Console

    from plugins.build.rollback import rollback, runs
    from plugins.build.summary import print_published, rows_table
    from plugins.core.errors import SmeltError
    from plugins.core.settings import load_settings
    from plugins.core.warehouse.published import current_run

    settings = load_settings()
    if show:
        current = current_run(settings)
        known = runs(settings)
        if as_json:
            _print_json([{**asdict(found), "is_current": current == found} for found in known])
            return
        rows = [
            (
                found.id,
                f"{found.at:%Y-%m-%d %H:%M:%S}",
                len(found.tables),
                "published now" if found == current else "",
            )
            for found in known
        ]
        Console().print(rows_table(("run", "at (UTC)", "tables", ""), rows))
        return
    if run is None:
        raise SmeltError("rollback to which run?", "name one of `smelt rollback --list`")
    found = rollback(settings, run)
    if as_json:
        _print_json(asdict(found))
    else:
        print_published(Console(), found)


def _published(as_json: AsJson = False) -> None:
    """What readers see now."""
    from rich.console import Console

    from plugins.build.summary import print_published, rows_table
    from plugins.core.settings import load_settings
    from plugins.core.warehouse.published import published_file, read_run

    found = read_run(published_file(load_settings()))
    if as_json:
        _print_json(asdict(found))
        return
    console = Console()
    print_published(console, found)
    console.print(
        rows_table(("table", "rows", "bytes"), [(t.dataset, f"{t.rows:,}", f"{t.bytes:,}") for t in found.tables])
    )


def _status(as_json: AsJson = False) -> None:
    """Last runs, freshness of streams, balance of rows, what is published."""
    from rich.console import Console

    from plugins.build.status import as_json as plain
    from plugins.build.status import status
    from plugins.build.summary import print_status
    from plugins.core.settings import load_settings

    found = status(load_settings())
    if as_json:
        _print_json(plain(found))
    else:
        print_status(Console(), found)


def _push(to: Annotated[str, typer.Option("--to", help="Folder or URL (s3://…) that CI can read.")]) -> None:
    """Copy the published run's dbt artifacts to where CI can reach them."""
    from plugins.build.state import push
    from plugins.core.settings import load_settings

    names = push(load_settings(), to)
    typer.echo(f"{', '.join(names)} → {to}")


def _pull(
    origin: Annotated[
        str | None, typer.Option("--from", help="Folder or URL; default: this lake's published run.")
    ] = None,
    state_dir: Annotated[Path, typer.Option("--state-dir", help="Where they go.")] = Path("target/state"),
) -> None:
    """Bring the published run's dbt artifacts here, for `dbt build --defer --state target/state`."""
    from plugins.build.state import pull
    from plugins.core.settings import load_settings

    settings = load_settings()
    names = pull(settings, origin, settings.project_dir / state_dir)
    typer.echo(f"{', '.join(names)} → {state_dir}")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, default=str))
