"""Columns of personal data among samples of which nothing else is to be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plugins.core.discovery.flatten import flatten
from plugins.core.discovery.look import look_at
from plugins.core.discovery.personal import personal_data
from plugins.core.discovery.profile import Finding
from plugins.core.discovery.semantics import mean
from plugins.core.discovery.types import text_array


def find_personal(samples: Mapping[str, Sequence[str | None]]) -> dict[str, Finding]:
    """The class of personal data by column, of those that are of one. samples: values as text, of equal number of
    rows or not, by column; None where a value is missing.
    """
    import pyarrow as pa

    found: dict[str, Finding] = {}
    for name, values in samples.items():
        flat = flatten(pa.table({name: text_array(one or None for one in values)}))
        for cells in flat.columns:
            look = look_at(cells, flat.rows)
            if (personal := personal_data(look, mean(look))) is not None:
                found.setdefault(name, personal)
    return found
