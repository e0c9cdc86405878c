"""`smelt onboard`: discover, connect, load, map, propose; each step told, and a command of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="onboard")(onboard)


def onboard(
    place: Annotated[
        str,
        typer.Argument(
            metavar="SPEC|DSN|FOLDER|BUCKET|TOPIC",
            help="An API's spec, a folder, or a URL: database, bucket, topic.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="The source's name.", show_default="from the place")
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="Who looks after the source.")] = "unassigned",
    streams: Annotated[str | None, typer.Option("--streams", help="Only these, a,b,c.")] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Only the entities of this folder, group or name.")
    ] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="Folder of new entities.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Input of an API (base_url, a token), bucket (endpoint, access_key) or broker; again for more.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take every default, and commit.")] = False,
    no_commit: Annotated[
        bool, typer.Option("--no-commit", help="Write the source's files; commit nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the source's files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON at the end; ask nothing.")] = False,
) -> None:
    """From a spec, a database, files or topics to a loaded source and a pull request with its models.

    Five steps, each a command of its own, which you can run alone and again:

      1 discover   what is there          smelt discover PLACE
      2 connect    source.yml, connector  smelt connect SPEC
      3 load       into bronze            smelt ingest NAME
      4 map        to the entities        smelt map NAME
      5 review     what is doubtful       smelt review-mapping NAME

      smelt onboard exports/ --name crm
      smelt onboard s3://bucket/exports --set access_key=env:KEY --set secret_key=env:SECRET
      smelt onboard kafka://broker:9092/shop.orders
      smelt onboard sqlite:///data/shop.db
      smelt onboard openapi.yaml --set base_url=https://api.acme.example --set api_token=env:ACME_TOKEN
    """
    from rich.console import Console

    from plugins.core.settings import load_settings
    from plugins.onboard.walk import Choices, walk

    settings = load_settings()
    if not (settings.project_dir / "smelt.toml").is_file():
        raise SmeltError(
            "there is no smelt.toml here, so there is no lake to load into",
            "run it in a Smelt project; in another dbt project, `smelt map SOURCE` maps what is loaded already",
        )
    choices = Choices(
        place=place,
        name=name,
        owner=owner,
        streams=[one.strip() for one in (streams or "").split(",") if one.strip()],
        to=to,
        domain=domain,
        values=_values(values or []),
        is_interactive=not (yes or as_json),
        commits=not no_commit,
        force=force,
    )
    console = Console(stderr=as_json, highlight=False)
    done = walk(settings, choices, console)
    if as_json:
        typer.echo(json.dumps(done, indent=2, default=str, ensure_ascii=False))
    else:
        _tell(console, done)
    if done["failed"]:
        raise typer.Exit(1)


def _values(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise SmeltError(
                f"--set {key} says no value", "--set NAME=VALUE, such as --set api_token=env:ACME_TOKEN"
            )
        found[key] = value
    return found


def _tell(console: Console, done: dict[str, Any]) -> None:
    from rich.markup import escape

    source = escape(str(done["source"]))
    console.print()
    if done["not_opened"]:
        console.print("[bold red]Not opened[/]  mend what failed, and run", f"smelt map {source}", "again")
        return
    if failed := [one["stream"] for one in done["streams"] if one["error"]]:
        named = escape(", ".join(failed))
        console.print(
            f"[bold red]Not loaded[/]  {named}: mend what the load said, and run it again", soft_wrap=True
        )
    if done["url"]:
        console.print(f"[bold]Pull request[/]  {escape(str(done['url']))}", soft_wrap=True)
    console.print(f"[bold]Next[/]  smelt review-mapping {source}    decide what is asked, beside the values")
    console.print(f"      smelt map {source}               bring the pull request up to date")
    console.print("      merge it, then smelt run     build, check, publish")
