"""What a recogniser says of a column, and how its confidence is reckoned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

# Values that are tried before the others: most recognisers are done with a column after these.
_FIRST = 12
_LEAST_OF_FIRST = 0.6
LEAST_SHARE = 0.8


@dataclass(frozen=True)
class Candidate:
    """A semantic type that a column may be of; the other fields as in ColumnProfile."""

    value: str
    confidence: float
    evidence: str
    format: str | None = None
    zone: str | None = None
    unit: str | None = None
    casts_to: str | None = None

    def named(self, name: str, is_hinted: bool) -> Candidate:
        """The same, surer if the column is called like it."""
        if not is_hinted:
            return self
        return replace(
            self,
            confidence=1 - (1 - self.confidence) * 0.4,
            evidence=f"{self.evidence}; the name `{name}` says so, too",
        )


def count_fits(texts: Sequence[str], fits: Callable[[str], object], least: float = LEAST_SHARE) -> int:
    """How many texts fit; 0 if of the first few not most do, or in the end a smaller share than `least`."""
    if not texts:
        return 0
    first = texts[:_FIRST]
    count = sum(1 for text in first if fits(text))
    if count < _LEAST_OF_FIRST * len(first):
        return 0
    count += sum(1 for text in texts[_FIRST:] if fits(text))
    return count if count >= least * len(texts) else 0


def sureness(fits: int, of: int, strength: float, caution: float, penalty: float = 3.0) -> float:
    """A confidence from `fits` of `of` values.

    strength: the confidence that all of very many values give. caution: how many values it takes until it is half
    of that: little where a form can't be met by chance, such as one with a check digit. Values that don't fit
    count `penalty` times: less where a list of what fits has never everything.
    """
    share = fits / of if of else 0.0
    return strength * max(0.0, 1 - penalty * (1 - share)) * fits / (fits + caution) if fits else 0.0


def told(fits: int, of: int, what: str) -> str:
    """`198 of 200 different values are e-mail addresses`."""
    return f"{fits:,} of {of:,} different values looked at are {what}"
