"""`smelt review`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from plugins.core.errors import SmeltError
from plugins.core.project.options import ProfilesDir, ProjectDir, Target, open_project


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("review")(review)


def review(
    base: Annotated[str, typer.Option("--base", help="Branch, tag or commit to compare with.")],
    head: Annotated[str, typer.Option("--head", help="Branch, tag or commit to review.")] = "HEAD",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a pull request comment.")] = False,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", help="failed, changed, not-checked (strictest) or never: what exits with 1."),
    ] = "failed",
    max_not_checked: Annotated[
        float | None,
        typer.Option(
            "--max-not-checked",
            min=0,
            max=1,
            help="Exit with 1 if a larger share of the checks was not made.",
            show_default="max_not_checked in [review] of smelt.toml, or 1",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file instead.")] = None,
    project_dir: ProjectDir = Path(),
    profiles_dir: ProfilesDir = None,
    target: Target = None,
) -> None:
    """Show with executed evidence what a branch changes, in any dbt project.

    Builds what changed, and what reads a changed column, at the base and at the head in a sandbox, and
    compares: columns, rows, keys, values, tests, contracts. Your checkout and database stay untouched.

      smelt review --base main                        what this branch changes
      smelt review --base main --head my-branch       another branch
      smelt review --base main --markdown -o body.md  the text for a pull request
    """
    from rich.console import Console

    from plugins.core.settings import load_settings
    from plugins.review.markdown import render_review
    from plugins.review.outcome import FAIL_ON
    from plugins.review.reviewing import review as run_review
    from plugins.review.text import show_review

    if fail_on not in FAIL_ON:
        raise SmeltError(f"--fail-on {fail_on!r} is not known", f"one of {', '.join(FAIL_ON)}")
    project = open_project(project_dir, profiles_dir, target)
    settings = load_settings(project.folder)
    with Console(stderr=True).status("starting") as status:
        found = run_review(project, settings, base, head, on_progress=status.update)
    if as_json:
        _write(json.dumps(found.document(), indent=2), output)
    elif as_markdown:
        _write(render_review(found), output)
    else:
        show_review(Console(soft_wrap=False), found)
    limit = settings.review.max_not_checked if max_not_checked is None else max_not_checked
    why = found.fails(fail_on, limit)
    if why is not None:
        typer.echo(f"review: {why}", err=True)
        raise typer.Exit(1)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text + "\n", encoding="utf-8")
