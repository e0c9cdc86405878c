"""What is named: columns that are shown or compared, verbs that say what is compared, tables that rows are of."""

from __future__ import annotations

from plugins.nl_models.catalog.keys import display
from plugins.nl_models.catalog.names import lemma, words_of
from plugins.nl_models.catalog.schema import Column, Table
from plugins.nl_models.parser.context import FILLERS, is_time, ref, truth
from plugins.nl_models.parser.counting import Counting
from plugins.nl_models.parser.draft import OPERATORS, YEARS
from plugins.nl_models.plan import (
    ColumnRef,
    Measure,
)
from plugins.nl_models.words.lexicon import lexicon


class Naming(Counting):
    """Turns of columns, verbs and tables."""

    def _column(self, at: int) -> int:
        context = self.context
        if (table := self._owner_named(at)) is not None:
            self._join(table)
            return at + 1
        column = self._meant(at)
        if self._is_said_to_hold(at, column) or self._is_named_role(at, column):
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
        if self.context.kind(at - 1) == "COMMAND" and kind in OPERATORS:
            value = context.skip(after + 1, *FILLERS)
            is_counted = context.kind(value) == "number" and self._table_called(value + 1) is not None
            kind = "end" if column.kind == "text" or is_counted else kind
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
            self._superlative(after, column, (chunk.lemma not in lexicon().sets["low"]) != chunk.is_reversed)
            return after + 1
        before = at - 1
        while context.kind(before) == "ALL":
            before -= 1
        if context.kind(before) == "NOT" and (self.negated or self.in_conditions) and kind not in OPERATORS:
            # "with no end date"
            self.negated = True
            self._missing(column)
            return at + 1
        if self.in_conditions and context.kind(before) not in ("AND", "COMMA", "COMMAND"):
            # Something that rows have, of which nothing more is said.
            self.draft.doubts.append(context.chunks[at].text)
            return at + 1
        is_extreme = any(extreme.place == column.place for _, extreme, _ in self.draft.superlatives)
        is_asked = (
            context.kind(before) == "COMMAND"
            or self.is_told
            or (not self.draft.select and context.kind(at - 1) in ("table", "word"))
        )
        if is_extreme and context.kind(before) not in ("AND", "COMMA") and not is_asked:
            # "the first to register": what it is the first by.
            return at + 1
        if not any(
            isinstance(t, Measure) and t.column == ref(column) and t.function == "sum" for t in self.draft.select
        ):
            # Of what is summed, the sum is what is shown.
            self._add(ref(column))
        return at + 1

    def _is_said_to_hold(self, at: int, column: Column) -> bool:
        """Of a column of yes and no, a condition: `covered stages`, `have a garden`."""
        context = self.context
        is_before = context.kind(at + 1) in ("table", "column")
        # A column `is_active` is all of "are active".
        is_whole = lemma(context.chunks[at].text.split()[0]) == "be"
        is_predicate = is_whole or context.kind(at - 1) == "IS" or (context.kind(at - 1) == "NOT" and self.negated)
        is_adverb = context.kind(at - 1) in ("word", "verb") and self.draft.root is not None
        is_modifier = is_before or is_predicate or is_adverb or self.in_conditions or self.negated
        behind = context.kind(context.skip(at + 1, *FILLERS, "IN"))
        said = truth(column)
        at_value = context.skip(at + 1, *FILLERS, "IN")
        is_compared = behind in OPERATORS or (
            behind in ("value", "quoted") and self._value_is_of(at_value, column)
        )
        if said is None or not is_modifier or is_compared:
            return False
        is_of_others = context.kind(at + 1) == "table" and self._has_many(column.table)
        value = said[1] if self.negated and not is_of_others else said[0]
        # "with no active pump": none of its pumps is, not one that isn't.
        self.negated = self.negated and is_of_others
        self._where(column, "=", value)
        return True

    def _is_child(self, table: Table) -> bool:
        """Whether a table refers to the root."""
        root = self.draft.root
        return root is not None and any((j.child, j.parent) == (table.name, root.name) for j in self.catalog.joins)

    def _is_role(self, column: Column) -> bool:
        """Of a verb that a reference is called by, whom it refers to: who leads it."""
        parents = self.catalog.parents(column)
        if not parents:
            return False
        if self.negated:
            # "that nobody manages"
            self._missing(column)
            return True
        self._join(self.catalog.tables[column.table])
        self.draft.via.append(ref(column))
        if self.draft.asks == "who" and self.draft.target is None:
            self.draft.target = parents[0]
        return True

    def _is_named_role(self, at: int, column: Column) -> bool:
        """Of a reference that is called by what it refers to as, whom it refers to: the captain of a ship."""
        text = self.context.chunks[at].text
        if column.place not in self.catalog.roles or {"id", "code", "key", "number"} & set(words_of(text)):
            return False
        if self.negated:
            self._missing(column)
            return True
        parent = self.catalog.parents(column)[0]
        if parent.name == column.table:
            return self._is_above(at, column)
        if self.draft.root is None or self.draft.asks == "who":
            self.draft.target = self.draft.target or (parent if not self.draft.select else None)
            self._join(parent)
        self._join(self.catalog.tables[column.table])
        self.draft.via.append(ref(column))
        return True

    def _is_above(self, at: int, column: Column) -> bool:
        """Of `X's mentor` and `the mentor of X`, who it is."""
        context = self.context
        behind = context.skip(at + 1, "ALL", "IN")
        is_owned = context.kind(at - 1) in ("value", "quoted") and context.chunks[at - 1].text.endswith(
            ("'s", "’s")
        )
        is_of = context.kind(behind) in ("value", "quoted") and context.kind(at + 1) == "IN"
        if not (is_owned or is_of):
            return False
        self._join(self.catalog.tables[column.table])
        self.draft.above = ref(column)
        return True

    def _owner_named(self, at: int) -> Table | None:
        """The table that a chunk names where it could be a column too: `names of all makers`."""
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
        is_asked = (
            self.draft.asks == "who"
            and column.kind == "text"
            and not {"date", "year", "time"} & set(words_of(column.name))
        )
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
        if (
            kind == "number"
            and column.kind == "number"
            and context.kind(after + 1) not in ("table", "column", "adjective")
        ):
            return self._numbers(column, after)
        if is_value or (is_compared and column.kind != "text"):
            return self._compare_column(column, after) or at + 1
        if self._has_happened(at, column):
            self._missing(column)
        return at + 1

    def _has_happened(self, at: int, column: Column) -> bool:
        """Whether no more is said of a verb than that it is done, or is not: `have been cancelled`."""
        context = self.context
        said = [chunk.text.lower() for chunk in context.chunks[max(at - 2, 0) : at]]
        is_done = self.negated or (said and said[-1] == "been") or said[-1:] in (["has"], ["have"])
        behind = context.kind(context.skip(at + 1, "word"))
        return bool(is_done) and is_time(column) and behind in ("end", "COMMA", "AND", "COMMAND", "BUT")

    def _meant(self, at: int) -> Column:
        """The column of a chunk; for a name, where its table has no such column, what the rows are called."""
        context = self.context
        if (owned := self._of_table(at)) is not None:
            return owned
        if context.chunks[at].text.lower() in ("name", "names") and context.kind(at - 1) != "table":
            following = context.skip(at + 1, "IN", "ALL", "EACH", "DISTINCT")
            table = context.table(following) if context.kind(following) == "table" else self.draft.root
            if table is not None and not any(column.table == table.name for column, _ in context.chunks[at].found):
                return display(table)
            if (named := self._named_behind(at)) is not None:
                return named
            if (
                context.kind(following) == "column"
                and following > at + 1
                and self._table_called(following) is None
            ):
                # "the names of the cities"
                column = context.column(following, self.draft.root)
                if column.kind == "text":
                    return column
            role = context.column(following, self.draft.root) if context.kind(following) == "column" else None
            if role is not None and role.place in self.catalog.roles:
                return display(self.catalog.parents(role)[0])
        last = self.draft.select[-1] if self.draft.select else None
        if isinstance(last, ColumnRef) and context.kind(at - 1) in ("AND", "COMMA", "ALL"):
            return context.column(at, self.catalog.tables[last.table])
        return context.column(at, self.draft.root)

    def _of_table(self, at: int) -> Column | None:
        """Of "the name of the shop", the shop's, whatever was named before."""
        context = self.context
        behind = context.skip(at + 1, "IN", "ALL", "EACH")
        is_of = context.kind(at + 1) in ("IN", "EACH") and context.chunks[at + 1].text.lower().startswith("of")
        if not is_of or context.kind(behind) != "table" or not self.draft.select:
            return None
        owner = context.table(behind)
        own = (pair for pair in context.chunks[at].found if owner is not None and pair[0].table == owner.name)
        return next((column for column, score in own if score >= 0.9), None)

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
