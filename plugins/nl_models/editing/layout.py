"""Where the parts of a query stand in its text: CTEs, select lists, sources, conditions, groups.

A tree alone cannot say where a clause ends or a comma stands; this keeps offsets and no more meaning than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from plugins.core.errors import SmeltError

_JOINING = frozenset(
    [
        TokenType.LEFT, TokenType.RIGHT, TokenType.FULL, TokenType.INNER, TokenType.OUTER, TokenType.CROSS,
        TokenType.NATURAL, TokenType.SEMI, TokenType.ANTI, TokenType.ASOF, TokenType.JOIN,
    ]
)  # fmt: skip
_CLAUSES = {
    TokenType.FROM: "from",
    TokenType.WHERE: "where",
    TokenType.GROUP_BY: "group",
    TokenType.HAVING: "having",
    TokenType.QUALIFY: "qualify",
    TokenType.WINDOW: "window",
    TokenType.ORDER_BY: "order",
    TokenType.LIMIT: "limit",
    TokenType.OFFSET: "limit",
}
_SETS = (TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT)
_OPEN, _CLOSE = TokenType.L_PAREN, TokenType.R_PAREN


@dataclass(frozen=True)
class Item:
    """One of a list. end: behind it, without comma and comment. comma: of the comma behind it, if there is one."""

    start: int
    end: int
    sql: str
    comma: int | None = None

    @property
    def tree(self) -> exp.Expr:
        """It as sqlglot reads it. Raises SmeltError if that can't be."""
        try:
            return sqlglot.parse_one(f"select {self.sql}", dialect="duckdb").expressions[0]
        except (SqlglotError, IndexError) as error:
            raise SmeltError(f"{self.sql!r} cannot be read", "change the model by hand") from error

    @property
    def name(self) -> str:
        """What the column is called; "" for a star."""
        return self.tree.output_name.lower() if not self.is_star else ""

    @property
    def is_star(self) -> bool:
        """`*` or `t.*`, perhaps with exceptions."""
        tree = self.tree
        return isinstance(tree, exp.Star) or (isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star))

    @property
    def is_aggregate(self) -> bool:
        """Whether it adds up rows, and not in a window."""
        found = self.tree.find_all(exp.AggFunc)
        return any(one.find_ancestor(exp.Window) is None for one in found)


@dataclass(frozen=True)
class Source:
    """A table of a FROM clause. table: the CTE's or masked name; "" of a subquery. kind: `from`, or `left join`.

    condition: what follows ON, or USING.
    """

    name: str
    table: str
    kind: str
    start: int
    end: int
    query: Query | None = None
    condition: tuple[int, int] | None = None


@dataclass(frozen=True)
class Select:
    """One SELECT. clauses: by name, the places from the keyword to the end of the last token."""

    start: int
    end: int
    items: tuple[Item, ...]
    sources: tuple[Source, ...]
    groups: tuple[Item, ...]
    clauses: dict[str, tuple[int, int]] = field(hash=False)
    is_distinct: bool = False

    @property
    def is_aggregated(self) -> bool:
        """Whether its rows are added up."""
        return "group" in self.clauses or any(not item.is_star and item.is_aggregate for item in self.items)

    @property
    def from_end(self) -> int:
        """Behind the last table and its condition: where WHERE would stand."""
        return self.clauses["from"][1]


@dataclass(frozen=True)
class Query:
    """A query: its CTEs by name and its branches, several if they are united. operators: between branches."""

    start: int
    end: int
    ctes: dict[str, Query] = field(hash=False)
    cte_places: dict[str, tuple[int, int]] = field(hash=False)
    branches: tuple[Select, ...]
    operators: tuple[str, ...] = ()


def read_layout(masked: str) -> Query:
    """The layout of a model's masked text. Raises SmeltError if it is no query that is written out."""
    try:
        tokens = DuckDB().tokenize(masked)
    except SqlglotError as error:
        raise SmeltError("the model's SQL cannot be read", "change it by hand") from error
    if tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens = tokens[:-1]
    reader = _Reader(masked, tokens)
    return reader.query(0, len(tokens))


@dataclass
class _Reader:
    text: str
    tokens: list[Token]

    def query(self, at: int, end: int) -> Query:
        """The query between two tokens."""
        first = at
        ctes: dict[str, Query] = {}
        places: dict[str, tuple[int, int]] = {}
        if self._is(at, TokenType.WITH):
            at += 2 if self._is(at + 1, TokenType.RECURSIVE) else 1
            while True:
                name, opened = self._cte_head(at)
                closed = self._closing(opened)
                ctes[name] = self.query(opened + 1, closed)
                places[name] = (self.tokens[at].start, self.tokens[closed].end + 1)
                at = closed + 1
                if not self._is(at, TokenType.COMMA):
                    break
                at += 1
                if self._is(at, TokenType.SELECT):
                    break
        branches, operators = self._branches(at, end)
        return Query(
            self.tokens[first].start, self.tokens[end - 1].end + 1, ctes, places, tuple(branches), tuple(operators)
        )

    def _cte_head(self, at: int) -> tuple[str, int]:
        name = self.tokens[at].text.lower()
        step = at + 1
        while step < len(self.tokens) and not self._is(step, TokenType.ALIAS):
            step += 1
        while step < len(self.tokens) and not self._is(step, _OPEN):
            step += 1
        if step >= len(self.tokens):
            raise SmeltError("the model's CTEs cannot be read", "change it by hand")
        return name, step

    def _branches(self, at: int, end: int) -> tuple[list[Select], list[str]]:
        branches: list[Select] = []
        operators: list[str] = []
        begun = at
        for index in [*self._flat(at, end), end]:
            if index < end and self.tokens[index].token_type not in _SETS:
                continue
            branches += self._branch(begun, index)
            if index < end:
                begun = index + 1
                while self.tokens[begun].token_type in (TokenType.ALL, TokenType.DISTINCT):
                    begun += 1
                operators.append(" ".join(t.text.lower() for t in self.tokens[index:begun]))
        return branches, operators

    def _branch(self, at: int, end: int) -> list[Select]:
        if at < end and self._is(at, _OPEN) and self._closing(at) == end - 1:
            return list(self.query(at + 1, end - 1).branches)
        if at >= end or not self._is(at, TokenType.SELECT):
            where = self.text.count("\n", 0, self.tokens[at].start) + 1 if at < len(self.tokens) else 1
            raise SmeltError(
                f"what the model selects is not written out in its text (line {where})", "change it by hand"
            )
        return [self._select(at, end)]

    def _select(self, at: int, end: int) -> Select:
        is_distinct = self._is(at + 1, TokenType.DISTINCT)
        begins = [(i, name) for i in self._flat(at, end) if (name := self._clause(i)) is not None]
        ends = [*(i for i, _ in begins[1:]), end]
        spans = {name: (i, stop) for (i, name), stop in zip(begins, ends, strict=True)}
        first = begins[0][0] if begins else end
        clauses = {
            name: (self.tokens[i].start, self.tokens[stop - 1].end + 1) for name, (i, stop) in spans.items()
        }
        items = self._items(at + (2 if is_distinct else 1), first)
        if "from" not in spans:
            return Select(self.tokens[at].start, self.tokens[end - 1].end + 1, items, (), (), clauses, is_distinct)
        groups = self._items(spans["group"][0] + 1, spans["group"][1]) if "group" in spans else ()
        sources = tuple(self._sources(*spans["from"]))
        return Select(
            self.tokens[at].start, self.tokens[end - 1].end + 1, items, sources, groups, clauses, is_distinct
        )

    def _clause(self, index: int) -> str | None:
        name = _CLAUSES.get(self.tokens[index].token_type)
        # `a is distinct from b`
        if name == "from" and self._is(index - 1, TokenType.DISTINCT):
            return None
        return name

    def _items(self, at: int, end: int) -> tuple[Item, ...]:
        found, begun = [], at
        for index in [*self._flat(at, end), end]:
            if index < end and not self._is(index, TokenType.COMMA):
                continue
            if begun < index:
                start, stop = self.tokens[begun].start, self.tokens[index - 1].end + 1
                comma = self.tokens[index].start if index < end else None
                found.append(Item(start, stop, self.text[start:stop], comma))
            begun = index + 1
        return tuple(found)

    def _sources(self, at: int, end: int) -> list[Source]:
        flat = [*self._flat(at + 1, end)]
        joins = [i for i in flat if self._begins_source(i)]
        starts = [at, *joins]
        stops = [*joins, end]
        return [self._source(start, stop) for start, stop in zip(starts, stops, strict=True)]

    def _begins_source(self, index: int) -> bool:
        if self._is(index, TokenType.COMMA):
            return True
        is_word = self.tokens[index].token_type in _JOINING
        return is_word and self.tokens[index - 1].token_type not in _JOINING

    def _source(self, at: int, end: int) -> Source:
        begun = at
        while self.tokens[at].token_type in (*_JOINING, TokenType.FROM, TokenType.COMMA):
            at += 1
        kind = " ".join(t.text.lower() for t in self.tokens[begun:at])
        query, table = None, ""
        if self._is(at, _OPEN):
            closed = self._closing(at)
            query = self.query(at + 1, closed)
            at = closed + 1
        else:
            names = [self.tokens[at].text]
            at += 1
            while at < end and self._is(at, TokenType.DOT):
                names.append(self.tokens[at + 1].text)
                at += 2
            if at < end and self._is(at, _OPEN):
                raise SmeltError(f"it reads from the function {names[-1]}", "change it by hand")
            table = ".".join(names)
        name = table.rpartition(".")[2]
        if at < end and self._is(at, TokenType.ALIAS):
            at += 1
        if at < end and self.tokens[at].token_type not in (TokenType.ON, TokenType.USING):
            name = self.tokens[at].text
            at += 1
        condition = None
        if at < end:
            condition = (self.tokens[at + 1].start, self.tokens[end - 1].end + 1)
        start = self.tokens[begun].start
        return Source(name, table, kind, start, self.tokens[end - 1].end + 1, query, condition)

    def _flat(self, at: int, end: int) -> list[int]:
        """Tokens that are in no parentheses that open behind `at`."""
        found, depth = [], 0
        for index in range(at, end):
            kind = self.tokens[index].token_type
            if kind is _OPEN:
                depth += 1
            elif kind is _CLOSE:
                depth -= 1
            elif depth == 0:
                found.append(index)
        return found

    def _closing(self, opened: int) -> int:
        depth = 0
        for index in range(opened, len(self.tokens)):
            if self._is(index, _OPEN):
                depth += 1
            elif self._is(index, _CLOSE):
                depth -= 1
                if depth == 0:
                    return index
        raise SmeltError("a parenthesis of the model is not closed", "correct it first")

    def _is(self, index: int, kind: TokenType) -> bool:
        return 0 <= index < len(self.tokens) and self.tokens[index].token_type is kind
