"""What was read of a question so far, and the parts that every turn adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plugins.nl_models.catalog.keys import display
from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.catalog.schema import Catalog, Column, Table
from plugins.nl_models.linking import Chunk
from plugins.nl_models.parser.context import Context, ref
from plugins.nl_models.parser.phrases import reword
from plugins.nl_models.parser.reach import first_many
from plugins.nl_models.parser.roles import compared_roles, without_roles
from plugins.nl_models.plan import (
    ColumnRef,
    Combined,
    Comparison,
    Condition,
    Function,
    Literals,
    Measure,
    Operator,
    Ordering,
    Plan,
    Term,
)
from plugins.nl_models.words.dates import year_bounds
from plugins.nl_models.words.lexicon import lexicon

FUNCTIONS: dict[str, Function] = {"AVG": "avg", "SUM": "sum", "MAX": "max", "MIN": "min"}
OPERATORS: dict[str, Operator] = {
    "GREATER": ">",
    "GREATER_EQUAL": ">=",
    "LESS": "<",
    "LESS_EQUAL": "<=",
    "EQUAL": "=",
    "CONTAINS": "contains",
    "STARTS": "starts with",
    "ENDS": "ends with",
}
NEGATED: dict[str, Operator] = {"=": "!=", ">": "<=", ">=": "<", "<": ">=", "<=": ">"}
AGGREGATES = frozenset(FUNCTIONS)
YEARS = range(1000, 2101)


@dataclass
class Draft:
    """What was read so far. doubts: chunks and turns that could not be read for sure."""

    root: Table | None = None
    select: list[Term] = field(default_factory=list)
    distinct: bool = False
    tables: list[str] = field(default_factory=list)
    where: list[tuple[str, Comparison]] = field(default_factory=list)
    having: list[Comparison] = field(default_factory=list)
    group: list[ColumnRef] = field(default_factory=list)
    per_root: bool = False
    order: list[Ordering] = field(default_factory=list)
    limit: int | None = None
    superlatives: list[tuple[int, Column, bool]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    existing: set[str] = field(default_factory=set)
    target: Table | None = None
    wants_everything: bool = False
    # The extreme itself is asked for: the highest price.
    is_extreme_asked: bool = False
    # Foreign keys to join by, of several.
    via: list[ColumnRef] = field(default_factory=list)
    # Tables that are named after `and`: of other rows than the tables before.
    apart: set[str] = field(default_factory=set)
    # Extremes are of sums: the most in total.
    is_total: bool = False
    # The question word that it starts with: who, when, where, how.
    asks: str = ""
    # More is asked for behind it: "when did it end, and what did it cost".
    asks_more: bool = False
    # A reference to rows of the same table: what is asked for is not X but whom X refers to.
    above: ColumnRef | None = None
    verbs: list[Column] = field(default_factory=list)
    # Tables that both have what is asked for; and one that must not have it.
    both: tuple[Table, Table] | None = None
    lacks: Table | None = None


class Reading:
    """The draft of one question, and how parts are put into it."""

    def __init__(self, catalog: Catalog, chunks: Sequence[Chunk]) -> None:
        self.catalog = catalog
        rest, roles = compared_roles(catalog, reword(chunks))
        kept, via = without_roles(catalog, rest)
        self.context = Context(catalog, kept)
        self.draft = Draft(via=[ColumnRef(table=join.child, name=join.column) for join in via])
        if roles is not None:
            left, right = (ColumnRef(table=join.child, name=join.column) for join in roles)
            self.draft.root = catalog.tables[roles[0].child]
            self.draft.where.append(("AND", Comparison(left=left, operator="!=", right=right)))
        self.in_conditions = False
        self.negated = False
        self.connector = "AND"
        self.distinct = False
        self.sorting = False
        # What rows are shown with is told after them: "with their length".
        self.is_told = False
        self.last_column: Column | None = None
        # What a question word waits for: `much` for an amount.
        self.asked = ""
        # The last condition on a time: of "2014 or later" the year is read first.
        self.last_time: tuple[Comparison, Column, Chunk] | None = None
        # Where in the conditions the rows are that must not be there.
        self.excluded: int | None = None

    def _add(self, term: Term) -> None:
        if self.distinct and isinstance(term, ColumnRef):
            self.draft.distinct = True
        self.distinct = False
        if term not in self.draft.select:
            self.draft.select.append(term)
        self.in_conditions = False

    def _where(self, column: Column, operator: Operator, value: str | int | float | bool) -> None:
        is_other = self.draft.root is not None and column.table != self.draft.root.name
        self.last_column = column
        if (
            self.negated
            and is_other
            and operator == "="
            and self.excluded is None
            and self._has_many(column.table)
        ):
            self._without(self.catalog.tables[column.table])
            self.negated = self.excluded is None
        if self.negated:
            operator = NEGATED.get(operator, operator)
            self.negated = False
        if self.excluded is not None and self.draft.root is not None and column.table != self.draft.root.name:
            self._into_excluded(condition=compare(column, operator, value))
            return
        self.draft.where.append((self.connector, compare(column, operator, value)))
        self.connector = "AND"
        self.in_conditions = True

    def _where_time(self, column: Column, operator: Operator, chunk: Chunk) -> None:
        """A condition on when something was; chunk: a date or a year."""
        if self.negated:
            operator = NEGATED.get(operator, operator)
        if column.kind == "number":
            years = [int(day[:4]) for day in chunk.bounds] if chunk.bounds else [int(chunk.number or 0)]
            if operator == "=" and years[0] != years[-1]:
                part = compare(column, "between", years[0], years[-1])
            else:
                part = compare(column, operator, years[0] if operator in ("=", ">=", "<") else years[-1])
        else:
            part = when(column, operator, chunk.bounds or year_bounds(int(chunk.number or 0)))
        self.negated = False
        self.last_column = column
        is_other = self.draft.root is not None and column.table != self.draft.root.name
        if self.excluded is not None and is_other:
            self._into_excluded(condition=part)
            return
        self.draft.where.append((self.connector, part))
        self.last_time = (part, column, chunk)
        self.connector = "AND"
        self.in_conditions = True

    def _join(self, table: Table) -> None:
        if self.draft.root is None:
            self.draft.root = table
        if table.name not in self.draft.tables:
            self.draft.tables.append(table.name)

    def _per_root(self) -> None:
        self.draft.per_root = True

    def _superlative(self, at: int, column: Column, is_descending: bool) -> None:
        self.draft.superlatives.append((at, column, is_descending))

    def _by_count(self, table: str, is_descending: bool) -> None:
        self.draft.order.append(Ordering(by=Measure(function="count", table=table), descending=is_descending))
        self.draft.limit = self.draft.limit or 1
        self._per_root()

    def _subject(self) -> Table | None:
        """What rows are of, so far: the root, else the table of what is asked for."""
        asked = next(
            (t.table if isinstance(t, ColumnRef) else t.column and t.column.table for t in self.draft.select), None
        )
        return self.draft.root or (self.catalog.tables[asked] if asked else None)

    def _table_called(self, at: int) -> Table | None:
        """The table that a chunk names, also where its name is a column's as well."""
        context = self.context
        if context.kind(at) == "table":
            return context.table(at)
        if context.kind(at) != "column":
            return None
        words = words_of(context.chunks[at].text)
        for table in self.catalog.tables.values():
            own = words_of(table.name.split(".")[-1])
            if own[-len(words) :] == words:
                return table
        return self._referred(context.column(at, self.draft.root))

    def _referred(self, column: Column) -> Table | None:
        """What a column refers to, if it is called like that: of a model's maker, the maker."""
        words = set(words_of(column.name))
        return next((t for t in self.catalog.parents(column) if words & set(words_of(t.name))), None)

    def _near_tables(self, at: int | None = None) -> list[Table]:
        """Tables that an adjective may be about: the one named next, the root, all that are named, all."""
        context = self.context
        found = [context.table(at)] if at is not None and context.kind(at) == "table" else []
        if at is not None:
            found += [table for n, table in context.mentions if n < at][-1:]
        found += [self.draft.root, *(table for _, table in context.mentions)]
        values = [chunk.found[0][0][0].table for chunk in context.chunks if chunk.kind == "value" and chunk.found]
        found += [self.catalog.tables[name] for name in values]
        tables = list(dict.fromkeys(t.name for t in found if t is not None))
        ordered = [self.catalog.tables[name] for name in tables] + self.catalog.around(tables)
        return ordered or list(self.catalog.tables.values())

    def _column_named(self, text: str) -> Column | None:
        tables = self._near_tables()
        return next(
            (c for table in tables for c in table.columns.values() if c.name.lower() == text.lower()), None
        )

    def _done(self, verb: Chunk) -> Table | None:
        """The table whose rows a verb makes, where nothing but `anything` is done: shipped, shipments."""
        nouns = (verb.lemma, *lexicon().verbs.get(verb.lemma, ()))
        for table in self.catalog.tables.values():
            own = words_of(table.name.split(".")[-1])
            is_named = any(
                word == noun or word.startswith(noun[:5]) for word in own[-1:] for noun in nouns if len(noun) > 3
            )
            if is_named and (self.draft.root is None or table.name != self.draft.root.name):
                return table
        return None

    def _texts_column(self, at: int) -> Column | None:
        back = self.context.column_before(at)
        if back is not None:
            return back
        tables = [table for n, table in self.context.mentions if n < at]
        return display(tables[-1]) if tables else None

    def _value_is_of(self, at: int, column: Column) -> bool:
        chunk = self.context.chunks[at]
        if chunk.kind == "quoted" and (column.kind == "time" or (column.kind == "text" and not chunk.found)):
            return True
        return any(pair[0].place == column.place for pair, _ in chunk.found)

    def _has_many(self, table: str) -> bool:
        """Whether a row of the root may have many rows of another table."""
        root = self.draft.root
        return root is not None and first_many(self.catalog, root.name, table, self.draft.via) is not None

    def _without(self, table: Table) -> None:
        """Rows of the root of which the other table has none."""
        root = self.draft.root
        assert root is not None
        join = first_many(self.catalog, root.name, table.name, self.draft.via)
        if join is not None:
            tables = (table.name,) if table.name != join.child else ()
            inner = Plan(
                select=(ColumnRef(table=join.child, name=join.column),), tables=tables, via=tuple(self.draft.via)
            )
            left = ColumnRef(table=join.parent, name=join.parent_column)
            self.draft.where.append((self.connector, Comparison(left=left, operator="not in", right=inner)))
            self.excluded = len(self.draft.where) - 1
            return
        link = next((j for j in self.catalog.joins if (j.child, j.parent) == (root.name, table.name)), None)
        if link is not None:
            self.negated = True
            self._missing(self.catalog.column(link.child, link.column))
        else:
            self.draft.doubts.append(f"without {table.name}")

    def _missing(self, column: Column) -> None:
        """Rows of which nothing is known in a column; or where something is, unless that is denied."""
        operator: Operator = "is null" if self.negated else "is not null"
        self.negated = False
        part = Comparison(left=ref(column), operator=operator, right=Literals(values=()))
        self.draft.where.append((self.connector, part))
        self.connector = "AND"
        self.in_conditions = True

    def _into_excluded(self, table: str | None = None, condition: Comparison | None = None) -> None:
        """Say more of the rows that must not be there."""
        assert self.excluded is not None
        connector, comparison = self.draft.where[self.excluded]
        inner = comparison.right
        assert isinstance(inner, Plan)
        if table is not None:
            inner = inner.model_copy(update={"tables": (*inner.tables, table)})
        if condition is not None:
            kept = [("AND", inner.where)] if inner.where is not None else []
            where = conditions([*kept, ("AND", condition)])
            inner = inner.model_copy(update={"where": where})
        self.draft.where[self.excluded] = (connector, comparison.model_copy(update={"right": inner}))


def compare(column: Column, operator: Operator, *values: str | int | float) -> Comparison:
    """A column compared with one value, or two."""
    return Comparison(left=ref(column), operator=operator, right=Literals(values=values))


def number_for(column: Column, chunk: Chunk) -> str | int | float:
    """A number as the column has it: telephone numbers are text."""
    return chunk.text if column.kind == "text" else plain(chunk.number or 0)


def when(column: Column, operator: Operator, bounds: tuple[str, str]) -> Comparison:
    """A column of dates compared with a time from a first to a last day."""
    first, last = bounds
    if operator in ("=", "between") and first != last:
        return compare(column, "between", first, last)
    return compare(column, operator, first if operator in (">=", "<") else last)


def plain(number: float) -> int | float:
    """A whole number as an int."""
    return int(number) if number == int(number) else number


def conditions(parts: Sequence[tuple[str, Condition]]) -> Condition | None:
    """One condition of several with the word before each; `or` binds the two beside it."""
    groups: list[list[Condition]] = []
    for connector, part in parts:
        if connector == "OR" and groups:
            groups[-1].append(part)
        else:
            groups.append([part])
    joined: list[Condition] = [
        group[0] if len(group) == 1 else Combined(kind="any", parts=tuple(group)) for group in groups
    ]
    if not joined:
        return None
    return joined[0] if len(joined) == 1 else Combined(kind="all", parts=tuple(joined))
