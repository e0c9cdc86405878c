"""A table as DuckDB's scanner reads it → bronze values, and the server's text of those that bronze can't hold."""

from __future__ import annotations

import json
from collections.abc import Sequence

from plugins.core.duck import literal, quote
from plugins.core.postgres.columns import PgColumn

# Microseconds: of all that 64 bits count, and of a year on average over the calendar's cycle of 400.
_AROUND = 2**64
_YEAR = 146_097 * 86_400_000_000 // 400
# Whole cycles, so that every date keeps its month and day.
_SHIFT_YEARS = 40_000
# Before the server's first year, 4713 BC; counted from 1970, as DuckDB does.
_BEFORE_ALL = -7_000 * _YEAR


def scanned_expressions(columns: Sequence[PgColumn]) -> list[str]:
    """What to select in DuckDB of a table with exact columns; `_smelt_extra` last, if they may need it.

    The text there is the one that `extra_expression` selects on the server: a row is the same by both ways.
    """
    special = [column for column in columns if column.special and not column.is_misread]
    values = [_value(column) if column in special else quote(column.name) for column in columns]
    return [*values, f"{_extra(special)} as _smelt_extra"] if special else values


def _value(column: PgColumn) -> str:
    name = quote(column.name)
    return f"case when {column.special} then null else {name} end as {name}"


def _extra(special: Sequence[PgColumn]) -> str:
    """JSON as jsonb is written: shorter names first."""
    pairs = ", ".join(
        f"case when {c.special} then {literal(json.dumps(c.name, ensure_ascii=False) + ': ')} || {_text(c)} end"
        for c in sorted(special, key=lambda c: (len(c.name.encode()), c.name.encode()))
    )
    present = f"array_to_string(list_filter([{pairs}], lambda pair: pair is not null), ', ')"
    return f"case when {' or '.join(f'{c.special}' for c in special)} then '{{' || {present} || '}}' end"


def _text(column: PgColumn) -> str:
    name = quote(column.name)
    # 0044-03-15 (BC) 12:00:00 here, 0044-03-15 12:00:00 BC there.
    text = f"regexp_replace({name}::varchar, ' \\(BC\\)(.*)', '\\1 BC')"
    if column.type in {"timestamp", "timestamptz"}:
        # The server's last years, from 294247 on, come around as the first ones, which the server doesn't have.
        earlier = f"make_timestamp((epoch_us({name})::hugeint + {_AROUND} - {_SHIFT_YEARS * _YEAR})::bigint)"
        zone = "+00" if column.type == "timestamptz" else ""
        late = f"year({earlier}) + {_SHIFT_YEARS} || substr({earlier}::varchar, 7) || '{zone}'"
        text = f"case when not isinf({name}) and epoch_us({name}) < {_BEFORE_ALL} then {late} else {text} end"
    return f"""'"' || {text} || '"'"""
