"""A connector as text: a table of streams, then what to answer, what is defective, and what to do next."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plugins.connectors.connector import Connector
from plugins.connectors.inferred import DOUBTFUL, Inferred
from plugins.connectors.manifest.text import harmless
from plugins.connectors.plain import plain
from plugins.connectors.source_spec import FILL_IN
from plugins.connectors.streams import Stream

_MOST = 12


def show(console: Console, connector: Connector, written: tuple[str, ...]) -> None:
    """Print all of it. What the spec wrote is escaped."""
    inference = connector.inference
    server, auth = inference.server, inference.auth
    console.print(
        f"[bold]{_safe(inference.title or connector.name)}[/] {_safe(inference.version)}", highlight=False
    )
    console.print(f"  base URL  {_safe(server.value.url) or '?'}  {_sure(server)}", highlight=False)
    console.print(f"  auth      {_safe(_auth(connector))}  {_sure(auth)}", highlight=False)
    if inference.limits.value.rate is not None:
        rate = inference.limits.value.rate
        console.print(
            f"  rate      {rate.requests} requests in {rate.seconds} s  {_sure(inference.limits)}", highlight=False
        )
    if connector.streams:
        console.print(_table(connector.streams))
    _skipped(console, connector)
    _questions(console, connector)
    _defects(console, connector)
    if written:
        _next(console, connector, written)


def _table(streams: tuple[Stream, ...]) -> Table:
    table = Table(title=f"{len(streams)} streams", title_justify="left", box=None, pad_edge=False)
    for name in ("stream", "path", "records", "key", "pages", "new by", "parent"):
        table.add_column(name, overflow="fold")
    table.add_column("sure", justify="right")
    for one in streams:
        cursor = one.cursor.value
        parents = [f"{parent.parameter} ← {parent.path}.{parent.field}" for parent in one.given.value.parents]
        asked = [f"{parameter.name}: you" for parameter in one.given.value.asked]
        table.add_row(
            _safe(one.name),
            _safe(one.path),
            _marked(one.records, ".".join(one.records.value.path) or "the answer"),
            _marked(one.primary_key, ", ".join(one.primary_key.value) or "–"),
            _marked(one.pagination, _pages(one)),
            _marked(one.cursor, f"{cursor.field} ≥ {cursor.parameter}" if cursor else "–"),
            _marked(one.given, "\n".join([*parents, *asked])),
            _colour(one.confidence),
        )
    return table


def _pages(stream: Stream) -> str:
    pages = stream.pagination.value
    if pages.kind == "none":
        return "one"
    shown = {"next_url": "next URL", "link_header": "Link header"}.get(
        pages.kind, f"{pages.kind}: {pages.parameter}"
    )
    return f"{shown}, {pages.size_parameter}={pages.size}" if pages.size_parameter else shown


def _skipped(console: Console, connector: Connector) -> None:
    skipped = connector.inference.skipped
    if not skipped:
        return
    console.print(f"\n[bold]Skipped[/] {len(skipped)} endpoints", highlight=False)
    reasons: dict[str, list[str]] = {}
    for one in skipped:
        reasons.setdefault(one.reason, []).append(one.path)
    for reason, paths in list(reasons.items())[:_MOST]:
        more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
        console.print(f"  {_safe(reason)}: {_safe(', '.join(paths[:2]))}{more}", highlight=False, soft_wrap=True)
    _more(console, len(reasons))


def _questions(console: Console, connector: Connector) -> None:
    if not connector.questions:
        return
    console.print(f"\n[bold]Questions[/] {len(connector.questions)}: what was taken may be wrong", highlight=False)
    for one in connector.questions[:_MOST]:
        where = f"{one.stream}: " if one.stream else ""
        nothing = "the answer itself" if one.field == "records" else "none"
        taken = f" Taken: {_short(one.taken, nothing)}." if one.taken not in (None, [], {}) else ""
        others = f" Or: {'; '.join(_short(other, nothing) for other in one.others)}." if one.others else ""
        asked = _safe(f"{where}{one.question}{taken}{others}")
        console.print(f"  [yellow]?[/] {asked} [dim]{_safe(one.reason)}[/]", highlight=False, soft_wrap=True)
    _more(console, len(connector.questions))


def _defects(console: Console, connector: Connector) -> None:
    if not connector.defects:
        return
    console.print(f"\n[bold]Defects of the spec[/] {len(connector.defects)}", highlight=False)
    # Fifty references to one missing file are one trouble.
    alike: dict[str, list[str]] = {}
    for one in connector.defects:
        alike.setdefault(one.consequence, []).append(f"{one.where}: {one.what}")
    for consequence, found in list(alike.items())[:_MOST]:
        more = f" and {len(found) - 2} more" if len(found) > 2 else ""
        shown = f"{'; '.join(found[:2])}{more}: {consequence}"
        console.print(f"  [red]![/] {_safe(shown)}", highlight=False, soft_wrap=True)
    _more(console, len(alike))


def _next(console: Console, connector: Connector, written: tuple[str, ...]) -> None:
    console.print(f"\n[green]written[/] {_safe(', '.join(written))}", highlight=False, soft_wrap=True)
    console.print("\n[bold]Next[/]", highlight=False)
    console.print("  1. add to smelt.toml, and set the variables it names:", highlight=False)
    for line in connector.connection.splitlines():
        console.print(f"       {escape(line)}", highlight=False, soft_wrap=True)
    step = 2
    if any(one.is_required and not one.is_secret and one.name != "base_url" for one in connector.inputs):
        console.print(f"  {step}. put your values for {FILL_IN!r} into config of source.yml", highlight=False)
        step += 1
    console.print(f"  {step}. smelt doctor", highlight=False)
    console.print(f"  {step + 1}. smelt ingest {connector.name}", highlight=False)


def _auth(connector: Connector) -> str:
    schemes = connector.inference.auth.value.schemes
    shown = [
        f"{one.kind.replace('_', ' ')} in {one.place} {one.name}"
        if one.kind == "api_key"
        else one.kind.replace("_", " ")
        for one in schemes
    ]
    return " and ".join(shown) or "none"


def _sure(inferred: Inferred[Any]) -> str:
    return f"{_colour(inferred.confidence)} [dim]{_safe(inferred.reason)}[/]"


def _colour(confidence: float) -> str:
    colour = "green" if confidence >= 0.85 else "yellow" if confidence >= DOUBTFUL else "red"
    return f"[{colour}]{confidence:.2f}[/]"


def _marked(inferred: Inferred[Any], shown: str) -> str:
    return f"{_safe(shown)} [red]?[/]" if inferred.is_doubtful else _safe(shown)


def _short(value: Any, nothing: str) -> str:
    value = plain(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ".".join(value) or nothing
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return nothing if value is None else str(value)


def _safe(text: str) -> str:
    return "\n".join(escape(harmless(line, 400)) for line in text.splitlines())


def _more(console: Console, count: int) -> None:
    if count > _MOST:
        console.print(f"  … and {count - _MOST} more: --json has them all", highlight=False)
