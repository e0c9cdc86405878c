"""A column of both sides, and SQL that compares its values although its type may have changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plugins.core.duck import quote

# Sums of floats depend on the order of rows; differences below this share of the value are no change.
TOLERANCE = 1e-11
_TOLERANT_FORMAT = "%.11e"

# Digits before the decimal point; what needs more is no DECIMAL.
_INTEGERS = {
    "TINYINT": 3,
    "SMALLINT": 5,
    "INTEGER": 10,
    "BIGINT": 19,
    "HUGEINT": 39,
    "UTINYINT": 3,
    "USMALLINT": 5,
    "UINTEGER": 10,
    "UBIGINT": 20,
    "UHUGEINT": 39,
}
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE"})
_CATEGORIES = frozenset({"VARCHAR", "BOOLEAN", "UUID"})
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NESTED = re.compile(r"(?:STRUCT|MAP|UNION)\(|.*\]$", re.DOTALL)


@dataclass(frozen=True)
class Column:
    """A column of both sides; names may differ in case."""

    base: str
    head: str
    base_type: str
    head_type: str

    @property
    def is_retyped(self) -> bool:
        """Whether its type differs."""
        return self.base_type != self.head_type

    @property
    def is_float(self) -> bool:
        """Whether both sides are floats, which are compared with a tolerance."""
        return self.base_type in _FLOATS and self.head_type in _FLOATS

    def of(self, side: str, alias: str = "") -> str:
        """Its quoted name on one side, with the table's alias if there is one."""
        return (f"{alias}." if alias else "") + quote(self.base if side == "base" else self.head)

    def comparable(self, side: str, alias: str = "", *, is_tolerant: bool = False) -> str:
        """SQL of one side's value that is the same on both sides exactly if the values are.

        It can be hashed, joined and grouped, and nothing is lost by it, as it would be by a cast to the other
        type. is_tolerant: floats are rounded, so that the order of a sum makes no difference.
        """
        name, own = self.of(side, alias), self.base_type if side == "base" else self.head_type
        if is_tolerant and self.is_float:
            # Adding zero makes a zero of minus zero.
            return f"printf('{_TOLERANT_FORMAT}', {name}::double + 0)"
        if not self.is_retyped:
            # DuckDB's hash of an empty list is that of a missing one, and of [[1], [2]] that of [[1, 2]].
            return f"{name}::varchar" if _NESTED.match(own) else name
        if (shared := _shared_type(self.base_type, self.head_type)) is not None:
            return f"cast({name} as {shared})"
        if not (_is_number(self.base_type) and _is_number(self.head_type)):
            return f"{name}::varchar"
        return _number_text(name, own, self.base_type in _FLOATS or self.head_type in _FLOATS)

    def differs(self) -> str:
        """SQL: whether the values of the rows `b` and `h`, of base and head, differ."""
        before, after = self.of("base", "b"), self.of("head", "h")
        differs = f"{before} is distinct from {after}"
        if self.is_retyped:
            differs = f"({self.comparable('base', 'b')}) is distinct from ({self.comparable('head', 'h')})"
        if not self._is_measured_with_tolerance:
            return differs
        x, y = f"{before}::double", f"{after}::double"
        close = f"isfinite({x}) and isfinite({y}) and abs({x} - {y}) <= {TOLERANCE} * greatest(abs({x}), abs({y}))"
        if self.base_type not in _FLOATS:
            close += f" and try_cast({after} as {self.base_type}) = {before}"
        elif self.head_type not in _FLOATS:
            close += f" and try_cast({before} as {self.head_type}) = {after}"
        return f"({differs} and not coalesce({close}, false))"

    @property
    def _is_measured_with_tolerance(self) -> bool:
        """Whether both sides are numbers, and at least one a float."""
        types = {self.base_type, self.head_type}
        return bool(types & _FLOATS) and all(map(_is_number, types))

    @property
    def is_time(self) -> bool:
        """Whether both sides are points in time."""
        return {self.base_type, self.head_type} <= _TIMES | {"TIMESTAMP_NS"}

    def measured(self, side: str) -> tuple[str, bool] | None:
        """SQL of one side's value for a distribution, and whether it is a number; None: it can't be measured.

        Points in time are seconds. What is a number on one side only is text.
        """
        name, types = self.of(side), (self.base_type, self.head_type)
        if all(map(_is_number, types)):
            return f"{name}::double", True
        if self.is_time:
            return f"epoch({name})", True
        is_text = all(_is_number(k) or k in _TIMES or k in _CATEGORIES or k.startswith("ENUM(") for k in types)
        return (f"{name}::varchar", False) if is_text else None


def _is_number(kind: str) -> bool:
    return kind in _INTEGERS or kind in _FLOATS or _DECIMAL.fullmatch(kind) is not None


def _shared_type(one: str, other: str) -> str | None:
    """A type that holds every value of two different types as it is, if there is one."""
    kinds = {one, other}
    if kinds <= _FLOATS:
        return "DOUBLE"
    if kinds <= _TIMES:
        return "TIMESTAMP WITH TIME ZONE" if "TIMESTAMP WITH TIME ZONE" in kinds else "TIMESTAMP"
    if kinds <= _INTEGERS.keys() - {"UHUGEINT"}:
        return "HUGEINT"
    digits = [_digits(kind) for kind in kinds]
    if None in digits:
        return None
    whole, scale = (max(part) for part in zip(*(d for d in digits if d), strict=True))
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= 38 else None


def _digits(kind: str) -> tuple[int, int] | None:
    """Digits before and behind the decimal point; None: no number of fixed digits."""
    if kind in _INTEGERS:
        return _INTEGERS[kind], 0
    found = _DECIMAL.fullmatch(kind)
    return (int(found[1]) - int(found[2]), int(found[2])) if found else None


def _number_text(name: str, own: str, with_float: bool) -> str:
    """A number as text that is the same for equal numbers of other types."""
    if own in _FLOATS:
        return f"({name}::double + 0)::varchar"
    plain = f"{name}::varchar"
    if with_float:
        # As a double prints itself, if a double holds it.
        held = f"try_cast({name}::double as {own}) = {name}"
        return f"case when {held} then ({name}::double + 0)::varchar else {plain} end"
    return f"case when contains({plain}, '.') then rtrim(rtrim({plain}, '0'), '.') else {plain} end"
