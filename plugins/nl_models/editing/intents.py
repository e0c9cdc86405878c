"""What is asked of a model, once it is known what the words mean."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.nl_models.analysis import Grain
from plugins.nl_models.editing.filtering import Restriction


@dataclass(frozen=True)
class Split:
    """Rows by one dimension more. is_column: it is only to be shown, and must not split rows."""

    label: str
    is_column: bool = False


@dataclass(frozen=True)
class AddMetric:
    """A metric of the semantic layer as a column."""

    metric: str


@dataclass(frozen=True)
class AddSibling:
    """The column `like` once more in another unit."""

    like: str
    unit: str


@dataclass(frozen=True)
class AddAggregate:
    """function: `count`, `sum`, `avg`, `min` or `max`. label: of the column; of `count`, of the things."""

    function: str
    label: str


@dataclass(frozen=True)
class Restrict:
    """Only some rows."""

    restriction: Restriction


@dataclass(frozen=True)
class ChangeGrain:
    """Other buckets of time."""

    new: Grain
    old: Grain | None = None


@dataclass(frozen=True)
class Remove:
    """Without a column."""

    column: str


@dataclass(frozen=True)
class Rename:
    """A column by another name."""

    column: str
    name: str


Intent = Split | AddMetric | AddSibling | AddAggregate | Restrict | ChangeGrain | Remove | Rename


@dataclass(frozen=True)
class Asked:
    """All that a request asks. assumptions: what was decided without being said, as questions."""

    intents: tuple[Intent, ...]
    assumptions: tuple[str, ...] = ()
