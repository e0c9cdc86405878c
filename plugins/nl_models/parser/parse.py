"""The deterministic planner's reading of a question: chunks go in, a draft of a plan comes out."""

from __future__ import annotations

from plugins.nl_models.catalog.keys import display
from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.catalog.schema import Column, Table
from plugins.nl_models.linking import Chunk
from plugins.nl_models.parser.context import FILLERS, is_time, ref, truth
from plugins.nl_models.parser.draft import AGGREGATES, EVERYTHING, FUNCTIONS, OPERATORS, YEARS, Draft
from plugins.nl_models.parser.ordering import LOW, Ranking
from plugins.nl_models.plan import (
    ColumnRef,
    Function,
    Measure,
)
from plugins.nl_models.words.lexicon import lexicon


DIFFERENT = frozenset({"different", "distinct", "unique"})


class Parser(Ranking):
    """Reads one question from left to right; each turn takes some chunks and says where to go on."""

    def read(self) -> Draft:
        """The whole question."""
        chunks = self.context.chunks
        mentions = self.context.mentions
        at = 0
        while at < len(chunks):
            at = max(self._turn(at), at + 1)
        if self.draft.root is None and mentions:
            self.draft.root = mentions[0][1]
        return self.draft

    def _turn(self, at: int) -> int:
        kind = self.context.kind(at)
        turns = {
            "COMMAND": self._command,
            "DISTINCT": self._distinct,
            "COUNT": self._count,
            "adjective": self._adjective,
            "MOST": self._most,
            "LEAST": self._most,
            "MORE": self._more,
            "FEWER": self._more,
            "EACH": self._each,
            "ORDER": self._order,
            "ASCENDING": self._order,
            "DESCENDING": self._order,
            "column": self._column,
            "table": self._table,
            "value": self._value,
            "quoted": self._value,
            "number": self._number,
            "date": self._date,
            "verb": self._verb,
            "SORTED": self._sorted,
            "BETWEEN": self._between,
            "NOT": self._not,
            "BUT": self._not,
            "IN": self._in,
            "BOTH": self._both,
            "WHOSE": self._condition,
            "RELATIVE": self._condition,
            "HAVE": self._condition,
            "AND": self._connect,
            "OR": self._connect,
        }
        if kind in AGGREGATES:
            return self._aggregate(at)
        if kind in OPERATORS:
            return self._compare(at)
        turn = turns.get(kind)
        if turn is None:
            text = self.context.chunks[at].text
            if text.lower() in EVERYTHING and not self.draft.select:
                self.draft.wants_everything = True
            elif kind in ("word", "DIFFERENT"):
                self.draft.doubts.append(text)
            return at + 1
        return turn(at)

    def _command(self, at: int) -> int:
        text = self.context.chunks[at].text.lower()
        is_new = not self.draft.select and self.context.kind(at - 1) == "COMMA"
        if text.startswith(("who", "which", "where")) and at > 0 and not is_new:
            return self._condition(at)
        self.in_conditions = False
        if at == 0 or is_new:
            self.draft.asks = next((word for word in ("who", "when", "where", "how") if text.startswith(word)), "")
        following = self.context.skip(at + 1, "ALL", "DISTINCT")
        if self.draft.select and self.context.kind(at - 1) == "AND" and self.context.kind(following) == "table":
            table = self.context.table(following)
            if table is not None and self.context.kind(following + 1) != "column":
                self._join(table)
                self._add(ref(display(table)))
                return following + 1
        is_noun = self.context.kind(following) == "table" and self.draft.asks != "who"
        if is_noun and self.draft.target is None and not self.draft.select:
            self.draft.target = self.context.table(following)
        return at + 1

    def _both(self, at: int) -> int:
        context = self.context
        one = context.skip(at + 1, "ALL", "word")
        other = context.skip(one + 1, "AND", "ALL", "word")
        tables = [context.table(n) if context.kind(n) == "table" else None for n in (one, other)]
        if tables[0] and tables[1]:
            self.draft.both = tables[0], tables[1]
        return at + 1

    def _distinct(self, at: int) -> int:
        if self.context.chunks[at].text.lower().startswith(("no ", "without ")):
            self.draft.distinct = True
        else:
            self.distinct = True
        return at + 1

    def _connect(self, at: int) -> int:
        self.connector = self.context.kind(at)
        if self._is_listed_before(at):
            # "American and Indian recipes" are of either.
            self.connector = "OR"
        return at + 1

    def _is_listed_before(self, at: int) -> bool:
        """Whether `and` stands between two values of one column, of which the rows are named behind."""
        context = self.context
        kinds = (context.kind(at - 1), context.kind(at + 1), context.kind(at + 2))
        if kinds[:2] != ("value", "value") or kinds[2] != "table" or context.kind(at - 2) == "BOTH":
            return False
        return context.value(at - 1, self.draft.root)[0] == context.value(at + 1, self.draft.root)[0]

    def _condition(self, at: int) -> int:
        self.in_conditions = self.in_conditions or bool(self.draft.select) or self.draft.root is not None
        return at + 1

    def _in(self, at: int) -> int:
        text = self.context.chunks[at].text.lower()
        next_at = self.context.skip(at + 1, "ALL", "word")
        has_measure = any(isinstance(term, Measure) for term in self.draft.select)
        if text == "by" and self.sorting:
            return self._order(at)
        if (
            text == "by"
            and has_measure
            and self.context.kind(at - 1) != "word"
            and self.context.kind(next_at) in ("column", "table")
        ):
            return self._group_by(next_at)
        if self.draft.select and text not in ("of", "for", "as", "to"):
            self.in_conditions = self.in_conditions or self.context.kind(next_at) in (
                "value",
                "quoted",
                "number",
                "column",
            )
        return at + 1

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
        is_different = self.context.chunks[at].text.lower().split()[-1] in DIFFERENT
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
            if distinct and self.context.kind(what + 1) == "column":
                column = self.context.column(what + 1, table)
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

    def _column(self, at: int) -> int:
        context = self.context
        if (table := self._owner_named(at)) is not None:
            self._join(table)
            return at + 1
        column = self._meant(at)
        if self._is_said_to_hold(at, column):
            return at + 1
        self.last_column = column
        after = context.skip(at + 1, *FILLERS, "IN", "HAVE")
        kind = context.kind(after)
        if kind in ("NOT",) and context.kind(context.skip(after + 1, *FILLERS, "IN")) in (
            "value", "quoted", "number", "EQUAL", "adjective", "CONTAINS", *OPERATORS,
        ):  # fmt: skip
            self.negated = True
            after = context.skip(after + 1, *FILLERS, "IN")
            kind = context.kind(after)
        is_plain = context.kind(after) in ("value", "quoted") and self._value_is_of(after, column)
        if self.context.kind(at - 1) == "COMMAND" and kind in OPERATORS and column.kind == "text":
            kind = "end"
        is_compared = (
            kind in OPERATORS or kind == "BETWEEN" or is_plain or (kind == "adjective" and self.in_conditions)
        )
        is_asked_for = is_plain and not self.in_conditions and context.kind(at - 1) == "COMMAND"
        done = self._compare_column(column, after) if is_compared and not is_asked_for else None
        if done is not None:
            return done
        if kind == "OR" and context.chunks[after].text.lower() == "either":
            after = context.skip(after + 1, "ALL")
            kind = context.kind(after)
        is_limit = context.kind(after + 1) in ("adjective", "MOST", "LEAST")
        if kind == "number" and (self.in_conditions or self.draft.select) and not is_limit:
            return self._numbers(column, after)
        is_last = context.kind(context.skip(after + 1, "ALL")) not in ("column", "table", "number")
        if kind in ("MOST", "LEAST") and self.in_conditions and column.kind == "number":
            self._superlative(after, column, kind == "MOST")
            return after + 1
        if kind == "adjective" and context.chunks[after].degree == "most" and self.in_conditions and is_last:
            # "whose price is the largest"
            chunk = context.chunks[after]
            self._superlative(after, column, (chunk.lemma not in LOW) != chunk.is_reversed)
            return after + 1
        before = at - 1
        while context.kind(before) == "ALL":
            before -= 1
        if self.in_conditions and context.kind(before) not in ("AND", "COMMA", "COMMAND"):
            # Something that rows have, of which nothing more is said.
            self.draft.doubts.append(context.chunks[at].text)
            return at + 1
        is_extreme = any(extreme.place == column.place for _, extreme, _ in self.draft.superlatives)
        is_asked = context.kind(before) == "COMMAND" or (not self.draft.select and context.kind(at - 1) in ("table", "word"))
        if is_extreme and context.kind(at - 1) not in ("AND", "COMMA") and not is_asked:
            # "the first to register": what it is the first by.
            return at + 1
        self._add(ref(column))
        return at + 1

    def _owner_named(self, at: int) -> Table | None:
        """The table that a chunk names where it could be a column too: `maker full name`, `names of all makers`."""
        context = self.context
        table = self._table_called(at)
        if table is None:
            return None
        if context.kind(at + 1) == "column":
            return table if any(column.table == table.name for column, _ in context.chunks[at + 1].found) else None
        back = at - 1
        while context.kind(back) == "ALL":
            back -= 1
        is_of = context.kind(back) == "IN" and context.chunks[back].text.lower() == "of"
        owned = [term for term in self.draft.select if isinstance(term, ColumnRef)]
        return table if is_of and not self.in_conditions and any(t.table == table.name for t in owned) else None

    def _verb(self, at: int) -> int:
        """What a verb says of the rows: of it, something is compared or it is not meant to be read."""
        context = self.context
        self.in_conditions = self.in_conditions or bool(self.draft.select) or self.draft.root is not None
        column = context.column(at, self.draft.root)
        if self._is_said_to_hold(at, column) or self._is_role(column):
            return at + 1
        self.last_column = column
        after = context.skip(at + 1, *FILLERS, "IN")
        kind = context.kind(after)
        is_value = kind in ("value", "quoted") and self._value_is_of(after, column)
        if self.negated and (table := self._done(context.chunks[at])) is not None:
            self._without(table)
            self.negated = False
            return at + 1
        is_asked = self.draft.asks == "who" and column.kind == "text" and not {"date", "year", "time"} & set(words_of(column.name))
        if is_asked and not self.draft.select and not self.draft.superlatives and not is_value:
            self._add(ref(column))
            return at + 1
        self.draft.verbs.append(column)
        if kind == "OR" and context.chunks[after].text.lower() == "either":
            after = context.skip(after + 1, "ALL")
            kind = context.kind(after)
        if self.asked == "much" and column.kind == "number":
            self.asked = ""
            self._add(ref(column))
            return at + 1
        value = context.skip(after + 1, *FILLERS)
        is_counted = context.kind(context.skip(value + 1, "ALL", "DISTINCT")) in ("table", "column")
        is_compared = kind in OPERATORS and not (context.kind(value) == "number" and is_counted)
        is_when = kind == "number" and context.chunks[after].number in YEARS
        if is_when and not is_time(column):
            return at + 1
        if kind == "number" and column.kind == "number" and context.kind(after + 1) not in ("table", "column", "adjective"):
            return self._numbers(column, after)
        if is_value or (is_compared and column.kind != "text"):
            return self._compare_column(column, after) or at + 1
        return at + 1

    def _is_child(self, table: Table) -> bool:
        """Whether a table refers to the root."""
        root = self.draft.root
        return root is not None and any((j.child, j.parent) == (table.name, root.name) for j in self.catalog.joins)

    def _is_said_to_hold(self, at: int, column: Column) -> bool:
        """Of a column of yes and no, a condition: `covered stages`, `have a garden`."""
        context = self.context
        is_modifier = context.kind(at + 1) == "table" or self.in_conditions or self.negated
        behind = context.kind(context.skip(at + 1, *FILLERS, "IN"))
        said = truth(column)
        if said is None or not is_modifier or behind in ("value", "quoted", *OPERATORS):
            return False
        self._where(column, "=", said[1] if self.negated else said[0])
        self.negated = False
        return True

    def _is_role(self, column: Column) -> bool:
        """Of a verb that a reference is called by, whom it refers to: who leads it."""
        parents = self.catalog.parents(column)
        if not parents:
            return False
        self._join(self.catalog.tables[column.table])
        self.draft.via.append(ref(column))
        if self.draft.asks == "who" and self.draft.target is None:
            self.draft.target = parents[0]
        return True

    def _meant(self, at: int) -> Column:
        """The column of a chunk; for a name, where its table has no such column, what the rows are called."""
        context = self.context
        if context.chunks[at].text.lower() in ("name", "names") and context.kind(at - 1) != "table":
            following = context.skip(at + 1, "IN", "ALL", "EACH", "DISTINCT")
            table = context.table(following) if context.kind(following) == "table" else self.draft.root
            if table is not None and not any(column.table == table.name for column, _ in context.chunks[at].found):
                return display(table)
            if (named := self._named_behind(at)) is not None:
                return named
            if context.kind(following) == "column" and following > at + 1 and self._table_called(following) is None:
                # "the names of the cities"
                column = context.column(following, self.draft.root)
                if column.kind == "text":
                    return column
        last = self.draft.select[-1] if self.draft.select else None
        if isinstance(last, ColumnRef) and context.kind(at - 1) in ("AND", "COMMA", "ALL"):
            return context.column(at, self.catalog.tables[last.table])
        return context.column(at, self.draft.root)

    def _named_behind(self, at: int) -> Column | None:
        """Of "the name and the year of the song", the song's name, where songs are columns of another table."""
        context = self.context
        end = context.skip(at + 1, "AND", "COMMA", "column", "ALL")
        behind = context.skip(end, "IN", "ALL", "EACH", "DISTINCT")
        if behind == end or context.kind(behind) != "column":
            return None
        words = {"name", *words_of(context.chunks[behind].text)}
        return next((c for c, _ in context.chunks[behind].found if set(words_of(c.name)) == words), None)

    def _table(self, at: int) -> int:
        context = self.context
        table = context.table(at)
        assert table is not None
        asked = self.draft.select[0] if self.draft.select else None
        if self.draft.root is None and self.negated and isinstance(asked, ColumnRef):
            # "which city has no shop": cities are what rows are of.
            self.draft.root = self.catalog.tables[asked.table]
        is_other = self.draft.root is not None and table.name != self.draft.root.name
        if self.excluded is not None and is_other:
            self.negated = False
            self._into_excluded(table.name)
            return at + 1
        if self.negated and is_other:
            self.negated = False
            is_name = isinstance(asked, ColumnRef) and {"name", "title", "id"} & set(words_of(asked.name))
            is_shared = isinstance(asked, ColumnRef) and asked.name in table.columns and not is_name
            if is_shared and not self._is_child(table):
                self.draft.lacks = table
            else:
                self._without(table)
            return at + 1
        if context.kind(at + 1) == "column":
            if context.column(at + 1, table).table == table.name:
                if self.draft.root is None:
                    self._join(table)
                return at + 1
            if context.chunks[at + 1].text.lower() in ("name", "names"):
                # It has no column of that name: what its rows are called is meant.
                self._join(table)
                self._add(ref(display(table)))
                return at + 2
        before = at - 1
        while context.kind(before) in ("ALL", "DISTINCT"):
            before -= 1
        conjunct = at - 1
        while context.kind(conjunct) in ("ALL", "DISTINCT", "word", "verb", "IS", "HAVE"):
            conjunct -= 1
        if context.kind(conjunct) in ("AND", "BUT") and self.in_conditions:
            self.draft.apart.add(table.name)
        is_listed = context.kind(before) in ("AND", "COMMA") and not self.in_conditions and bool(self.draft.select)
        self._join(table)
        if is_listed and context.kind(at + 1) != "COMMAND":
            self._add(ref(display(table)))
        return at + 1
