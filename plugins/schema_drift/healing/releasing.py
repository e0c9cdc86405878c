"""Releasing by hand: a person says that builds may read a held stream again, whatever became of its proposal."""

from __future__ import annotations

from plugins.core.errors import SmeltError
from plugins.core.ledger import Hold, Ledger, open_holds, open_run, release
from plugins.core.settings import Settings


def release_by_hand(settings: Settings, name: str) -> tuple[Hold, ...]:
    """Release the holds of a stream (`shop.order_lines`) or of a source (`shop`); the same drift isn't held again.

    Raises SmeltError that lists what is held, if nothing of that name is.
    """
    ledger = Ledger(settings)
    known = open_holds(ledger)
    chosen = tuple(one for one in known if name in (one.name, one.source))
    if not chosen:
        held = ", ".join(one.name for one in known) or "nothing"
        raise SmeltError(
            f"{name!r} is not held back (held back: {held})", "`smelt drift status` shows what is, and why"
        )
    with open_run(ledger, "drift", released=[one.name for one in chosen]) as run:
        release(run, *chosen, reason="by hand")
    return chosen
