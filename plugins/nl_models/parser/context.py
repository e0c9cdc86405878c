"""Which of several columns or tables a chunk means, by what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.catalog.schema import Catalog, Column, Table
from plugins.nl_models.linking import Chunk
from plugins.nl_models.plan import ColumnRef
from plugins.nl_models.words.lexicon import lexicon

FILLERS = frozenset({"ALL", "IS", "THAN", "word", "COMMA"})
_LISTED = frozenset({"ALL", "AND", "COMMA", "column", "AVG", "SUM", "MAX", "MIN", "DISTINCT", "word", "OR"})


class Context:
    """The chunks of one question over one catalog."""

    def __init__(self, catalog: Catalog, chunks: Sequence[Chunk]) -> None:
        self.catalog = catalog
        said = [chunk.found[0][0].table for chunk in chunks if chunk.kind == "column"]
        self.chunks = [_settled(chunk, said) for chunk in chunks]

    @cached_property
    def mentions(self) -> list[tuple[int, Table]]:
        """Tables that are named, with where."""
        return [(n, chunk.found[0][0]) for n, chunk in enumerate(self.chunks) if chunk.kind == "table"]

    def skip(self, at: int, *kinds: str) -> int:
        """The first chunk from `at` that is none of `kinds`."""
        while at < len(self.chunks) and self.chunks[at].kind in kinds:
            at += 1
        return at

    def kind(self, at: int) -> str:
        """The kind of a chunk; `end` behind the last."""
        return self.chunks[at].kind if 0 <= at < len(self.chunks) else "end"

    def table(self, at: int) -> Table | None:
        """The table that a chunk names; of a column's name, a table that is called so."""
        chunk = self.chunks[at]
        if chunk.kind == "table":
            best = chunk.found[0][1]
            named = [table for table, score in chunk.found if score >= best - 0.01]
            known = {table.name for _, table in self.mentions}
            return next((t for t in named if len(named) > 1 and t.name in known), named[0])
        return None

    def column(self, at: int, root: Table | None = None) -> Column:
        """The column that a chunk names; that of the nearest table, of several of one name."""
        chunk = self.chunks[at]
        return max(chunk.found, key=lambda pair: pair[1] + self.nearness(at, pair[0], root))[0]

    def nearness(self, at: int, column: Column, root: Table | None = None) -> float:
        """How much the place of a chunk says that its column is one of this table; 0..1."""
        owner = column.table
        score = 0.0
        if self.kind(at - 1) == "table" and self.chunks[at - 1].found[0][0].name == owner:
            score += 0.6
        end = at + 1
        while self.kind(end) in _LISTED:
            end += 1
        if self.kind(end) == "IN":
            end = self.skip(end, "IN", "ALL", "word", "EACH", "DISTINCT", "number", "adjective", "MOST", "value")
            if self.kind(end) == "table" and self.chunks[end].found[0][0].name == owner:
                score += 0.5
            elif self.kind(end) == "column" and self.chunks[end].found[0][0].table == owner:
                score += 0.35
        elif self.kind(end) == "EACH" and self.kind(self.skip(end + 1, "ALL")) == "table":
            each = self.chunks[self.skip(end + 1, "ALL")].found[0][0].name
            score += 0.5 * (each == owner and self.chunks[end].text.lower().startswith("of"))
        elif self.kind(end) == "EACH" and self.kind(self.skip(end + 1, "ALL")) == "column":
            grouped = self.chunks[self.skip(end + 1, "ALL")].found
            score += 0.35 * any(other.table == owner for other, likeness in grouped if likeness >= 0.9)
        subject, is_related = self._subject(at)
        if subject == owner:
            # "a cat that is three years old": not who has it.
            score += 0.7 if is_related else 0.25
        if any(table.name == owner for _, table in self.mentions):
            score += 0.3
        if root is not None and root.name == owner:
            score += 0.45
        if column.place in self.catalog.links:
            score -= 0.15
        if any(n != at and chunk.kind == "verb" and _is_of(chunk, column) for n, chunk in enumerate(self.chunks)):
            # "how many tickets were sold": of `tickets_sold` both are said.
            score += 0.2
        return score

    def _subject(self, at: int) -> tuple[str | None, bool]:
        """The table that was spoken of last, by its name or by a value; and whether `that` refers to the value."""
        for back in range(at - 1, -1, -1):
            chunk = self.chunks[back]
            if chunk.kind == "table":
                return chunk.found[0][0].name, False
            if chunk.kind == "value" and self.kind(back + 1) == "RELATIVE":
                return chunk.found[0][0][0].table, True
        return None, False

    def value(self, at: int, root: Table | None) -> tuple[Column, str]:
        """The column and the value that a chunk names."""
        chunk = self.chunks[at]
        named = self.column_before(at)
        best = max(score for _, score in chunk.found)
        behind_list = self.skip(at + 1, "OR", "AND", "COMMA", "value", "quoted")
        # "every Norwegian or Polish port": of the port.
        owner = self.table(behind_list) if self.kind(behind_list) == "table" else None

        def rank(pair: tuple[tuple[Column, str], float]) -> float:
            column = pair[0][0]
            behind = self.chunks[at + 1].found if self.kind(at + 1) == "column" else ()
            is_behind = any(other.place == column.place for other, score in behind if score >= 0.9)
            return (
                2.0 * pair[1]
                + is_behind * 0.8
                + (owner is not None and owner.name == column.table) * 1.5
                + self.nearness(at, column, root)
                + (named is not None and named.place == column.place and pair[1] >= best) * 1.0
            )

        return max(chunk.found, key=rank)[0]

    def column_before(self, at: int, *, is_listed: bool = True) -> Column | None:
        """The column that was named just before, with nothing but what compares between, or other values."""
        between = (*FILLERS, "EQUAL", "NOT", "IN", *(("OR", "AND", "value", "quoted") if is_listed else ()))
        back = at - 1
        while back >= 0 and self.kind(back) in between:
            back -= 1
        return self.column(back) if self.kind(back) in ("column", "verb") else None

    def time(self, at: int, root: Table | None) -> Column | None:
        """The column of a date or a year at a place: what was named before it, or what its table has."""
        back = at - 1
        while back >= 0 and self.kind(back) in (
            *FILLERS,
            "EQUAL",
            "IN",
            "BETWEEN",
            "GREATER",
            "LESS",
            "date",
            "OR",
        ):
            back -= 1
        if self.kind(back) in ("column", "verb"):
            owners = {table.name for _, table in self.mentions} | ({root.name} if root else set())
            times = [column for column, _ in self.chunks[back].found if is_time(column)]
            if times:
                return next((column for column in times if column.table in owners), times[0])
        tables = [table for n, table in reversed(self.mentions) if n < at] + ([root] if root else [])
        tables += [table for _, table in self.mentions]
        tables += self.catalog.around([table.name for table in tables])
        for table in tables or self.catalog.tables.values():
            times = [column for column in table.columns.values() if is_time(column)]
            if times:
                return max(times, key=lambda column: "year" in column.name.lower())
        return None

    def attribute(self, adjective: str, tables: Sequence[Table]) -> tuple[Column, bool] | None:
        """The column that an adjective compares, and whether more of it is a greater value."""
        entry = lexicon().adjectives[adjective]
        words = [(word, True) for word in entry.up] + [(word, False) for word in entry.down]
        for table in tables:
            for word, is_up in words:
                for column in table.columns.values():
                    if set(words_of(word)) <= set(words_of(column.name)) and (
                        column.kind not in ("other", "text") or word in ("date", "year", "time")
                    ):
                        return column, is_up
        return None


def _settled(chunk: Chunk, said: Sequence[str]) -> Chunk:
    """Of several tables of like names, first the one that most of the columns that are said are in."""
    if chunk.kind != "table" or len(chunk.found) < 2:
        return chunk
    best = chunk.found[0][1]
    ranked = sorted(
        chunk.found,
        key=lambda pair: (pair[1] < best - 0.01, -said.count(pair[0].name) if pair[1] >= best - 0.01 else 0),
    )
    return replace(chunk, found=tuple(ranked))


def _is_of(chunk: Chunk, column: Column) -> bool:
    return any(other.place == column.place and score >= 0.6 for other, score in chunk.found)


def truth(column: Column) -> tuple[str | bool, str | bool] | None:
    """What affirms and what denies, in a column that has nothing else; None of any other column."""
    if column.kind == "boolean":
        return True, False
    values = {value.lower(): value for value in column.values or ()}
    for yes, no in lexicon().truths.items():
        if values and set(values) <= {yes, no}:
            return values.get(yes, yes), values.get(no, no)
    return None


def is_time(column: Column) -> bool:
    """Whether a column says when: dates, and years as numbers."""
    words = words_of(column.name)
    # `year_built` is when, `years_at_sea` is how long.
    is_year = words[-1:] == ("year",) or (words[0] == "year" and not column.name.lower().startswith("years"))
    return column.kind == "time" or (column.kind == "number" and is_year)


def ref(column: Column) -> ColumnRef:
    """A column in a plan."""
    return ColumnRef(table=column.table, name=column.name)
