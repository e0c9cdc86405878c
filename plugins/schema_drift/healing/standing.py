"""Where drift stands: what is held back since when and why, and the proposals that wait for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from plugins.core.lake import Lake
from plugins.core.ledger import Hold, Ledger, open_holds
from plugins.core.settings import Settings
from plugins.core.warehouse.held import count_held
from plugins.schema_drift.opened import open_proposals


@dataclass(frozen=True)
class Held:
    """A stream that waits. is_blocking: builds read it as it was. rows: how many came since, if so."""

    stream: str
    since: datetime
    changes: tuple[str, ...]
    is_blocking: bool
    rows: int | None
    proposal: str | None
    url: str | None


@dataclass(frozen=True)
class Waiting:
    """A proposal that nobody has decided about. state: open, or unopened where its evidence speaks against it."""

    proposal: str
    source: str
    title: str
    since: datetime
    state: str
    branch: str
    url: str | None
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """held: streams; proposals: newest first."""

    held: tuple[Held, ...]
    proposals: tuple[Waiting, ...]

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)


def find_standing(settings: Settings) -> Standing:
    """Read the ledger, the lake and the proposals; in a project without a lake nothing is ever held."""
    lake = Lake(settings)
    holds = open_holds(Ledger(settings)) if lake.exists() else ()
    rows = count_held(lake, holds)
    proposals = tuple(_waiting(settings))
    urls = {one.proposal: one.url for one in proposals}
    return Standing(tuple(_held(one, rows.get(one.name), urls) for one in holds), proposals)


def _held(one: Hold, rows: int | None, urls: Mapping[str, str | None]) -> Held:
    changes = tuple(map(told, one.changes))
    url = urls.get(one.proposal_id or "")
    return Held(one.name, one.since, changes, one.is_blocking, rows, one.proposal_id, url)


def _waiting(settings: Settings) -> list[Waiting]:
    from plugins.review import Proposals

    found = []
    for one in open_proposals(settings):
        state = Proposals(settings).status(one).state
        found.append(
            Waiting(
                one.id,
                one.subject,
                one.title,
                one.created_at,
                str(state.decision),
                one.branch,
                state.url,
                one.questions,
            )
        )
    return found


def told(change: Mapping[str, Any]) -> str:
    """A recorded change in a line: `column renamed: unit_price → price_gbp`."""
    kind = str(change.get("kind", "changed")).replace("_", " ")
    before, after = (", ".join(change.get(side) or ()) for side in ("before", "after"))
    names = " → ".join(dict.fromkeys(name for name in (before, after) if name))
    return f"{kind}: {names}" if names else kind
