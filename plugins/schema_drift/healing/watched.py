"""What watching comes to: values that `smelt run` shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console

Kind = Literal["held", "proposed", "updated", "waiting", "released", "warning"]


@dataclass(frozen=True)
class News:
    """One line that a person should read. fix: what to do about a warning. url: of the pull request."""

    kind: Kind
    text: str
    fix: str | None = None
    proposal_id: str | None = None
    url: str | None = None


@dataclass
class Watched:
    """What happened between ingest and build. changes: how many were found. looked: whether bronze had moved."""

    news: list[News] = field(default_factory=list)
    changes: int = 0
    looked: bool = False
    seconds: float = 0.0

    def tell(self, kind: Kind, text: str, **values: Any) -> None:
        """Add a line."""
        self.news.append(News(kind, text, **values))


_COLOURS = {"warning": "bold red", "held": "yellow", "waiting": "yellow", "released": "green"}


def show_news(console: Console, watched: Watched) -> None:
    """A line for each, with its fix, or where its proposal is read."""
    from rich.markup import escape

    for news in watched.news:
        label = f"[{_COLOURS.get(news.kind, 'bold')}]{news.kind.capitalize():<12}[/]"
        console.print(f"{label}{escape(news.text)}", soft_wrap=True, highlight=False)
        if news.fix:
            console.print(f"{'':12}[dim]{escape(news.fix)}[/]", soft_wrap=True, highlight=False)
        elif news.kind in ("proposed", "updated") and news.proposal_id:
            where = f"   {news.url}" if news.url and not news.url.startswith("file:") else ""
            told = f"smelt proposals show {news.proposal_id}{where}"
            console.print(f"{'':12}[dim]{escape(told)}[/]", soft_wrap=True, highlight=False)
    if watched.news:
        console.print()
