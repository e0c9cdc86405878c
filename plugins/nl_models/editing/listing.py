"""Lists and clauses in a text changed as whoever wrote them would: their line breaks, commas and case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.nl_models.editing.layout import Item, Select
from plugins.nl_models.editing.script import Condition, Script

_GROUP = re.compile(r"(?m)^\s*-{4,}\s*(\w+)\s*$")
_KINDS = {"text": ("VARCHAR", "ENUM"), "booleans": ("BOOLEAN",), "timestamps": ("DATE", "TIME")}


@dataclass(frozen=True)
class Pen:
    """Writes into one script."""

    script: Script

    @property
    def is_upper(self) -> bool:
        """Whether keywords are in capitals."""
        text = self.script.masked
        return len(re.findall(r"\bSELECT\b", text)) > len(re.findall(r"\bselect\b", text))

    def cased(self, keywords: str) -> str:
        """Keywords as this file has them."""
        return keywords.upper() if self.is_upper else keywords

    def indent(self, at: int) -> str:
        """What the line of a place begins with."""
        text = self.script.text
        line = text[text.rfind("\n", 0, at) + 1 :]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def insert_after(self, items: Sequence[Item], index: int, text: str) -> list[Edit]:
        """Another one in a list, behind the one of an index."""
        item = items[index]
        if not self._begins_line(item.start) and not (index == 0 and self._is_listed_down(items)):
            return self._inline(item, text)
        indent = self.indent(items[-1].start) if index == 0 else self.indent(item.start)
        if self._leads(items):
            return [Edit(end := self._line_end(item.end), end, f"\n{indent}{self._lead(items)}{text}")]
        if item.comma is None:
            end = self._line_end(item.end)
            return [Edit(item.end, item.end, ","), Edit(end, end, f"\n{indent}{text}")]
        end = self._line_end(item.comma + 1)
        return [Edit(end, end, f"\n{indent}{text},")]

    def remove(self, items: Sequence[Item], index: int) -> list[Edit]:
        """A list without one of it; its comments go with it."""
        item, text = items[index], self.script.text
        is_last = index == len(items) - 1
        if self._begins_line(item.start) and self._ends_line(item):
            start = text.rfind("\n", 0, item.start)
            edits = [Edit(start, self._line_end(item.end if item.comma is None else item.comma + 1), "")]
            if is_last and index and item.comma is None and not self._leads(items):
                comma = items[index - 1].comma
                assert comma is not None
                edits.insert(0, Edit(comma, comma + 1, ""))
            if index == 0 and self._leads(items) and len(items) > 1:
                edits.append(Edit(items[0].comma or items[1].start, items[1].start, ""))
            return edits
        if index:
            return [Edit(items[index - 1].end, item.end, "")]
        stop = items[1].start if len(items) > 1 else item.end
        return [Edit(item.start, stop, "")]

    def replace(self, item: Item, text: str) -> Edit:
        """Another expression in the place of one."""
        return Edit(item.start, item.end, text)

    def groups(self, items: Sequence[Item]) -> list[str]:
        """The heading, `---------- keys`, that each stands under; "" without one."""
        found, heading, at = [], "", items[0].start if items else 0
        text = self.script.text
        at = text.rfind("select", 0, at) if items else 0
        for item in items:
            headings = _GROUP.findall(text[max(at, 0) : item.start])
            heading = headings[-1] if headings else heading
            found.append(heading)
            at = item.end
        return found

    def place_by_type(self, items: Sequence[Item], data_type: str) -> int:
        """The index behind which a plain column of a type belongs: last of its heading, else at the end."""
        headings = self.groups(items)
        wanted = next((name for name, kinds in _KINDS.items() if data_type.upper().startswith(kinds)), "numerics")
        fitting = [n for n, heading in enumerate(headings) if heading == wanted]
        return fitting[-1] if fitting else len(items) - 1

    def add_condition(self, select: Select, condition: str, *, is_joined: bool = False) -> list[Edit]:
        """A condition more in WHERE, or WHERE itself."""
        if "where" not in select.clauses:
            return [self._new_where(select, condition, is_joined)]
        start, end = select.clauses["where"]
        block = self._block(start)
        if block is not None:
            # Without it the filter would hold for later runs only.
            word = self.script.text[start : start + 5]
            new = "AND" if word.isupper() else "and"
            where = self._new_where(select, condition, is_joined)
            aligned = where.text.replace(f"\n{self.indent(select.clauses['from'][0])}", f"\n{self.indent(start)}")
            return [Edit(where.start, where.end, aligned), Edit(start, start + 5, new)]
        if (inner := next((c for c in self.script.conditions if start < c.start < end), None)) is not None:
            end = start + len(self.script.masked[start : inner.start].rstrip())
        return self._extend_where(start, end, condition)

    def _extend_where(self, start: int, end: int, condition: str) -> list[Edit]:
        text = self.script.text
        body = start + 5 + len(text[start + 5 : end]) - len(text[start + 5 : end].lstrip())
        edits: list[Edit] = []
        if _has_or(self.script.masked[body:end]):
            edits += [Edit(body, body, "("), Edit(end, end, ")")]
        joined = re.findall(r"(?im)^([ \t]+)and\b", text[start:end])
        stop = self._line_end(end)
        if joined:
            return [*edits, Edit(stop, stop, f"\n{joined[0]}{self.cased('and')} {condition}")]
        indent = self.indent(start)
        if "\n" in text[start:body]:
            return [*edits, Edit(stop, stop, f"\n{self.indent(body)}{self.cased('and')} {condition}")]
        if not self._begins_line(start):
            return [*edits, Edit(end, end, f" {self.cased('and')} {condition}")]
        if self._breaks_behind_where:
            deeper = indent + self._step
            edits.insert(0, Edit(start + 5, body, f"\n{deeper}"))
            return [*edits, Edit(stop, stop, f"\n{deeper}{self.cased('and')} {condition}")]
        return [*edits, Edit(stop, stop, f"\n{indent}  {self.cased('and')} {condition}")]

    def is_spaced(self, select: Select) -> bool:
        """Whether an empty line stands before FROM."""
        return re.search(r"\n[ \t]*\n[ \t]*$", self.script.text[: select.clauses["from"][0]]) is not None

    @property
    def _breaks_behind_where(self) -> bool:
        text = self.script.text
        return re.search(r"(?im)^\s*where[ \t]*$", text) is not None or "\n\nfinal as (" in text

    @property
    def _step(self) -> str:
        widths = [len(m) for m in re.findall(r"(?m)^( +)\S", self.script.text)]
        return " " * min((w for w in widths if w in (2, 4)), default=4)

    def _new_where(self, select: Select, condition: str, is_joined: bool) -> Edit:
        text, end = self.script.text, select.from_end
        start = select.clauses["from"][0]
        stop = self._line_end(end)
        if not self._begins_line(start):
            return Edit(end, end, f" {self.cased('where')} {condition}")
        is_spaced = (len(select.sources) > 1 or is_joined) and self.is_spaced(select)
        gap = "\n" if is_spaced and not re.match(r"\n[ \t]*\n", text[stop:]) else ""
        behind = gap if any(name in select.clauses for name in ("group", "having", "order")) else ""
        line = f"{self.indent(start)}{self.cased('where')} {condition}"
        return Edit(stop, stop, ("\n\n" if is_spaced else "\n") + line + behind)

    def _block(self, at: int) -> Condition | None:
        return next((c for c in self.script.conditions if c.body[0] <= at < c.body[1]), None)

    def _begins_line(self, at: int) -> bool:
        text = self.script.text
        return not text[text.rfind("\n", 0, at) + 1 : at].strip(" \t,")

    def _is_listed_down(self, items: Sequence[Item]) -> bool:
        return len(items) > 1 and self._begins_line(items[1].start)

    def _ends_line(self, item: Item) -> bool:
        at = item.end if item.comma is None or "\n" in self.script.text[item.end : item.comma] else item.comma + 1
        rest = self.script.text[at : self._line_end(at)].strip()
        return not rest or rest.startswith("--") or (rest.startswith("/*") and rest.endswith("*/"))

    def _line_end(self, at: int) -> int:
        """The end of a place's line if only a comment is left on it, else the place."""
        text = self.script.text
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        rest = text[at:end]
        is_comment = re.fullmatch(r"\s*(--.*|/\*[^*]*\*/\s*)?", rest) is not None
        return at + len(rest.rstrip()) if is_comment else at

    def _leads(self, items: Sequence[Item]) -> bool:
        """Whether commas stand before, at the beginning of lines."""
        return len(items) > 1 and any(
            item.comma is not None
            and self._begins_line(item.comma)
            and "\n" in self.script.text[item.end : item.comma]
            for item in items
        )

    def _lead(self, items: Sequence[Item]) -> str:
        comma = next(item.comma for item in items if item.comma is not None)
        following = next(item.start for item in items if item.start > comma)
        return self.script.text[comma:following]

    def _inline(self, item: Item, text: str) -> list[Edit]:
        if item.comma is None:
            return [Edit(item.end, item.end, f", {text}")]
        return [Edit(item.comma + 1, item.comma + 1, f" {text},")]


def _has_or(sql: str) -> bool:
    """Whether conditions are joined by OR at the outside."""
    return isinstance(sqlglot.parse_one(sql, dialect="duckdb"), exp.Or)
