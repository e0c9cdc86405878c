"""The star of a select that hands a table's columns on, and what it can be told in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.schema_drift.patching.sql.boundary import Boundary
from plugins.schema_drift.patching.sql.layout import margin_at, spread, step_of
from plugins.schema_drift.patching.sql.scope import Read
from plugins.schema_drift.patching.sql.writing import Style

_LEFT_OUT = re.compile(r"(?i)\s*(?:exclude|except)\s*\(([^()]*)\)")


@dataclass(frozen=True)
class StarPlace:
    """Where a star stands. start: of the `*`. end: behind what it is told already.

    owner: what stands before it, with its dot. list_end: place of the parenthesis that ends what it leaves out;
    None: it leaves out nothing. left_out: those names, lower case. is_all: whether it is all that the select
    gives, and the table all that it reads.
    """

    start: int
    end: int
    owner: str
    list_end: int | None
    left_out: frozenset[str]
    is_all: bool

    def edits(self, boundary: Boundary, style: Style, text: str) -> list[Edit]:
        """What makes the star give the columns of before; raises UnsafeName."""
        margin = margin_at(text, self.start)
        if not boundary.is_star(style):
            return [Edit(self.start, self.end, spread(boundary.listed(style), margin, step_of(text)))]
        told = boundary.told(style, self.owner)
        edits = []
        if told.left_out and self.list_end is not None:
            edits.append(Edit(self.list_end, self.list_end, f", {', '.join(told.left_out)}"))
            told = told.without_left_out()
        is_below = bool(text[text.rfind("\n", 0, self.start) + 1 : self.start - len(self.owner)].strip())
        words = told.words(style, margin, step_of(text), is_below=is_below)
        if "\n" in words and (gap := re.compile(r"[ \t]+(?=\S)").match(text, self.end)):
            # What follows in the same line gets a line of its own.
            return [*edits, Edit(self.end, gap.end(), f"{words}\n{margin}")]
        return [*edits, Edit(self.end, self.end, words)]


def star_place(read: Read, masked: str) -> StarPlace | None:
    """The one star that gives all columns of a table in the select that reads it; None: it can't be told more."""
    select, table = read.select, read.table
    from_ = select.args.get("from_") if isinstance(select, exp.Select) else None
    if not isinstance(select, exp.Select) or from_ is None or table.args.get("pivots"):
        return None
    is_alone = from_.this is table and not any(
        (select.args.get("joins"), select.args.get("laterals"), table.args.get("joins"))
    )
    stars = [(item, star) for item, star in _stars(select) if _covers(item, read)]
    if len(stars) != 1 or isinstance(stars[0][0], exp.Star) > is_alone or _stars_within(select):
        return None
    item, star = stars[0]
    told = {key for key, value in star.args.items() if value}
    if "start" not in star.meta or told - {"except_"}:
        return None
    start = int(star.meta["start"])
    found = _LEFT_OUT.match(masked, start + 1)
    if bool(told) != bool(found):
        return None
    return StarPlace(
        start,
        found.end() if found else start + 1,
        _owner(item, masked),
        found.end() - 1 if found else None,
        frozenset(one.name.lower() for one in star.args.get("except_") or ()),
        is_alone and len(select.expressions) == 1,
    )


def _stars(select: exp.Select) -> Iterator[tuple[exp.Expr, exp.Star]]:
    """Entries of a select list that are stars."""
    for item in select.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star):
            yield item, star


def _covers(item: exp.Expr, read: Read) -> bool:
    return isinstance(item, exp.Star) or (isinstance(item, exp.Column) and item.table.lower() in ("", read.alias))


def _owner(item: exp.Expr, masked: str) -> str:
    """What stands before a star, with its dot; as it is written."""
    named = item.args.get("table") if isinstance(item, exp.Column) else None
    return f"{masked[named.meta['start'] : named.meta['end'] + 1]}." if named is not None else ""


def _stars_within(select: exp.Select) -> bool:
    """Whether a star in an expression takes columns too."""
    listed = {id(star) for _, star in _stars(select)}
    others = (one for one in select.find_all(exp.Star, exp.Columns) if one.parent_select is select)
    return any(id(one) not in listed and not isinstance(one.parent, exp.Count) for one in others)
