"""How many and how much: counts, sums, averages, and conditions on them."""

from __future__ import annotations

from plugins.nl_models.catalog.schema import Table
from plugins.nl_models.parser.context import FILLERS, ref, truth
from plugins.nl_models.parser.draft import AGGREGATES, FUNCTIONS, OPERATORS
from plugins.nl_models.parser.ordering import Ranking
from plugins.nl_models.plan import (
    Function,
    Measure,
)
from plugins.nl_models.words.lexicon import lexicon


class Counting(Ranking):
    """Turns that measure."""

    def _count(self, at: int) -> int:
        if self.context.kind(at - 1) in ("column", "word") and self.context.chunks[at].text.lower() == "number of":
            # "phone number of" counts nothing.
            return at + 1
        if self.context.kind(self.context.skip(at + 1, "ALL")) == "COUNT":
            # "count the number of"
            return at + 1
        if any(isinstance(term, Measure) and term.function == "count" for term in self.draft.select):
            following = self.context.skip(at + 1, "ALL", "IN", "word")
            if self.context.kind(following) not in ("table", "column", "DISTINCT", "value"):
                return at + 1
        after = self.context.skip(at + 1, "ALL", "IN", "word", "AND", "COMMA")
        is_different = self.context.chunks[at].text.lower().split()[-1] in lexicon().sets["different"]
        distinct = is_different or self.context.kind(after) == "DISTINCT"
        after = self.context.skip(after, "DISTINCT", "ALL", "IN", "word")
        # Adjectives and values stand before what is counted: "how many French singers".
        what = self.context.skip(after, "value", "quoted", "adjective", "number", "ALL", "IN")
        chunk_kind = self.context.kind(what)
        if chunk_kind == "column":
            column = self.context.column(what, self.draft.root)
            table = self._table_called(what) if not distinct else None
            if self.context.kind(what + 1) == "table" and table is None:
                table = self.context.table(what + 1)
            if table is not None and truth(column) is not None:
                self._count_rows(table, after, what)
                return what
            if table is not None:
                return self._count_rows(table, after, what)
            if (yes := truth(column)) is not None:
                # Of yes and no there are two; asked is of how many it is so.
                self._where(column, "=", yes[0])
                return self._count_rows(self.catalog.tables[column.table], what, what)
            is_amount = column.kind == "number" and column.place not in self.catalog.links
            if is_amount and not distinct and self.context.chunks[at].text.lower() == "how many":
                # How many of something that is counted already.
                has_extreme = any(chunk.kind in ("adjective", "MOST", "LEAST") for chunk in self.context.chunks)
                self._add(ref(column) if has_extreme else Measure(function="sum", column=ref(column)))
            else:
                return self._count_values(what)
            return what + 1
        if chunk_kind == "table":
            table = self.context.table(what)
            assert table is not None
            column = self.context.column(what + 1, table) if self.context.kind(what + 1) == "column" else None
            if distinct and column is not None and truth(column) is None:
                self._add(Measure(function="count", column=ref(column), distinct=True))
                return what + 2
            return self._count_rows(table, after, what)
        self._add(Measure(function="count", table=self.draft.root.name if self.draft.root else None))
        return at + 1

    def _count_values(self, at: int) -> int:
        """How many different values: of a column, and of those that are listed with it."""
        while True:
            column = self.context.column(at, self.draft.root)
            self._add(Measure(function="count", column=ref(column), distinct=True))
            step = self.context.skip(at + 1, "AND", "COMMA", "ALL")
            if step == at + 1 or self.context.kind(step) != "column":
                return at + 1
            at = step

    def _count_rows(self, table: Table, after: int, what: int) -> int:
        self._add(Measure(function="count", table=table.name))
        self._join(table)
        return after if after < what else what + 1

    def _aggregate(self, at: int) -> int:
        following = self.context.chunks[at + 1 :]
        if self.context.chunks[at].text.lower() == "how much" and any(c.kind == "verb" for c in following):
            self.asked = "much"
            return at + 1
        functions: list[Function] = [FUNCTIONS[self.context.kind(at)]]
        after = at + 1
        while True:
            step = self.context.skip(after, "ALL", "AND", "COMMA", "IN", "word", "DISTINCT")
            if self.context.kind(step) in AGGREGATES:
                functions.append(FUNCTIONS[self.context.kind(step)])
                after = step + 1
                continue
            break
        what = self.context.skip(after, "ALL", "IN", "word", "DISTINCT")
        if self.context.kind(what) == "table" and self.context.kind(what + 1) == "column":
            what += 1
        if self.context.kind(what) == "COUNT" and functions == ["sum"]:
            return what
        if len(functions) == 1 and (end := self._measured(functions[0], what)):
            return end
        if self.context.kind(what) != "column":
            if functions == ["sum"]:
                self.draft.is_total = True
            else:
                self.draft.doubts.append(self.context.chunks[at].text)
            return after
        if self.in_conditions and self.context.kind(at - 1) in (*FILLERS, "HAVE", *OPERATORS):
            column = self.context.column(what, self.draft.root)
            if functions[0] in ("max", "min"):
                self._superlative(at, column, functions[0] == "max")
                return what + 1
        end = what
        while True:
            column = self.context.column(end, self.draft.root)
            for function in functions:
                self._add(Measure(function=function, column=ref(column)))
            step = self.context.skip(end + 1, "AND", "COMMA", "ALL")
            is_listed = self.context.kind(step) == "column" and step > end + 1 and column.kind == "number"
            if not is_listed or self.context.column(step, self.draft.root).kind != "number":
                return end + 1
            end = step

    def _measured(self, function: Function, at: int) -> int | None:
        """A condition on an aggregate: `an average rent above 1000`, `earn on average more than 1000`."""
        context = self.context
        is_said = bool(self.draft.select or self.draft.root)
        column = context.column(at, self.draft.root) if context.kind(at) == "column" else None
        comparing = at + 1 if column else at
        comparing = context.skip(comparing, "IS", "IN")
        value = context.skip(comparing + 1, *FILLERS)
        if context.kind(comparing) not in OPERATORS or context.kind(value) != "number" or not is_said:
            return None
        column = column or context.column_before(at - 1) or self.last_column
        if column is None or column.kind != "number":
            return None
        self._per_root()
        measure = Measure(function=function, column=ref(column))
        self._having(measure, OPERATORS[context.kind(comparing)], context.chunks[value].number or 0)
        return value + 1
