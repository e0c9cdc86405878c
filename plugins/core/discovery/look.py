"""One look at a column: what its values are and how often, prepared once for everything that judges it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery import names, types
from plugins.core.discovery.flatten import Cells

if TYPE_CHECKING:
    import pyarrow as pa

# Different values of a column that recognisers look at: more of them would only cost time.
LOOKED_AT = 120
# What people and programs write where a value is missing.
PLACEHOLDERS = frozenset(
    {"", "null", "NULL", "Null", "none", "None", "NONE", "n/a", "N/A", "NA", "#N/A", "nan", "NaN", "-", "--", "?",
     "\\N", "nil", "(null)", "<null>", "undefined", "unknown", "Unknown", "UNKNOWN"}
)  # fmt: skip
# Words that are a value of their own as soon as there are other words: they are told, and not left out.
_MOST_PLACEHOLDERS = 0.9
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?|[+-]?\.\d+", re.ASCII)


@dataclass(frozen=True)
class Look:
    """rows: all. codes: by row, the number of its value in `different`, -1 where it is null. counts: by value."""

    cells: Cells
    rows: int
    codes: NDArray[np.int32]
    different: pa.Array
    counts: NDArray[np.int64]

    @property
    def name(self) -> str:
        """What it is called within its object."""
        return self.cells.path[-1] if self.cells.path else self.cells.name

    @cached_property
    def family(self) -> types.Family:
        """What may be done with its values by type."""
        return types.family(self.cells.data_type)

    @cached_property
    def hints(self) -> frozenset[str]:
        """What its name says."""
        said = names.hints(self.name)
        # `name` of `customer` says more than either.
        return said or (names.hints("_".join(self.cells.path[-2:])) if len(self.cells.path) > 1 else said)

    @cached_property
    def is_written_number(self) -> bool:
        """Whether it is a text column of plain numbers, none with a zero before."""
        return self.family == "text" and bool(self.texts) and all(map(_NUMBER.fullmatch, self.texts))

    @property
    def nulls(self) -> int:
        """Rows without a value."""
        return self.rows - self.filled

    @cached_property
    def filled(self) -> int:
        """Rows with a value."""
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        """How many different values."""
        return len(self.different)

    @cached_property
    def _some(self) -> NDArray[np.intp]:
        """Places of different values to look at, spread evenly over all of them."""
        if self.distinct <= LOOKED_AT:
            return np.arange(self.distinct)
        return np.linspace(0, self.distinct - 1, LOOKED_AT).astype(np.intp)

    @cached_property
    def _looked(self) -> tuple[list[str], list[str]]:
        """Texts looked at, trimmed; and which of them are placeholders."""
        raw = self.different.take(self._some).to_pylist()
        texts, empty = [], []
        for value in raw:
            text = value if type(value) is str else str(value)
            stripped = text.strip()
            (empty if stripped in PLACEHOLDERS else texts).append(stripped)
        # A column of nothing but such words means them.
        if not texts or len(empty) > _MOST_PLACEHOLDERS * len(raw):
            return [one for one in empty if one], []
        return texts, empty

    @property
    def texts(self) -> list[str]:
        """Some different values as text, without placeholders."""
        return self._looked[0]

    @property
    def placeholders(self) -> list[str]:
        """Of the different values looked at, those that stand for a missing one."""
        return self._looked[1]

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """Different values as numbers, of a column of numbers; empty of any other."""
        if self.family not in ("integer", "float", "decimal"):
            return np.empty(0)
        if self.cells.values.type in _text_types():
            return np.array([float(one) for one in self.texts])
        import pyarrow as pa

        numbers = self.different.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return numbers[np.isfinite(numbers)]

    @cached_property
    def number_type(self) -> str | None:
        """The type of numbers that every text of the column can be read as without loss; None if there is none."""
        import pyarrow as pa
        import pyarrow.compute

        # Its functions are made when it is imported, so that no type checker knows them.
        pc: Any = pyarrow.compute
        try:
            values = self.different.filter(pc.invert(pc.is_in(self.different, pa.array(sorted(PLACEHOLDERS)))))
            # A zero before other digits would be lost.
            if pc.any(pc.match_substring_regex(values, r"^\s*[+-]?0\d")).as_py():
                return None
            if not pc.any(pc.match_substring_regex(values, r"[.eE]")).as_py():
                values.cast(pa.int64())
                return "BIGINT"
            values.cast(pa.float64())
        except pa.ArrowException:
            return None
        return "DOUBLE"

    @cached_property
    def is_unique(self) -> bool:
        """Whether no value is there twice, and none is missing."""
        return 0 < self.rows == self.distinct

    def pick(self, places: NDArray[Any]) -> list[str]:
        """Values of some places of `different`, as text."""
        return [str(one) for one in self.different.take(places).to_pylist()]


def look_at(cells: Cells, rows: int) -> Look:
    """Encode a column's values."""
    encoded = cells.values.dictionary_encode() if rows else None
    if encoded is None or cells.values.null_count == rows:
        return Look(cells, rows, np.full(rows, -1, np.int32), cells.values.slice(0, 0), np.zeros(0, np.int64))
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary))
    return Look(cells, rows, codes, encoded.dictionary, counts)


def _text_types() -> tuple[Any, ...]:
    import pyarrow as pa

    return (pa.string(), pa.large_string())
