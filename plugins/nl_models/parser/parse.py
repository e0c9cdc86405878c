"""The deterministic planner's reading of a question: chunks go in, a draft of a plan comes out."""

from __future__ import annotations

from plugins.nl_models.catalog.keys import display
from plugins.nl_models.parser.context import FILLERS, ref
from plugins.nl_models.parser.draft import AGGREGATES, OPERATORS, Draft
from plugins.nl_models.parser.naming import Naming
from plugins.nl_models.plan import (
    Measure,
)
from plugins.nl_models.words.lexicon import lexicon


class Parser(Naming):
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
            "BUT": self._but,
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
            if text.lower() in lexicon().sets["everything"] and not self.draft.select:
                self.draft.wants_everything = True
            elif kind in ("word", "DIFFERENT"):
                self.draft.doubts.append(text)
            return at + 1
        return turn(at)

    def _command(self, at: int) -> int:
        text = self.context.chunks[at].text.lower()
        is_new = not self.draft.select and self.context.kind(at - 1) == "COMMA"
        is_second = self.context.kind(at - 1) == "AND" and self.context.kind(at + 1) == "column"
        if text.startswith(("who", "which", "where")) and at > 0 and not is_new and not is_second:
            return self._condition(at)
        self.in_conditions = self.negated = False
        if (
            at
            and self.context.kind(at - 1) == "AND"
            and not self.draft.select
            and self.draft.asks in ("when", "where")
        ):
            self.draft.asks_more = True
        if at == 0 or is_new:
            self.draft.asks = next((word for word in ("who", "when", "where", "how") if text.startswith(word)), "")
        following = self.context.skip(at + 1, "ALL", "DISTINCT")
        if self.draft.select and self.context.kind(at - 1) == "AND" and self.context.kind(following) == "table":
            table = self.context.table(following)
            if table is not None and self.context.kind(following + 1) != "column":
                self._join(table)
                self._add(ref(display(table)))
                return following + 1
        is_further = self.context.kind(at - 1) in ("AND", "COMMA") and self._is_its(at + 1)
        if is_further and not self.draft.select and self.draft.target is not None:
            # "which room is the largest, and what is its rent": the room too.
            self._add(ref(display(self.draft.target)))
        is_noun = self.context.kind(following) == "table" and self.draft.asks != "who"
        if is_noun and self.draft.target is None and not self.draft.select:
            self.draft.target = self.context.table(following)
        return at + 1

    def _is_its(self, at: int) -> bool:
        """Whether something more of what was asked for stands here: `its rent`, `her address`."""
        if self.context.kind(at) != "ALL":
            return False
        return self.context.chunks[at].text.lower() in lexicon().sets["owners"]

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

    def _but(self, at: int) -> int:
        """`all but the first` leaves out; elsewhere it says no more than `and`."""
        is_except = self.context.chunks[at - 1].text.lower() in ("all", "any", "nothing") if at else False
        return self._not(at) if is_except or "not" in self.context.chunks[at].text.lower() else self._connect(at)

    def _connect(self, at: int) -> int:
        if self.context.chunks[at].text.lower() != "either":
            # "directed by either A or B": what stands before is no alternative to them.
            self.connector = self.context.kind(at)
        is_beside = self.context.chunks[at].text.lower() in lexicon().sets["beside"] or self._is_its(at + 1)
        if is_beside and not self.draft.select and self.draft.target is not None:
            # "list the films, together with the director's name": the films too.
            self._add(ref(display(self.draft.target)))
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
        if self._tells_more(at):
            self.is_told = True
            return at + 1
        self.in_conditions = self.in_conditions or bool(self.draft.select) or self.draft.root is not None
        return at + 1

    def _tells_more(self, at: int) -> bool:
        """Whether what is shown follows: `list the films with their length and year`."""
        context = self.context
        what = context.skip(at + 1, "ALL")
        behind = context.skip(what + 1, *FILLERS)
        is_shown = context.kind(behind) in ("AND", "end", "column") or context.kind(what + 1) in ("COMMA", "end")
        if context.chunks[at].text.lower() != "with" or not self._is_its(at + 1) or not is_shown:
            return False
        if context.kind(what) != "column" or self.draft.target is None:
            return False
        if not self.draft.select:
            self._add(ref(display(self.draft.target)))
        self.in_conditions = False
        return True

    def _is_done(self, at: int) -> bool:
        """Whether what stands there ends with what was done: bottles produced."""
        last = self.context.chunks[at].text.lower().split()[-1:] if at >= 0 else []
        return any(word.endswith("ed") or word in lexicon().sets["done"] for word in last)

    def _in(self, at: int) -> int:
        text = self.context.chunks[at].text.lower()
        next_at = self.context.skip(at + 1, "ALL", "word")
        has_measure = any(isinstance(term, Measure) for term in self.draft.select)
        if text == "by" and self.sorting:
            return self._order(at)
        if text == "by" and self._is_done(at - 1) and self.context.kind(next_at) == "table":
            # "lessons cancelled by learners from Leeds": who did it, not what it is split by.
            self.in_conditions = True
            return at + 1
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
