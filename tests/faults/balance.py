"""What was written, beside what bronze holds of it: lost, doubled, out of order, and a hash of both."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Events of one lane have an order among them: a table, a partition, an object, a sender.
Lanes = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Balance:
    """Counts of events. strange: events that nobody wrote; hash_written, hash_found: over all lanes, in order."""

    written: int
    found: int
    lost: int
    doubled: int
    strange: int
    disordered: int
    hash_written: str
    hash_found: str

    @property
    def is_even(self) -> bool:
        """Whether bronze is the history: each event, once, in its order, with its content."""
        return self.hash_written == self.hash_found

    def __str__(self) -> str:
        wrong = f"{self.lost} lost, {self.doubled} doubled, {self.disordered} out of order"
        return f"{self.written:,} events written, {self.found:,} found: {wrong}, {self.strange} that nobody wrote"


def balance(written: Lanes, found: Lanes) -> Balance:
    """Compare lane by lane. Each event's text is unique in its lane."""
    sums: Counter[str] = Counter()
    for lane in {*written, *found}:
        sums.update(_lane(written.get(lane, ()), found.get(lane, ())))
    return Balance(
        sum(map(len, written.values())), sum(map(len, found.values())), sums["lost"], sums["doubled"],
        sums["strange"], sums["disordered"], _hash(written), _hash(found),
    )  # fmt: skip


def _lane(written: Sequence[str], found: Sequence[str]) -> dict[str, int]:
    place = {event: number for number, event in enumerate(written)}
    assert len(place) == len(written), "an event of a history is unique"
    counts = Counter(found)
    known = [place[event] for event in counts if event in place]
    return {
        "lost": len(written) - len(known),
        "doubled": sum(count - 1 for event, count in counts.items() if event in place),
        "strange": sum(count for event, count in counts.items() if event not in place),
        # Counter keeps the order of first appearance.
        "disordered": sum(after < before for before, after in pairwise(known)),
    }


def _hash(lanes: Lanes) -> str:
    digest = hashlib.sha256()
    for lane in sorted(lanes):
        digest.update(lane.encode() + b"\n")
        digest.update(_joined(lanes[lane]))
    return digest.hexdigest()


def _joined(events: Iterable[str]) -> bytes:
    return b"".join(event.encode() + b"\n" for event in events)
