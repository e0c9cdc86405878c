"""A star, or a list of columns, that gives what the drifted table gave before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plugins.schema_drift.patching.sql.plan import TablePlan, Target
from plugins.schema_drift.patching.sql.writing import Style

# What stars can be told, by adapter (the vendors' references of SELECT).
_LEAVES_OUT = {
    "duckdb": "exclude",
    "snowflake": "exclude",
    "bigquery": "except",
    "databricks": "except",
    "spark": "except",
    "clickhouse": "except",
}
_REPLACES = {"duckdb", "snowflake", "bigquery", "clickhouse"}
RENAMES = {"duckdb", "snowflake"}


@dataclass(frozen=True)
class Boundary:
    """What one read of the table must give again.

    columns: of before, in lower case. visible: names of now that are read further down. is_positional: whether
    order counts and further columns are in the way.
    """

    plan: TablePlan
    columns: frozenset[str]
    visible: frozenset[str] = frozenset()
    is_positional: bool = False

    def items(self, style: Style) -> list[str]:
        """The entries of the select list; raises UnsafeName."""
        if style.dialect in _LEAVES_OUT and self._keeps_order(style.dialect):
            return self._star(style)
        return self._list(style)

    @property
    def _targets(self) -> list[Target]:
        return [target for key, target in self.plan.targets.items() if key in self.columns]

    @property
    def _left_out(self) -> list[str]:
        """Names of now that are no columns of before."""
        read = {name.lower() for target in self._targets for name in target.reads} - self.visible
        added = {name.lower() for name in self.plan.added} if self.is_positional else set()
        return [name for name in self.plan.fresh if name.lower() in read | added]

    def _star(self, style: Style) -> list[str]:
        renames = {
            target.plain: target.column
            for target in self._targets
            if target.plain is not None
            and style.dialect in RENAMES
            and target.plain.lower() not in self.visible
            and not self._goes_round(target)
        }
        renamed = {target.column for target in self._targets if target.plain in renames}
        replaced, further = [], []
        leaves_out = [name for name in self._left_out if name not in renames]
        for target in self._targets:
            if target.column in renamed:
                taken = {name.lower() for name in renames}
                if not target.is_gone and target.column.lower() not in taken:
                    leaves_out.append(target.column)
            elif not target.is_gone and style.dialect in _REPLACES and "." not in target.column:
                replaced.append(target)
            else:
                further.append(target)
                if not target.is_gone:
                    leaves_out.append(target.column)
        star = "*"
        if leaves_out:
            names = ", ".join(style.name(name) for name in leaves_out)
            star += f" {style.word(_LEAVES_OUT[style.dialect])} ({names})"
        if replaced:
            star += f" {style.word('replace')} ({', '.join(_as(style, target) for target in replaced)})"
        if renames:
            told = (f"{style.name(new)} {style.word('as')} {style.name(old)}" for new, old in renames.items())
            star += f" {style.word('rename')} ({', '.join(told)})"
        return [star, *(_as(style, target, style.alias) for target in further)]

    def _goes_round(self, target: Target) -> bool:
        """Whether it and what it is now were both there before and still are: names that were exchanged."""
        known = {name.lower() for name in self.plan.before}
        return not target.is_gone and (target.plain or "").lower() in known

    def _list(self, style: Style) -> list[str]:
        found: list[str] = []
        here = {name.lower(): name for name in self.plan.after}
        for name in self.plan.before:
            target = self.plan.targets.get(name.lower())
            if target is not None and name.lower() in self.columns:
                found.append(_as(style, target, style.alias))
            elif name.lower() in here:
                found.append(style.name(here[name.lower()]))
        known = {name.lower() for name in self.plan.before}
        read = {name.lower() for target in self._targets for name in target.reads} - self.visible
        for name in self.plan.after:
            is_added = name in self.plan.added and not self.is_positional
            if (
                name.lower() not in known
                and (is_added or name.lower() in self.visible)
                and name.lower() not in read
            ):
                found.append(style.name(name))
        return found

    def _keeps_order(self, dialect: str) -> bool:
        """Whether a star gives the columns in the order of before, as far as that counts."""
        if not self.is_positional:
            return True
        at = {name.lower(): position for position, name in enumerate(self.plan.after)}
        places: list[int] = []
        for name in self.plan.before:
            target = self.plan.targets.get(name.lower())
            if target is None or name.lower() not in self.columns:
                places.append(at.get(name.lower(), -1))
            elif target.plain is not None and dialect in RENAMES:
                places.append(at.get(target.plain.lower(), -1))
            elif not target.is_gone and dialect in _REPLACES:
                places.append(at.get(target.column.lower(), -1))
            else:
                return False
        return -1 not in places and places == sorted(places)


def _as(style: Style, target: Target, alias: str | None = None) -> str:
    """A column of before, made; in a star's `replace` the alias needs its `as`."""
    sql, name = style.expression(target.tree), style.name(target.column)
    return f"{sql} {alias} {name}" if alias else f"{sql} {style.word('as')} {name}"


def select_from(boundary: Boundary, style: Style, table: str) -> str:
    """A subquery in parentheses, in the place of the table."""
    items = ", ".join(boundary.items(style))
    return f"({style.word('select')} {items} {style.word('from')} {table})"


def in_lines(items: Iterable[str], indent: str) -> str:
    """Entries of a select list: one line if they are few, else one each, under the first."""
    listed = list(items)
    if len(", ".join(listed)) <= 80:
        return ", ".join(listed)
    return f",\n{indent}".join(listed)
