"""Sample rows on their way into a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugins.core.privacy import is_pii_name, mask_value

# Shorter texts are words of any text; replacing them everywhere would hide everything else.
_SHORTEST = 4


@dataclass(frozen=True)
class Sample:
    """Rows of a table, and which of its columns the project marks as personal data."""

    rows: Sequence[Mapping[str, Any]]
    pii_columns: frozenset[str] = frozenset()

    def masked(self, clean: Callable[[str], str]) -> list[dict[str, Any]]:
        """The rows without personal data, texts passed through `clean`; harmless numbers stay numbers."""
        return [
            {clean(name): self._masked(value, name, clean) for name, value in row.items()} for row in self.rows
        ]

    def _masked(self, value: Any, name: str, clean: Callable[[str], str]) -> Any:
        shown = mask_value(value, name, name in self.pii_columns)
        is_whole = value is None or (isinstance(value, int | float) and shown == str(value))
        return value if is_whole else clean(shown)

    @property
    def personal_values(self) -> frozenset[str]:
        """Texts of personal columns, which must not turn up elsewhere either, such as in an error message."""
        values = (
            str(value)
            for row in self.rows
            for name, value in row.items()
            if not isinstance(value, bool | None) and (name in self.pii_columns or is_pii_name(name))
        )
        return frozenset(value for value in values if len(value) >= _SHORTEST)


def samples_in(value: Any) -> Iterator[Sample]:
    """Every sample in nested mappings and lists."""
    if isinstance(value, Sample):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from samples_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from samples_in(item)
