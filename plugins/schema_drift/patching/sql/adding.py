"""New columns of a source in the select lists of its staging model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.reading import PartRead, Reading
from plugins.schema_drift.patching.sql.writing import Style

_FAMILIES = (
    ("timestamps", re.compile(r"date|time")),
    ("truths", re.compile(r"bool|bit\b")),
    ("numbers", re.compile(r"int|num|dec|float|double|real|serial|money|hugeint")),
    ("text", re.compile(r"char|text|string|clob")),
)


@dataclass(frozen=True)
class Adding:
    """One part of a staging model, to which columns are added."""

    read: PartRead
    plan: TablePlan
    dialect: str

    def edits(self, names: Sequence[str]) -> list[Edit]:
        """The edits that append columns to the list that reads the table; none where no place is plain."""
        if len(self.read.readings) != 1:
            return []
        reading = self.read.readings[0]
        select = self._list(reading)
        if select is None:
            return []
        style = Style.of(reading.masked, self.dialect)
        edits: dict[int, Edit] = {}
        if self._is_printed(reading, select):
            return []
        for name in names:
            edit = self._append(reading, select, name, style)
            if edit is None:
                return []
            kept = edits.get(edit.start)
            edits[edit.start] = edit if kept is None else Edit(edit.start, edit.end, kept.text + edit.text)
        return list(edits.values())

    def _list(self, reading: Reading) -> exp.Select | None:
        """The one select that reads the table's columns and whose columns all come out in the end."""
        if len(reading.bound.reads) != 1:
            return None
        owners = [
            scope.select
            for scope in reading.bound.scopes
            if any(relation.stars for relation in scope.sources.values())
        ]
        listing = [
            one
            for one in owners
            if isinstance(one, exp.Select) and not (len(one.expressions) == 1 and one.expressions[0].is_star)
        ]
        if len(listing) != 1 or not self._is_plain(listing[0]):
            return None
        return listing[0] if _comes_out(reading.tree, listing[0]) else None

    @staticmethod
    def _is_plain(select: exp.Select) -> bool:
        used = ("group", "joins", "distinct", "having", "laterals")
        if any(select.args.get(key) for key in used) or any(one.is_star for one in select.expressions):
            return False
        return not any(one.find(exp.AggFunc) and not one.find(exp.Window) for one in select.expressions)

    def _is_printed(self, reading: Reading, select: exp.Select) -> bool:
        """Whether loops or conditions make the list, so that nobody sees where its commas are."""
        places = _places(reading, select)
        if not places:
            return True
        start, end = places[0][0], places[-1][1]
        return any(
            start <= piece.start < end and (piece.kind == "tag" or reading.masked[piece.start].isspace())
            for piece in self.read.template.pieces
            if piece.kind != "comment"
        )

    def _append(self, reading: Reading, select: exp.Select, name: str, style: Style) -> Edit | None:
        text = self.read.template.text
        item = self._neighbour(select, name)
        places = _places(reading, select)
        position = next((n for n, one in enumerate(select.expressions) if one is item), None)
        if position is None or position >= len(places):
            return None
        start, end, comma = places[position]
        written = style.name(name, like=_like(text[start:end]))
        line = text[text.rfind("\n", 0, start) + 1 : start]
        line_end = text.find("\n", end)
        line_end = len(text) if line_end < 0 else line_end - text[:line_end].endswith("\r")
        if not re.fullmatch(r"\s*,?\s*", line) or text[end:line_end].strip(" ,").split("--")[0].strip():
            return Edit(end, end, f", {written}")
        if "," in line:
            return Edit(line_end, line_end, f"\n{line}{written}")
        if comma is None:
            return Edit(end, end, f",\n{line}{written}")
        return Edit(line_end, line_end, f"\n{line}{written},")

    def _neighbour(self, select: exp.Select, name: str) -> exp.Expr:
        """The last column of the same family of types; without one, the last of all."""
        family = _family(self.plan.types.get(name.lower(), ""))
        known = {column.lower() for column in self.plan.before} | {column.lower() for column in self.plan.after}
        found = None
        for item in select.expressions:
            names = {column.name.lower() for column in item.find_all(exp.Column)} & known
            if any(_family(_written_type(item) or self.plan.types.get(one, "")) == family for one in names):
                found = item
        return found or select.expressions[-1]


def _written_type(item: exp.Expr) -> str:
    """The type that an entry casts to, if that is all that it does in the end."""
    inner = item.this if isinstance(item, exp.Alias) else item
    return inner.to.sql().lower() if isinstance(inner, exp.Cast) else ""


def _family(type_: str) -> str:
    return next((name for name, pattern in _FAMILIES if pattern.search(type_.lower())), "others")


def _like(text: str) -> str:
    """The case of a list's names: that of its last word."""
    words = re.findall(r"[A-Za-z_]\w+", text)
    return words[-1] if words and words[-1].isupper() else ""


def _comes_out(tree: exp.Expr, select: exp.Select) -> bool:
    """Whether every column of a select reaches the end through stars."""
    node: exp.Expr = select
    while node is not tree:
        holder = node.parent
        if isinstance(holder, exp.Subquery):
            outer = holder.find_ancestor(exp.Select)
        elif isinstance(holder, exp.CTE):
            readers = [
                one.find_ancestor(exp.Select)
                for one in tree.find_all(exp.Table)
                if one.name.lower() == holder.alias.lower() and not one.args.get("db")
            ]
            outer = readers[0] if len(readers) == 1 else None
        else:
            return False
        if outer is None or len(outer.expressions) != 1 or not outer.expressions[0].is_star:
            return False
        star = outer.expressions[0]
        if not isinstance(star, exp.Star) or any(star.args.values()) or outer.args.get("joins"):
            return False
        node = outer
    return True


def _places(reading: Reading, select: exp.Select) -> list[tuple[int, int, int | None]]:
    """Start, end and comma of each entry of a select list, by the tokens of the text."""
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.tokenizer_core import TokenType

    first = [i.meta["start"] for i in select.expressions[0].find_all(exp.Identifier) if "start" in i.meta]
    if not first:
        return []
    tokens = Dialect.get_or_raise("duckdb").tokenize(reading.masked)
    before = [
        n for n, token in enumerate(tokens) if token.token_type == TokenType.SELECT and token.start < min(first)
    ]
    if not before:
        return []
    found: list[tuple[int, int, int | None]] = []
    depth, start, last = 0, -1, -1
    for token in tokens[before[-1] + 1 :]:
        kind = token.token_type
        if kind in (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE):
            depth += 1
        elif kind in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE):
            depth -= 1
        if depth < 0 or (depth == 0 and kind == TokenType.FROM):
            break
        if depth == 0 and kind == TokenType.COMMA:
            found.append((start, last, token.start))
            start = -1
            continue
        start = token.start if start < 0 else start
        last = token.end + 1
    if start >= 0:
        found.append((start, last, None))
    return found if len(found) == len(select.expressions) else []
