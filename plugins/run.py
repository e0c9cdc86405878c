"""`smelt run`: ingest, look for drift, then build. A face: it calls the three and shows what they say."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from plugins.core.project import Project
    from plugins.core.settings import Settings
    from plugins.schema_drift.healing import Watched


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="dbt target; default: the profile's.")
    ] = None,
    docs: Annotated[bool, typer.Option("--docs", help="Write dbt's docs too (target/static_index.html).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load every source into bronze, then build, check and publish silver and gold.

    A source that cannot be loaded does not stop the build of what is there; the exit code tells. Where a source
    changed, a pull request is proposed, and what the change would break stays as it is until that is decided.
    """
    from rich.console import Console

    from ingest.runner import run as ingest
    from plugins.build import build
    from plugins.build.command import progress
    from plugins.core.project import Project
    from plugins.core.settings import load_settings
    from plugins.schema_drift.healing.watched import show_news

    started = time.monotonic()
    settings = load_settings()
    console = Console(stderr=as_json, highlight=False)
    streams = ingest(settings, console=None if as_json else console)
    if not as_json:
        _show_ingest(console, streams)
    with console.status("looking for drift") as live:
        watched = look_for_drift(settings, Project(settings.project_dir, target), live.update)
    if not as_json:
        show_news(console, watched)
    with progress(console) as listener:
        result = build(settings, target=target, listener=listener)
    page = _docs(settings, target) if docs and not result.failures else None
    failed = any(stream.error for stream in streams) or result.exit_code != 0
    if as_json:
        streams_json = [stream.as_dict() for stream in streams]
        whole = {"streams": streams_json, "drift": asdict(watched), "build": asdict(result), "failed": failed}
        typer.echo(json.dumps(whole, default=str))
    else:
        _show_build(console, result, page, time.monotonic() - started)
    if failed:
        raise typer.Exit(1)


def _show_ingest(console: Console, streams: Any) -> None:
    from ingest.command import print_notes
    from ingest.report import summary

    console.print(summary(streams))
    print_notes(streams, console)
    console.print()


def look_for_drift(
    settings: Settings, project: Project, on_progress: Callable[[str], None] = lambda _: None
) -> Watched:
    """Hold back streams whose source changed in a way that models can't take, and propose what would mend them."""
    from plugins.schema_drift.healing import watch

    def check(*arguments: Any, **named: Any) -> Any:
        # Imported when there is something to look at.
        from plugins.schema_drift.drifting import check

        return check(*arguments, **named)

    def propose(*arguments: Any, **named: Any) -> Any:
        from plugins.schema_drift.drifting import propose

        return propose(*arguments, **named)

    return watch(settings, project, check=check, propose=propose, on_progress=on_progress)


def _docs(settings: Settings, target: str | None) -> str:
    from plugins.core.project import Project

    return str(Project(settings.project_dir, target).generate_docs().relative_to(settings.project_dir))


def _show_build(console: Console, result: Any, page: str | None, seconds: float) -> None:
    from plugins.build.summary import print_build

    print_build(console, result)
    if result.failures:
        return
    console.print(f"[bold]{'Took':12}[/]{seconds:.1f} s\n")
    steps = [("smelt status", "freshness, row accounting, what is published")]
    steps.append(("smelt quarantine list", "rows that broke a rule, and which"))
    steps.append(("smelt rollback --list", "earlier runs that readers can be put back on"))
    if page:
        steps.append((f"open {page}", "dbt docs: every model, column and test, with lineage"))
    for n, (command, meaning) in enumerate(steps):
        console.print(f"[bold]{'Next' if n == 0 else '':12}[/]{command:34}[dim]{meaning}[/]", soft_wrap=True)
