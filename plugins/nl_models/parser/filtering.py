"""Which rows: values, comparisons, ranges, and what must not be there."""

from __future__ import annotations

from plugins.nl_models.catalog.schema import Column
from plugins.nl_models.parser.context import FILLERS, ref
from plugins.nl_models.parser.draft import (
    FUNCTIONS,
    NEGATED,
    OPERATORS,
    Reading,
    compare,
    number_for,
    plain,
)
from plugins.nl_models.plan import (
    Comparison,
    Literals,
    Measure,
    Operator,
    Plan,
)


class Filtering(Reading):
    """Turns that add conditions."""

    def _value(self, at: int) -> int:
        chunk = self.context.chunks[at]
        if chunk.found:
            column, value = self.context.value(at, self.draft.root)
        else:
            column = self._texts_column(at)
            value = chunk.text
            if column is None:
                self.draft.doubts.append(chunk.text)
                return at + 1
        self._where(column, "=", value)
        return at + 1

    def _number(self, at: int) -> int:
        chunk = self.context.chunks[at]
        assert chunk.number is not None
        if self.draft.superlatives and self.draft.superlatives[-1][0] == at - 1:
            self.draft.limit = int(chunk.number)
            return at + 1
        following = self.context.skip(at + 1, "ALL")
        if (
            self.context.kind(following) in ("adjective", "MOST", "LEAST")
            or self.context.kind(at - 1) == "adjective"
        ):
            self.draft.limit = int(chunk.number)
            return at + 1
        if self.context.kind(following) == "column":
            column = self.context.column(following, self.draft.root)
            if column.kind == "number" and column.place not in self.catalog.links:
                self._where(column, "=", plain(chunk.number))
                return following + 1
        if 1000 <= chunk.number <= 2100:
            year = self._year_column()
            if year is not None:
                self._where(year, "=", plain(chunk.number))
                return at + 1
        self.draft.doubts.append(chunk.text)
        return at + 1

    def _numbers(self, column: Column, at: int) -> int:
        """The column is a number, or one of several."""
        self._where(column, "=", number_for(column, self.context.chunks[at]))
        while self.context.kind(at + 1) == "OR" and self.context.kind(at + 2) == "number":
            at += 2
            self.connector = "OR"
            self._where(column, "=", number_for(column, self.context.chunks[at]))
        return at + 1

    def _between(self, at: int) -> int:
        numbers = [
            n for n in range(at + 1, min(at + 5, len(self.context.chunks))) if self.context.kind(n) == "number"
        ]
        column = self.context.column_before(at) or self._year_column()
        if len(numbers) < 2 or column is None:
            return at + 1
        low, high = (plain(self.context.chunks[n].number or 0) for n in numbers[:2])
        self.draft.where.append((self.connector, compare(column, "between", low, high)))
        return numbers[1] + 1

    def _compare_column(self, column: Column, at: int) -> int | None:
        """`column` operator something, from the operator on; None if nothing is compared."""
        context = self.context
        kind = context.kind(at)
        if kind == "BETWEEN":
            numbers = [n for n in range(at + 1, min(at + 5, len(context.chunks))) if context.kind(n) == "number"]
            if len(numbers) == 2:
                low, high = (plain(context.chunks[n].number or 0) for n in numbers)
                self.draft.where.append((self.connector, compare(column, "between", low, high)))
                return numbers[1] + 1
            return None
        if kind in ("value", "quoted"):
            chunk = context.chunks[at]
            self._where(column, "=", chunk.value_of(column) or chunk.text)
            return self._more_values(column, at + 1)
        if kind == "adjective":
            chunk = context.chunks[at]
            if chunk.degree == "most":
                return None
            operator: Operator = (
                "<" if chunk.lemma in ("low", "small", "short", "young", "early", "light") else ">"
            )
        else:
            operator = OPERATORS[kind]
        is_pattern = operator in ("contains", "starts with", "ends with")
        what = context.skip(at + 1, *(("ALL", "CONTAINS") if is_pattern else (*FILLERS, "IN", "HAVE")))
        target = context.chunks[what] if what < len(context.chunks) else None
        if target is not None and is_pattern:
            if target.text.lower() in ("word", "letter", "substring", "phrase") and what + 1 < len(context.chunks):
                what += 1
            self._where(column, operator, context.chunks[what].text)
            return what + 1
        if target is None:
            return None
        if target.kind == "number":
            if column.kind == "text" and operator != "=":
                return None
            self._where(column, operator, number_for(column, target))
            return what + 1
        if target.kind in ("value", "quoted"):
            self._where(column, operator, target.value_of(column) or target.text)
            return self._more_values(column, what + 1)
        if target.kind in ("AVG", "MAX", "MIN"):
            return self._against(column, operator, what)
        return None

    def _against(self, column: Column, operator: Operator, at: int) -> int:
        """Compared with an aggregate of the whole table."""
        function = FUNCTIONS[self.context.kind(at)]
        after = self.context.skip(at + 1, *FILLERS, "IN")
        if self.context.kind(after) == "column":
            after += 1
        inner = Plan(select=(Measure(function=function, column=ref(column)),))
        operator = NEGATED.get(operator, operator) if self.negated else operator
        self.negated = False
        self.draft.where.append((self.connector, Comparison(left=ref(column), operator=operator, right=inner)))
        return after

    def _more_values(self, column: Column, at: int) -> int:
        """`… or X`, `… and Y` of the same column."""
        step = self.context.skip(at, "ALL", "COMMA")
        if self.context.kind(step) in ("OR", "AND"):
            target = self.context.skip(step + 1, "ALL", "IN")
            if self.context.kind(target) in ("value", "quoted") and self._value_is_of(target, column):
                chunk = self.context.chunks[target]
                same = chunk.value_of(column)
                if same or self.context.kind(target + 1) != "column":
                    self.connector = self.context.kind(step)
                    self._where(column, "=", same or chunk.text)
                    return target + 1
        return at

    def _compare(self, at: int) -> int:
        """An operator whose left side was not named before it."""
        context = self.context
        operator = OPERATORS[context.kind(at)]
        if context.chunks[at].text.lower().startswith(("or ", "and ")) and self.draft.where:
            connector, last = self.draft.where[-1]
            if context.kind(context.skip(at + 1, *FILLERS)) == "number":
                # "after 2013 or before 2008"
                self.connector = "OR"
                operator = ">" if operator == ">=" else "<"
            elif last.operator == "=":
                # "2014 or after"
                self.draft.where[-1] = (connector, last.model_copy(update={"operator": operator}))
                return at + 1
        what = context.skip(at + 1, *FILLERS)
        if context.kind(what) == "column" and operator in ("contains", "starts with", "ends with"):
            return at + 1
        if context.kind(what) in ("AVG", "MAX", "MIN"):
            after = context.skip(what + 1, *FILLERS, "IN")
            if context.kind(after) == "column":
                return self._against(context.column(after, self.draft.root), operator, what)
        if context.kind(what) == "column" and context.kind(context.skip(what + 1, *FILLERS)) == "number":
            number = context.skip(what + 1, *FILLERS)
            self._where(context.column(what, self.draft.root), operator, plain(context.chunks[number].number or 0))
            return number + 1
        if context.kind(what) != "number":
            return at + 1
        number = context.chunks[what].number or 0
        after = context.skip(what + 1, "ALL", "DISTINCT", "word", "IN")
        if context.kind(after) == "adjective":
            found = context.attribute(context.chunks[after].lemma, self._near_tables(at))
            if found is not None:
                self._where(found[0], operator, plain(number))
                return after + 1
        counted = self._table_called(after)
        if counted is not None:
            self._join(counted)
            self._per_root()
            measure = Measure(function="count", table=counted.name)
            operator = NEGATED.get(operator, operator) if self.negated else operator
            self.negated = False
            self.draft.having.append(
                Comparison(left=measure, operator=operator, right=Literals(values=(plain(number),)))
            )
            return after + 1
        if context.kind(after) == "column":
            self._where(context.column(after, self.draft.root), operator, plain(number))
            return after + 1
        column = context.column_before(at, is_listed=False)
        if column is None and 1000 <= number <= 2100:
            column = self._year_column()
        if column is None and self.last_column is not None and self.last_column.kind == "number":
            column = self.last_column
        if column is None:
            self.draft.doubts.append(context.chunks[at].text)
            return what + 1
        self._where(column, operator, plain(number))
        return what + 1

    def _not(self, at: int) -> int:
        self.negated = True
        self.in_conditions = self.in_conditions or bool(self.draft.select)
        return at + 1
