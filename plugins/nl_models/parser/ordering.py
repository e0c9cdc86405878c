"""Order, extremes and groups: the largest, the most, sorted by, for each."""

from __future__ import annotations

from plugins.nl_models.catalog.keys import display, key
from plugins.nl_models.parser.context import FILLERS, ref, truth
from plugins.nl_models.parser.draft import AGGREGATES, FUNCTIONS, plain
from plugins.nl_models.parser.filtering import Filtering
from plugins.nl_models.plan import (
    ColumnRef,
    Measure,
    Operator,
    Ordering,
    Term,
)
from plugins.nl_models.words.lexicon import lexicon


class Ranking(Filtering):
    """Turns that order, limit and group."""

    def _adjective(self, at: int) -> int:
        context = self.context
        chunk = context.chunks[at]
        after = context.skip(at + 1, *FILLERS)
        if chunk.degree == "more" and context.kind(after) == "IN" and context.kind(after + 1) == "column":
            # "larger in area than the average"
            after += 1
        if chunk.degree == "more":
            return self._comparative(at, after)
        if chunk.degree == "asked":
            asked = context.attribute(chunk.lemma, self._near_tables(at))
            if asked is not None:
                if context.kind(at - 1) == "AND" and not self.draft.select and self.draft.target is not None:
                    # "who are they, and how old": both.
                    self._add(ref(display(self.draft.target)))
                self._add(ref(asked[0]))
            return at + 1
        if context.kind(after) == "number":
            self.draft.limit = int(context.chunks[after].number or 1)
            after = context.skip(after + 1, *FILLERS)
        is_up = chunk.lemma not in lexicon().sets["low"]
        is_up = is_up != chunk.is_reversed
        measured = context.skip(after + 1, "ALL", "IN", "COUNT", "word")
        if context.kind(after) in ("AVG", "SUM") and context.kind(measured) == "column":
            # "the highest average rent", "the largest total fines"
            column = context.column(measured, self.draft.root)
            if column.kind == "number":
                measure = Measure(function=FUNCTIONS[context.kind(after)], column=ref(column))
                self.draft.order.append(Ordering(by=measure, descending=is_up))
                self.draft.limit = self.draft.limit or 1
                self._per_root()
                return measured + 1
        if context.kind(after) == "AVG":
            named = self._column_named(context.chunks[after].text)
            if named is not None:
                self._superlative(at, named, is_up)
                return after + 1
            after += 1
        if context.kind(after) == "column":
            column = context.column(after, self.draft.root)
            is_generic = chunk.lemma in lexicon().sets["generic"]
            if is_generic or column.kind != "text":
                if not is_generic:
                    is_up = chunk.lemma not in ("young", "early", "first")
                self._superlative(at, column, is_up)
                before = at - 1
                while context.kind(before) == "ALL":
                    before -= 1
                is_what = before == 0 and context.kind(before) == "COMMAND" and context.kind(after + 1) != "table"
                self.draft.is_extreme_asked = is_what and after == context.skip(at + 1, "ALL")
                return after + 1
        found = context.attribute(chunk.lemma, self._near_tables(after))
        named = (
            context.time(at, None)
            if context.kind(at - 1) == "verb" and chunk.lemma in lexicon().sets["when"]
            else None
        )
        if named is not None:
            found = named, chunk.lemma not in ("early", "first")
        if found is None:
            self.draft.doubts.append(chunk.text)
            return at + 1
        column, is_more = found
        self._superlative(at, column, is_more != chunk.is_reversed)
        if context.kind(after) == "table" and not self.draft.select and self.draft.target is None:
            # "the youngest patient": who it is, not how young.
            self.draft.target = context.table(after)
        return max(after if context.kind(after) in ("table", "column") else at + 1, at + 1)

    def _sorted(self, at: int) -> int:
        """`oldest first`: by what the adjective compares, or how what was said already is sorted."""
        chunk = self.context.chunks[at]
        is_up = chunk.lemma not in lexicon().sets["low"]
        found = self.context.attribute(chunk.lemma, self._near_tables(at)) if chunk.lemma else None
        is_said = bool(self.draft.order) and self.context.kind(at - 1) in (
            "column",
            "COMMA",
            "COUNT",
            "word",
            "ORDER",
        )
        if found is not None and not (is_said and self.draft.order[-1].by != ref(found[0])):
            column, is_more = found
            by = Ordering(by=ref(column), descending=is_more != chunk.is_reversed)
            self.draft.order = [order for order in self.draft.order if order.by != by.by] + [by]
        elif self.draft.order:
            last = self.draft.order.pop()
            self.draft.order.append(last.model_copy(update={"descending": is_up != chunk.is_reversed}))
        elif measures := [term for term in self.draft.select if isinstance(term, Measure)]:
            self.draft.order.append(Ordering(by=measures[-1], descending=is_up != chunk.is_reversed))
        else:
            self.draft.doubts.append(chunk.text)
        return at + 1

    def _comparative(self, at: int, after: int) -> int:
        context = self.context
        chunk = context.chunks[at]
        found = context.attribute(chunk.lemma, self._near_tables(at))
        back = context.column_before(at)
        if context.kind(after) == "column":
            # "a greater weight than 10"
            back = context.column(after, self.draft.root)
            after = context.skip(after + 1, *FILLERS)
        column, is_more = (back, chunk.lemma not in ("low", "small")) if back else found or (None, True)
        if column is None:
            self.draft.doubts.append(chunk.text)
            return at + 1
        operator: Operator = ">" if is_more != chunk.is_reversed else "<"
        if context.kind(after) == "number":
            self._where(column, operator, plain(context.chunks[after].number or 0))
            return after + 1
        if context.kind(after) in ("AVG", "MAX", "MIN"):
            return self._against(column, operator, after)
        self.draft.doubts.append(chunk.text)
        return at + 1

    def _most(self, at: int) -> int:
        context = self.context
        is_descending = context.kind(at) == "MOST"
        text = context.chunks[at].text.lower()
        after = context.skip(at + 1, "ALL", "IN", "word")
        if "common" in text or "popular" in text or "frequent" in text:
            if context.kind(after) == "table" and context.kind(after + 1) == "column":
                after += 1
            if context.kind(after) == "column":
                column = context.column(after, self.draft.root)
                if ref(column) not in self.draft.select:
                    self._add(ref(column))
                self._by_count(column.table, is_descending)
                self.draft.group = self.draft.group or [ref(column)]
                return after + 1
        back = context.column(at - 1, self.draft.root) if context.kind(at - 1) == "verb" else None
        if back is not None and back.kind == "number":
            # "spent the most on …", "earns the most"
            self._superlative(at, back, is_descending)
            self.draft.is_total = True
            return at + 1
        table = self._table_called(after)
        if table is not None and not (context.kind(after) == "column" and context.column(after).kind == "number"):
            self._join(table)
            self._by_count(table.name, is_descending)
            return after + 1
        if context.kind(after) == "column":
            column = context.column(after, self.draft.root)
            if column.kind == "number" and column.place not in self.catalog.links:
                self._superlative(at, column, is_descending)
                behind = {chunk.text.lower() for chunk in context.chunks[after:]}
                self.draft.is_total = not behind & lexicon().sets["single"]
            else:
                self._by_count(column.table, is_descending)
            return after + 1
        back = context.column_before(at)
        if back is not None and back.kind == "number":
            self._superlative(at, back, is_descending)
            return at + 1
        if self.draft.root is not None:
            self._by_count(self.draft.root.name, is_descending)
        return at + 1

    def _more(self, at: int) -> int:
        """`more calories than …`: what there is more of stands before what it is compared with."""
        context = self.context
        operator: Operator = ">" if context.kind(at) == "MORE" else "<"
        what = context.skip(at + 1, "ALL", "IN", "word", "verb")
        if context.kind(what) == "table" and context.kind(what + 1) == "column":
            # "more flying hours than": of hours.
            what += 1
        than = context.skip(what + 1, *(kind for kind in FILLERS if kind != "THAN"), "IN", "column", "table")
        if context.kind(what) not in ("column", "table") or context.kind(than) != "THAN":
            self.draft.doubts.append(context.chunks[at].text)
            return at + 1
        value = context.skip(than + 1, *FILLERS)
        counted = self._table_called(what)
        if counted is not None and context.kind(value) == "number":
            return self._having_count(counted, operator, context.chunks[value].number or 0, value + 1)
        if context.kind(what) == "column":
            column = context.column(what, self.draft.root)
            if context.kind(value) == "number":
                self._where(column, operator, plain(context.chunks[value].number or 0))
                return value + 1
            if context.kind(value) in AGGREGATES:
                return self._against(column, operator, value)
        self.draft.doubts.append(context.chunks[at].text)
        return at + 1

    def _order(self, at: int) -> int:
        context = self.context
        is_descending = context.kind(at) == "DESCENDING"
        after = at + 1
        if context.kind(at) == "ORDER" and not self.draft.select and not context.chunks[at].text.endswith(" by"):
            self.sorting = True
            return after
        terms: list[Term] = []
        while after < len(context.chunks):
            kind = context.kind(after)
            if kind in ("ASCENDING", "DESCENDING"):
                is_descending = kind == "DESCENDING"
            elif kind == "column":
                terms.append(ref(context.column(after, self.draft.root)))
            elif kind == "COUNT":
                terms.append(Measure(function="count", table=self.draft.root.name if self.draft.root else None))
            elif kind in AGGREGATES and context.kind(context.skip(after + 1, "ALL", "IN")) == "column":
                after = context.skip(after + 1, "ALL", "IN")
                column = context.column(after, self.draft.root)
                terms.append(Measure(function=FUNCTIONS[kind], column=ref(column)))
            elif kind not in ("ALL", "AND", "IN", "word", "COMMA", "ORDER", "table", "IS"):
                break
            after += 1
        if not terms:
            columns = [term for term in self.draft.select if isinstance(term, ColumnRef)]
            terms = [*columns[-1:]]
        self.draft.order += [Ordering(by=term, descending=is_descending) for term in terms]
        return after

    def _each(self, at: int) -> int:
        after = self.context.skip(at + 1, "ALL", "IN", "word", "DISTINCT")
        measures = ("COUNT", "MOST", "LEAST", "adjective", *AGGREGATES)
        is_grouped = any(chunk.kind in measures for chunk in self.context.chunks)
        if is_grouped and self.context.kind(after) in ("column", "table"):
            return self._group_by(after)
        return at + 1

    def _group_by(self, at: int) -> int:
        """For each value of a column, or for each row of a table, by which its key counts too."""
        context = self.context
        holds = truth(context.column(at, self.draft.root)) if context.kind(at) == "column" else None
        if holds is not None and context.kind(at + 1) == "table":
            # "for each reserved seat": only those that are.
            self._where(context.column(at, self.draft.root), "=", holds[0])
            at += 1
        end = at + 1
        table = context.table(at)
        column = None if table else context.column(at, self.draft.root)
        if column is not None and (referred := self._referred(column)):
            table, column = referred, None
        elif table is not None and context.kind(end) == "column":
            named = context.column(end, table)
            if named.table == table.name:
                column = named
                end += 1
        if table is not None:
            self._join(table)
            unique = key(table)
            if column is None and unique is not None:
                self.draft.group.append(ref(unique))
            column = column or display(table)
        assert column is not None
        self.draft.group.append(ref(column))
        return end
