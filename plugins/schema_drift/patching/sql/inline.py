"""A reference to a column, written anew in its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.schema_drift.patching.sql.nested import behind, new_path
from plugins.schema_drift.patching.sql.plan import Target
from plugins.schema_drift.patching.sql.reading import Reading
from plugins.schema_drift.patching.sql.scope import Reference, Scope
from plugins.schema_drift.patching.sql.trees import place_of, repeats_name
from plugins.schema_drift.patching.sql.writing import Style, UnsafeName, check

# What may stand beside anything without parentheses around it.
_CLOSED = (exp.Column, exp.Literal, exp.Paren, exp.Case, exp.Cast, exp.TryCast, exp.Null, exp.Boolean, exp.Bracket)
_ROOMY = (
    exp.Select,
    exp.Alias,
    exp.Where,
    exp.Having,
    exp.Qualify,
    exp.Group,
    exp.Order,
    exp.Ordered,
    exp.Paren,
    exp.Tuple,
    exp.Window,
    exp.Case,
    exp.If,
    exp.Distinct,
)

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.And, exp.Or)


@lru_cache(maxsize=8)
def _lines(text: str) -> list[str]:
    return text.split("\n")


@dataclass(frozen=True)
class Inline:
    """Edits in one reading. text: the file as it is. passes: whether entries of select lists take the new name."""

    reading: Reading
    text: str
    style: Style
    passes: bool = False

    def edits(self, one: Reference, target: Target) -> list[Edit]:
        """The edits that make one reference read what is there now; raises UnsafeName."""
        written = self.text[one.name[0] : one.name[1]]
        if one.clause in ("except", "rename") and target.plain is None:
            return []
        path = new_path(one, target)
        if path is not None:
            return self._field(one, path)
        if target.plain is not None:
            start, end = one.name
            new = self._owner(one, target) + self.style.name(target.plain, like=written)
        else:
            start, end = one.start, one.end
            qualifier = self.text[one.start : one.name[0]] or self._owner(one, target)
            new = self.style.expression(target.tree, qualifier)
            if self._needs_parentheses(one, target):
                new = f"({new})"
        if one.is_item and one.is_shown and one.clause == "select" and not self.passes:
            return [Edit(start, end, self._as_item(new, written, start, end))]
        if self.passes and target.plain is not None and one.clause == "select" and repeats_name(one.node):
            return [Edit(start, end, new), *self._alias(one, target.plain)]
        return [Edit(start, end, new), *self._realigned(one, len(new) - (end - start), end)]

    def _alias(self, one: Reference, plain: str) -> list[Edit]:
        """The new name in the place of an alias that repeats the old one."""
        entry = one.node.parent
        start, end = place_of([entry.args["alias"]]) if entry is not None else (-1, -1)
        if start < 0:
            raise UnsafeName("its alias has no place")
        return [Edit(start, end, self.style.name(plain, like=self.text[start:end]))]

    def _field(self, one: Reference, path: Sequence[str]) -> list[Edit]:
        """A field under the path that it has now."""
        dotted = path[: 1 + len(one.path)] if _is_behind(one) else path
        new = self.text[one.start : one.name[0]] + ".".join(self.style.name(part) for part in dotted)
        if not _is_behind(one):
            is_entry = isinstance(one.node.parent, exp.Select) and one.clause == "select" and one.is_shown
            if is_entry and path[-1].lower() != one.path[-1].lower():
                old = self.style.name(one.path[-1])
                return [Edit(one.start, one.end, self._as_item(new, old, one.start, one.end))]
            grown = len(new) - (one.end - one.start)
            return [Edit(one.start, one.end, new), *self._realigned(one, grown, one.end)]
        for part in path:
            check(part)
        edits = behind(self.text, one, path)
        if edits is None or isinstance(one.node.find_ancestor(exp.Select, exp.Alias), exp.Select):
            raise UnsafeName("its fields are read in a way that is not written anew")
        return [Edit(one.start, one.end, new), *edits]

    def _owner(self, one: Reference, target: Target) -> str:
        """The owner's name with its dot, where the new name would be ambiguous without it."""
        if one.name[0] != one.start or not one.owner:
            return ""
        others = [relation for alias, relation in one.scope.sources.items() if alias != one.owner]
        around: Scope | None = one.within
        while around is not None and around is not one.scope:
            others += around.sources.values()
            around = around.parent
        names = {name.lower() for name in target.reads}
        doubtful = any(
            names & {*other.columns, *other.fresh} or (other.is_open and not other.columns) for other in others
        )
        return f"{one.owner}." if doubtful and re.fullmatch(r"[a-z]\w*", one.owner) else ""

    def _needs_parentheses(self, one: Reference, target: Target) -> bool:
        tree, parent = target.tree, one.node.parent
        if isinstance(tree, _CLOSED) or (isinstance(tree, exp.Func) and not isinstance(tree, exp.Binary)):
            return False
        if isinstance(parent, exp.Cast):
            return self.text[one.end : one.end + 2] == "::" or self.text[one.end :].lstrip().startswith("::")
        if isinstance(parent, exp.Func) and not isinstance(parent, (exp.Binary, exp.Bracket)):
            return False
        if isinstance(tree, _ARITHMETIC) and isinstance(parent, _COMPARISONS):
            return False
        return not isinstance(parent, _ROOMY)

    # --- entries of select lists

    def _as_item(self, new: str, written: str, start: int, end: int) -> str:
        """The expression under the name that it had, with `as` where the other entries have theirs."""
        if not self.style.alias:
            return f"{new} {written}"
        first = self._line_start(start)
        column = self._alias_column(start)
        width = start - first + len(new)
        gap = " " * max(1, column - width) if column is not None else " "
        return f"{new}{gap}{self.style.alias} {written}"

    def _realigned(self, one: Reference, growth: int, end: int) -> list[Edit]:
        """Where `as` stands in one column, the room before it gives or takes what the expression grew by."""
        if not growth or one.clause != "select" or self._alias_column(one.start) is None:
            return []
        line_end = self.text.find("\n", end)
        rest = self.text[end : line_end if line_end >= 0 else len(self.text)]
        gap = re.search(r"(?i)( +)(?=as\s+[\w\"`\[]+\s*,?\s*(--.*)?$)", rest)
        if gap is None or len(gap[1]) - growth < 1:
            return []
        start = end + gap.start(1)
        if growth > 0:
            return [Edit(start, start + growth, "")]
        return [Edit(start, start, " " * -growth)]

    def _alias_column(self, at: int) -> int | None:
        """The column of `as` in the lines around, if they have it in one."""
        lines = _lines(self.reading.masked)
        number = self.text.count("\n", 0, at)
        found: dict[int, set[int]] = {}
        near = [*range(number - 1, max(-1, number - 12), -1), *range(number + 1, min(len(lines), number + 12))]
        for one in [*near, number]:
            match = re.search(r"(?i)\S( +)as\s+[\w\"`\[]+\s*,?\s*(--.*)?$", lines[one])
            if match is not None:
                found.setdefault(match.end(1), set()).add(len(match[1]))
        shared = [(len(gaps), column) for column, gaps in found.items() if len(gaps) > 1]
        return max(shared)[1] if shared else None

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1


def _is_behind(one: Reference) -> bool:
    """Whether fields of a column are named by more than dots."""
    return isinstance(one.node.parent, (exp.Bracket, exp.StructExtract))
