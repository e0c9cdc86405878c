"""GTIDs: the names of transactions, and sets of those that were read; MariaDB's and MySQL's.

MariaDB: `domain-server-sequence`; of each domain, the last transaction says that all before it were read.
MySQL: `uuid:number`; a set has intervals of numbers by uuid.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass, field

from plugins.core.errors import SmeltError


class Gtids(ABC):
    """Transactions that were read."""

    @property
    @abstractmethod
    def text(self) -> str:
        """As the server writes it."""

    @abstractmethod
    def add(self, gtid: str) -> None:
        """Take the next transaction."""

    @abstractmethod
    def covers(self, other: Gtids) -> bool:
        """Whether everything of `other` is here."""


@dataclass
class MariadbGtids(Gtids):
    """last: server and sequence of the last transaction, by domain."""

    last: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> MariadbGtids:
        """Parse `0-1-17,1-2-5`."""
        found = cls()
        for gtid in filter(None, (part.strip() for part in text.split(","))):
            found.add(gtid)
        return found

    @property
    def text(self) -> str:
        """Sorted by domain."""
        return ",".join(f"{domain}-{server}-{number}" for domain, (server, number) in sorted(self.last.items()))

    def add(self, gtid: str) -> None:
        """As `Gtids.add`."""
        domain, server, number = map(int, gtid.split("-"))
        self.last[domain] = (server, number)

    def covers(self, other: Gtids) -> bool:
        """As `Gtids.covers`."""
        assert isinstance(other, MariadbGtids)
        return all(self.last.get(domain, (0, 0))[1] >= number for domain, (_, number) in other.last.items())


@dataclass
class MysqlGtids(Gtids):
    """intervals: sorted, disjoint pairs of first and last number, by uuid."""

    intervals: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> MysqlGtids:
        """Parse `3e11fa47-…:1-5:7,…`. Raises SmeltError for tagged ones."""
        found = cls()
        for part in filter(None, (part.strip() for part in text.replace("\n", "").split(","))):
            source, *ranges = part.split(":")
            for given in ranges:
                first, _, last = given.partition("-")
                if not first.isdigit():
                    raise SmeltError(
                        f"the server uses tagged GTIDs ({part}), which can't be followed", "don't tag"
                    )
                found._put(source.lower(), int(first), int(last or first))
        return found

    @property
    def text(self) -> str:
        """As `gtid_executed` has it."""
        return ",".join(
            ":".join([source, *(str(a) if a == b else f"{a}-{b}" for a, b in self.intervals[source])])
            for source in sorted(self.intervals)
        )

    def add(self, gtid: str) -> None:
        """As `Gtids.add`."""
        source, _, number = gtid.partition(":")
        self._put(source.lower(), int(number), int(number))

    def covers(self, other: Gtids) -> bool:
        """As `Gtids.covers`."""
        assert isinstance(other, MysqlGtids)
        return all(
            any(first <= a and b <= last for first, last in self.intervals.get(source, []))
            for source, ranges in other.intervals.items()
            for a, b in ranges
        )

    def _put(self, source: str, first: int, last: int) -> None:
        ranges = self.intervals.setdefault(source, [])
        at = bisect_right(ranges, (first, last))
        ranges.insert(at, (first, last))
        start = max(0, at - 1)
        merged = ranges[start : start + 1]
        for a, b in ranges[start + 1 : start + 3]:
            if a <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], b))
            else:
                merged.append((a, b))
        ranges[start : start + 3] = merged


def gtids(text: str, *, is_mariadb: bool) -> Gtids:
    """The set that a server of this kind writes as `text`."""
    return MariadbGtids.of(text) if is_mariadb else MysqlGtids.of(text)
