"""Which snapshots of a table go, and which stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from plugins.core.lake.gaps import BEFORE_ALL, Gap
from plugins.core.lake.maintenance.policy import Policy

_SECOND = 1000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR
# Tables of one source are committed one after the other, within this time.
_TOGETHER = 60 * _SECOND


@dataclass(frozen=True)
class Moment:
    """One snapshot. at: milliseconds since 1970, UTC. epoch: see `Batch.epoch`; "" for none."""

    id: int
    at: int
    epoch: str = ""


@dataclass(frozen=True)
class Expiry:
    """expired: ids that go. tagged: ids that stay for a pin's sake alone. gaps: of the history that is left."""

    expired: tuple[int, ...]
    tagged: frozenset[int]
    gaps: Mapping[int, Gap]


def plan_expiry(
    history: Sequence[Moment],
    pinned: Collection[int],
    complete: str | None,
    gaps: Mapping[int, Gap],
    policy: Policy,
    now: int,
) -> Expiry:
    """Choose among `history`, a table's snapshots from the oldest to the current one.

    complete: epoch up to which all tables of the source are complete; None: the table is on its own. The snapshots
    that readers may want now, the newest up to there and all later ones, always stay.
    """
    kept = _recent(history, policy, now) | _of_hours_and_days(history, policy, now) | _complete(history, complete)
    tagged = frozenset(moment.id for moment in history if moment.id in pinned and moment.id not in kept)
    staying = kept | tagged
    expired = tuple(moment.id for moment in history if moment.id not in staying)
    return Expiry(expired, tagged, _gaps_left(history, staying, gaps))


def _recent(history: Sequence[Moment], policy: Policy, now: int) -> set[int]:
    """The current snapshot, and of the newest those that were the table's state within the days."""
    recent = {moment.id for moment in history[-1:]}
    for moment, after in list(pairwise(history))[-(policy.snapshots - 1) :] if policy.snapshots > 1 else ():
        if after.at >= now - policy.days * _DAY:
            recent.add(moment.id)
    return recent


def _of_hours_and_days(history: Sequence[Moment], policy: Policy, now: int) -> set[int]:
    """The state at the end of each hour of the last day, and of each day within the days."""
    kept: set[int] = set()
    previous = earlier = None
    for moment, after in pairwise(history):
        if previous is not None and previous.epoch < moment.epoch:
            earlier = previous
        for length, days in ((_HOUR, min(1, policy.days)), (_DAY, policy.days)):
            end = (moment.at // length + 1) * length
            if after.at >= end and after.at >= now - days * _DAY:
                kept.add(moment.id)
                # The source's other tables may not have come as far when the hour was over.
                if earlier is not None and end - moment.at < _TOGETHER:
                    kept.add(earlier.id)
        previous = moment
    return kept


def _complete(history: Sequence[Moment], complete: str | None) -> set[int]:
    if complete is None:
        return set()
    up_to = [n for n, moment in enumerate(history) if moment.epoch <= complete]
    return {moment.id for moment in history[up_to[-1] if up_to else 0 :]}


def _gaps_left(history: Sequence[Moment], staying: set[int], gaps: Mapping[int, Gap]) -> dict[int, Gap]:
    left = {key: gap for key, gap in gaps.items() if key in staying or key == BEFORE_ALL}
    previous = BEFORE_ALL
    for moment in history:
        # The first that goes after one that stays; if that has a gap already, an earlier one went.
        if moment.id not in staying and (previous in staying or previous == BEFORE_ALL):
            left.setdefault(previous, Gap(moment.at, moment.epoch))
        previous = moment.id
    return left
