"""Which rows: values, comparisons, ranges, and what must not be there."""

from __future__ import annotations

from plugins.nl_models.catalog.names import lemma
from plugins.nl_models.catalog.schema import Column, Join, Table
from plugins.nl_models.linking import Chunk
from plugins.nl_models.parser.context import FILLERS, is_time, ref
from plugins.nl_models.parser.draft import (
    FUNCTIONS,
    NEGATED,
    OPERATORS,
    YEARS,
    compare,
    number_for,
    plain,
    when,
)
from plugins.nl_models.parser.roles import role_before
from plugins.nl_models.parser.texts import PATTERNS, Texts
from plugins.nl_models.plan import (
    ColumnRef,
    Comparison,
    Literals,
    Measure,
    Operator,
    Plan,
)
from plugins.nl_models.words.dates import year_bounds
from plugins.nl_models.words.lexicon import lexicon


class Filtering(Texts):
    """Turns that add conditions."""

    def _value(self, at: int) -> int:
        chunk = self.context.chunks[at]
        if (end := self._within(at)) is not None:
            return end
        if chunk.found:
            column, value = self.context.value(at, self.draft.root)
            if (join := role_before(self.catalog, self.context.chunks, at)) and column.table == join.parent:
                return self._in_role(join, column, value, at)
        else:
            column = self._texts_column(at)
            value = chunk.text
            if column is None:
                self.draft.doubts.append(chunk.text)
                return at + 1
        self._where(column, "=", value)
        return at + 1

    def _in_role(self, join: Join, column: Column, value: str, at: int) -> int:
        """A value of a table that is referred to in several roles, by the role that was said."""
        parent = ColumnRef(table=join.parent, name=join.parent_column)
        inner = Plan(select=(parent,), where=compare(column, "=", value))
        left = ColumnRef(table=join.child, name=join.column)
        operator: Operator = "not in" if self.negated else "in"
        self.negated = False
        self._join(self.catalog.tables[join.child])
        self.draft.where.append((self.connector, Comparison(left=left, operator=operator, right=inner)))
        self.connector = "AND"
        self.in_conditions = True
        return at + 1

    def _number(self, at: int) -> int:
        chunk = self.context.chunks[at]
        assert chunk.number is not None
        if self.draft.superlatives and self.draft.superlatives[-1][0] == at - 1:
            self.draft.limit = int(chunk.number)
            return at + 1
        following = self.context.skip(at + 1, "ALL")
        if self._is_how_many(at):
            self.draft.limit = int(chunk.number)
            return at + 1
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
        if chunk.number in YEARS and (column := self.context.time(at, self._subject())):
            self._where_time(column, "=", chunk)
            return at + 1
        self.draft.doubts.append(chunk.text)
        return at + 1

    def _is_how_many(self, at: int) -> bool:
        """Whether a number says how many rows are asked for: `the five rooms with the highest rent`."""
        context = self.context
        back = at - 1
        while context.kind(back) in ("ALL", "IN"):
            back -= 1
        is_said = self.in_conditions or bool(self.draft.where)
        is_first = context.kind(back) in ("COMMAND", "end", "column") and not is_said
        behind = context.chunks[at + 2 :]
        ranked = [c for c in behind if c.kind in ("MOST", "LEAST") or c.degree == "most"]
        is_whole = (context.chunks[at].number or 0) == int(context.chunks[at].number or 0)
        return is_first and is_whole and context.kind(at + 1) in ("table", "column") and bool(ranked)

    def _date(self, at: int) -> int:
        column = self.context.time(at, self._subject())
        if column is None:
            self.draft.doubts.append(self.context.chunks[at].text)
        else:
            self._where_time(column, "=", self.context.chunks[at])
        return at + 1

    def _numbers(self, column: Column, at: int) -> int:
        """The column is a number, or one of several."""
        if column.kind == "time":
            self._where_time(column, "=", self.context.chunks[at])
            return at + 1
        self._where(column, "=", number_for(column, self.context.chunks[at]))
        while self.context.kind(at + 1) == "OR" and self.context.kind(at + 2) == "number":
            at += 2
            self.connector = "OR"
            self._where(column, "=", number_for(column, self.context.chunks[at]))
        return at + 1

    def _between(self, at: int) -> int:
        end = self._range_end(at)
        if end is None:
            return at + 1
        behind = self.context.skip(end, "ALL")
        if self.context.kind(behind) == "column" and self.context.column(behind, self.draft.root).kind == "number":
            # "between 20 and 40 minutes"
            self._range(self.context.column(behind, self.draft.root), at)
            return behind + 1
        column = self.context.column_before(at)
        is_year = all(chunk.kind == "date" or chunk.number in YEARS for chunk in self._ends(at))
        column = column or (self.context.time(at, self._subject()) if is_year else self.last_column)
        if column is None or self._range(column, at) is None:
            self.draft.doubts.append(self.context.chunks[at].text)
        return end

    def _ends(self, at: int) -> list[Chunk]:
        chunks = self.context.chunks
        return [
            chunks[n] for n in range(at + 1, min(at + 6, len(chunks))) if chunks[n].kind in ("number", "date")
        ][:2]

    def _range_end(self, at: int) -> int | None:
        ends = self._ends(at)
        return self.context.chunks.index(ends[1]) + 1 if len(ends) == 2 else None

    def _range(self, column: Column, at: int) -> int | None:
        """Between two numbers or dates, of which the words stand at `at`; None if there are not two."""
        ends = self._ends(at)
        if len(ends) < 2 or column.kind == "text":
            return None
        if column.kind == "time":
            low, high = (end.bounds or year_bounds(int(end.number or 0)) for end in ends)
            part = when(column, "between", (low[0], high[1]))
        else:
            part = compare(column, "between", *(plain(end.number or 0) for end in ends))
        self.draft.where.append((self.connector, part))
        self.connector = "AND"
        self.in_conditions = True
        return self._range_end(at)

    def _compare_column(self, column: Column, at: int) -> int | None:
        """`column` operator something, from the operator on; None if nothing is compared."""
        context = self.context
        kind = context.kind(at)
        if kind == "BETWEEN":
            return self._range(column, at)
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
        is_pattern = operator in PATTERNS
        what = context.skip(at + 1, *(("ALL", "CONTAINS") if is_pattern else (*FILLERS, "IN", "HAVE")))
        what = at + 1 if is_pattern and self._is_letter(at + 1) else what
        target = context.chunks[what] if what < len(context.chunks) else None
        if target is not None and is_pattern:
            if target.text.lower() in lexicon().sets["letters"] and what + 1 < len(context.chunks):
                what += 1
            self._where(column, operator, context.chunks[what].text)
            return what + 1
        if target is None:
            return None
        if target.kind == "number" and column.kind == "time" and target.number not in YEARS:
            return None
        if target.kind == "date" or (target.kind == "number" and column.kind == "time"):
            timed = column if is_time(column) else context.time(what, self._subject())
            self._where_time(timed or column, operator, target)
            return what + 1
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
            if (
                self.last_time is not None
                and self.last_time[0] == last
                and context.kind(at + 1) not in ("number", "date")
            ):
                self.draft.where.pop()
                self.connector = connector
                self._where_time(self.last_time[1], operator, self.last_time[2])
                return at + 1
            if context.kind(context.skip(at + 1, *FILLERS)) == "number":
                # "after 2013 or before 2008"
                self.connector = "OR"
                operator = ">" if operator == ">=" else "<"
            elif last.operator == "=":
                # "2014 or after"
                self.draft.where[-1] = (connector, last.model_copy(update={"operator": operator}))
                return at + 1
        what = context.skip(at + 1, *FILLERS)
        if operator in PATTERNS:
            return self._pattern(at, operator)
        if context.kind(what) in ("AVG", "MAX", "MIN"):
            after = context.skip(what + 1, *FILLERS, "IN")
            if context.kind(after) == "column":
                return self._against(context.column(after, self.draft.root), operator, what)
            if (column := context.column_before(at) or self._compared(at)) is not None:
                return self._against(column, operator, what)
        if context.kind(what) == "column" and context.kind(context.skip(what + 1, *FILLERS)) == "number":
            number = context.skip(what + 1, *FILLERS)
            self._where(context.column(what, self.draft.root), operator, plain(context.chunks[number].number or 0))
            return number + 1
        if context.kind(what) == "date":
            column = context.time(what, self._subject())
            if column is not None:
                self._where_time(column, operator, context.chunks[what])
            return what + 1
        if context.kind(what) != "number":
            return at + 1
        number = context.chunks[what].number or 0
        times = context.skip(what + 1, "ALL")
        after = times if self._is_times(times) else context.skip(what + 1, "ALL", "DISTINCT", "word", "IN")
        if context.kind(after) == "adjective":
            found = context.attribute(context.chunks[after].lemma, self._near_tables(at))
            if found is not None:
                self._where(found[0], operator, plain(number))
                return after + 1
        counted = self._table_called(after) or self._times(after, at)
        if counted is not None:
            return self._having_count(counted, operator, number, after + 1)
        if context.kind(after) == "column":
            compared = context.column(after, self.draft.root)
            if compared.kind == "text" and (self.draft.root or self.draft.select):
                # "from more than two countries"
                self._per_root()
                self._having(Measure(function="count", column=ref(compared), distinct=True), operator, number)
            else:
                self._where(compared, operator, plain(number))
            return after + 1
        column = context.column_before(at, is_listed=False)
        column = column or self._compared(at)
        if (column is None or column.kind == "time") and number in YEARS:
            column = context.time(what, self._subject())
        if column is not None and column.kind == "time":
            self._where_time(column, operator, context.chunks[what])
            return what + 1
        if column is None and self.last_column is not None and self.last_column.kind == "number":
            column = self.last_column
        if column is None:
            self.draft.doubts.append(context.chunks[at].text)
            return what + 1
        self._where(column, operator, plain(number))
        return what + 1

    def _is_times(self, at: int) -> bool:
        return at < len(self.context.chunks) and self.context.chunks[at].text.lower() in ("times", "time")

    def _times(self, at: int, before: int) -> Table | None:
        """What happens `more than two times`: what the verb before it does, else what a row has many of."""
        if not self._is_times(at) or self.draft.root is None:
            return None
        verbs = [chunk for chunk in self.context.chunks[:before] if chunk.kind in ("verb", "word")]
        done = next((table for verb in reversed(verbs) if (table := self._done(verb))), None)
        root = self.draft.root.name
        children = [self.catalog.tables[join.child] for join in self.catalog.joins if join.parent == root]
        return done or next(iter(children), None)

    def _compared(self, at: int) -> Column | None:
        """What `longer than` compares."""
        word = lemma(self.context.chunks[at].text.split()[0])
        found = self.context.attribute(word, self._near_tables(at)) if word in lexicon().adjectives else None
        return found[0] if found else None

    def _having_count(self, counted: Table, operator: Operator, number: float, end: int) -> int:
        """Of how many rows of a table there are, for each of what is asked for."""
        self._join(counted)
        self._per_root()
        self._having(Measure(function="count", table=counted.name), operator, number)
        return end

    def _having(self, measure: Measure, operator: Operator, number: float) -> None:
        operator = NEGATED.get(operator, operator) if self.negated else operator
        self.negated = False
        right = Literals(values=(plain(number),))
        self.draft.having.append(Comparison(left=measure, operator=operator, right=right))

    def _not(self, at: int) -> int:
        self.negated = True
        self.in_conditions = self.in_conditions or bool(self.draft.select)
        return at + 1
