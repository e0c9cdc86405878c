"""What a person, or a machine, sees of a watch: one line that says how far everything is."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from ingest.watch.follower import Status
from plugins.live import Refreshed
from plugins.watch.rebuilding import Built

# Where there is no terminal a line is for a log.
_LOG_SECONDS = 10.0
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Moment:
    """A watch at one moment. building: for how many seconds. fresh_at: of what readers see, seconds since 1970.

    trouble: why the lake could not be maintained. held: streams that wait for a proposal to be decided.
    """

    sources: Sequence[Status]
    live: Refreshed | None
    fresh_at: float | None
    build: Built | None
    building: float | None
    trouble: str | None = None
    held: Sequence[str] = ()


class Display:
    """Prints moments: a line that is renewed on a terminal, a line every ten seconds elsewhere, or JSON."""

    def __init__(self, as_json: bool) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._as_json = as_json
        self._live = self._console.status("starting", spinner="dots") if self._is_terminal else None
        self._told: dict[str, object] = {}
        self._logged = 0.0

    @property
    def _is_terminal(self) -> bool:
        return self._console.is_terminal and not self._as_json

    def __enter__(self) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, moment: Moment) -> None:
        """Show where things stand."""
        if self._as_json:
            print(json.dumps(_as_values(moment)), flush=True)
            return
        self._tell_changes(moment)
        if self._live:
            self._live.update(line(moment))
        elif time.monotonic() - self._logged >= _LOG_SECONDS:
            self._logged = time.monotonic()
            self._console.print(f"{datetime.now(UTC):%H:%M:%S}  {line(moment)}")

    def tell_end(self) -> None:
        """Say that it was asked to end, which may take a few seconds."""
        if not self._as_json:
            self._console.print("[dim]ending[/]   commits what was taken; Ctrl-C again ends at once")
        if self._live:
            self._live.update("ending")

    def _tell_changes(self, moment: Moment) -> None:
        """Lines that stay: a source that is lost or found again, a build that fails."""
        for source in moment.sources:
            if self._is_news(f"source {source.name}", source.error) and source.error:
                self._console.print(f"[yellow]waiting[/]  {escape(source.error)}")
                if source.hint:
                    self._console.print(f"[bold]fix[/]      {escape(source.hint)}")
        if self._is_news("build", moment.build) and moment.build and moment.build.error:
            self._console.print(f"[red]build[/]    {escape(moment.build.error)}")
            if moment.build.hint:
                self._console.print(f"[bold]fix[/]      {escape(moment.build.hint)}")
        news = moment.build.news if moment.build else ()
        if self._is_news("news", news):
            for text in news:
                self._console.print(f"[yellow]source[/]   {escape(text)}")
        if self._is_news("held", moment.held) and moment.held:
            self._console.print(f"[yellow]held[/]     {escape(', '.join(moment.held))}: its source changed")
            self._console.print("[bold]fix[/]      `smelt drift status` shows how, and the proposal that waits")
        if self._is_news("trouble", moment.trouble) and moment.trouble:
            self._console.print(f"[yellow]note[/]     {escape(moment.trouble)}")
        left = dict(moment.live.left) if moment.live else {}
        if self._is_news("left", left):
            for dataset, reason in left.items():
                self._console.print(f"[yellow]note[/]     {dataset} is as of the last build: {escape(reason)}")

    def _is_news(self, what: str, value: object) -> bool:
        if self._told.get(what) == value:
            return False
        self._told[what] = value
        return True


def line(moment: Moment) -> str:
    """`shop 1,204 ev/s · lag 0 B, 0 events, 0.0 s · 1,204,551 events │ readers 0.8 s ago │ build 12.1 s`."""
    quiet = sum(_is_quiet(source) for source in moment.sources)
    told = [_source(source) for source in moment.sources if not _is_quiet(source)]
    return " │ ".join([*told, *([f"{quiet} pulled"] if quiet else []), *_readers(moment)])


def _is_quiet(source: Status) -> bool:
    """Whether it is pulled now and then, and brought nothing yet."""
    return source.is_pulled and source.state == "following" and not source.events


def _source(source: Status) -> str:
    name = f"[bold]{escape(source.name)}[/]"
    if source.rows_read:
        of = f" of about {source.rows_expected:,}" if source.rows_expected >= source.rows_read else ""
        return f"{name} [yellow]reading[/] · {source.rows_read:,}{of} rows"
    if source.state != "following":
        return f"{name} [yellow]{source.state}[/] · {source.events:,} events"
    told = ", ".join(_lag(source))
    return f"{name} {source.rate:,.0f} ev/s · {f'lag {told} · ' if told else ''}{source.events:,} events"


def _lag(source: Status) -> list[str]:
    told = []
    if source.lag.bytes is not None:
        told.append(size(source.lag.bytes))
    if source.lag.events is not None:
        told.append(f"{source.lag.events:,} events")
    if source.lag.seconds is not None:
        told.append(f"{source.lag.seconds:.1f} s")
    return told


def _readers(moment: Moment) -> list[str]:
    told = []
    if moment.fresh_at is not None:
        told.append(f"entities as of {datetime.fromtimestamp(moment.fresh_at, UTC):%H:%M:%S}")
    if moment.building is not None:
        told.append(f"building {moment.building:.0f} s")
    elif moment.build is not None and moment.build.error:
        told.append("[red]build failed[/]")
    elif moment.build is not None and moment.build.published_at is not None:
        at = datetime.fromtimestamp(moment.build.published_at, UTC)
        told.append(f"built {at:%H:%M:%S} in {moment.build.seconds:.0f} s")
    if moment.held:
        told.append(f"[yellow]held back: {escape(', '.join(moment.held))}[/]")
    return told


def size(count: float) -> str:
    """`1.5 MiB`."""
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:,.0f} {_UNITS[unit]}" if unit == 0 else f"{count:,.1f} {_UNITS[unit]}"


def _as_values(moment: Moment) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(),
        "sources": [asdict(source) for source in moment.sources],
        "live": asdict(moment.live) if moment.live else None,
        "entities_as_of": moment.fresh_at,
        "build": asdict(moment.build) if moment.build else None,
        "building_seconds": moment.building,
        "trouble": moment.trouble,
        "held": list(moment.held),
    }
