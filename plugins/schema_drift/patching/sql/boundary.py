"""A star, or a list of columns, that gives what the drifted table gave before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plugins.schema_drift.patching.sql.layout import LONGEST, bracketed
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
class Told:
    """What a star is told, as it is written. further: entries of the select list behind it."""

    left_out: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    further: tuple[str, ...] = ()

    def without_left_out(self) -> Told:
        """All the rest."""
        return replace(self, left_out=())

    def words(self, style: Style, margin: str, step: str, *, is_below: bool = True) -> str:
        """What follows the star; with line breaks if one line would be too long.

        is_below: whether entries of the list stand below the line of the star's `select`, else below the star.
        """
        clauses = {
            _LEAVES_OUT.get(style.dialect, ""): self.left_out,
            "replace": self.replaced,
            "rename": self.renamed,
        }
        told = [(style.word(word), items) for word, items in clauses.items() if items]
        lines = [bracketed(word, items, margin, step, is_long=False) for word, items in told]
        if sum(map(len, lines)) > LONGEST:
            # Short ones stay as they are.
            lines = [
                bracketed(word, items, margin, step, is_long=len(line) > LONGEST // 2)
                for (word, items), line in zip(told, lines, strict=True)
            ]
        more = ", ".join(self.further)
        is_long = "\n" in "".join(lines) or sum(map(len, lines)) + len(more) > LONGEST
        between = f",\n{margin}{step if is_below else ''}" if is_long else ", "
        return "".join(lines) + "".join(f"{between}{one}" for one in self.further)


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

    def is_star(self, style: Style) -> bool:
        """Whether a star can be told all that there is to tell."""
        return style.dialect in _LEAVES_OUT and self._keeps_order(style.dialect)

    @property
    def _targets(self) -> list[Target]:
        return [target for key, target in self.plan.targets.items() if key in self.columns]

    @property
    def _left_out(self) -> list[str]:
        """Names of now that are no columns of before."""
        read = {name.lower() for target in self._targets for name in target.reads} - self.visible
        added = {name.lower() for name in self.plan.added} if self.is_positional else set()
        return [name for name in self.plan.fresh if name.lower() in read | added]

    def told(self, style: Style, owner: str = "") -> Told:
        """What the star is told; raises UnsafeName. owner: written before the columns in expressions."""
        renames = {
            target.plain: target.column
            for target in self._targets
            if target.plain is not None and self._is_renamed(target, style.dialect)
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
        return Told(
            tuple(style.name(name) for name in leaves_out),
            tuple(_as(style, target, owner=owner) for target in replaced),
            tuple(f"{style.name(new)} {style.word('as')} {style.name(old)}" for new, old in renames.items()),
            tuple(_as(style, target, style.alias, owner) for target in further),
        )

    def _is_renamed(self, target: Target, dialect: str) -> bool:
        """Whether the star can be told the old name of what is there under another one."""
        is_plain = target.plain is not None and target.plain.lower() not in self.visible
        return is_plain and dialect in RENAMES and not self._goes_round(target)

    def _goes_round(self, target: Target) -> bool:
        """Whether it and what it is now were both there before and still are: names that were exchanged."""
        known = {name.lower() for name in self.plan.before}
        return not target.is_gone and (target.plain or "").lower() in known

    def listed(self, style: Style) -> list[str]:
        """Every column by its name, where no star can be told enough; raises UnsafeName."""
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
            elif target.plain is not None and self._is_renamed(target, dialect):
                places.append(at.get(target.plain.lower(), -1))
            elif not target.is_gone and dialect in _REPLACES:
                places.append(at.get(target.column.lower(), -1))
            else:
                return False
        return -1 not in places and places == sorted(places)

    def select_from(self, style: Style, table: str, margin: str, step: str) -> str:
        """A subquery in parentheses, in the place of the table; raises UnsafeName."""
        words = self._after_select(style, margin + step, step)
        select, from_ = style.word("select"), f"{style.word('from')} {table}"
        if "\n" not in words and len(words) + len(table) <= LONGEST:
            return f"({select} {words} {from_})"
        return f"(\n{margin}{step}{select} {words}\n{margin}{step}{from_}\n{margin})"

    def _after_select(self, style: Style, margin: str, step: str) -> str:
        if self.is_star(style):
            return "*" + self.told(style).words(style, margin, step)
        items = self.listed(style)
        line = ", ".join(items)
        return line if len(line) <= LONGEST else f",\n{margin}{step}".join(items)


def _as(style: Style, target: Target, alias: str | None = None, owner: str = "") -> str:
    """A column of before, made; in a star's `replace` the alias needs its `as`."""
    sql, name = style.expression(target.tree, owner), style.name(target.column)
    return f"{sql} {alias} {name}" if alias else f"{sql} {style.word('as')} {name}"
