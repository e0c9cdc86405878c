"""What the names of a query mean, as far as a drifted table is concerned."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

Origin = tuple[int, str]
"""(number of the read, column of the drifted table in lower case)."""


@dataclass
class Relation:
    """What a query or a table gives.

    columns: by lower-case name, in order; each with the drifted column that it is, if it came here through stars
    only. fresh: names that the drifted table has only now, and that stars bring here, with their read. is_open:
    whether it may have further columns. written: names as they are written.
    """

    columns: dict[str, Origin | None] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)
    is_open: bool = False
    written: dict[str, str] = field(default_factory=dict)
    stars: set[int] = field(default_factory=set)

    @property
    def origins(self) -> set[Origin]:
        """The drifted columns among its columns."""
        return {one for one in self.columns.values() if one is not None}

    def plain(self) -> Relation:
        """The same columns, as a node of its own gives them."""
        return Relation(dict.fromkeys(self.columns), {}, self.is_open, dict(self.written))


@dataclass(frozen=True)
class Read:
    """A place in FROM where the drifted table is read. alias: as written, "" if there is none."""

    number: int
    table: exp.Table
    select: exp.Expr
    alias: str
    start: int
    end: int


@dataclass(frozen=True)
class Reference:
    """A name that means a column of the drifted table. start, end: of all its dotted parts.

    name: the place of the column's own part. owner: alias of the source that has it. path: fields behind it.
    clause: `select`, `where`, `group`, … is_item: whether it is all of an entry of a select list. is_shown:
    whether the name of that entry matters to anyone. scope: that of its owner. within: that in which it stands.
    """

    node: exp.Column
    origin: Origin
    start: int
    end: int
    name: tuple[int, int]
    owner: str
    path: tuple[str, ...]
    clause: str
    is_item: bool
    is_shown: bool
    scope: Scope
    within: Scope


@dataclass(frozen=True)
class Shadowed:
    """A name that means something else, and that a new column of the drifted table would take over."""

    node: exp.Column
    name: str
    start: int
    owner: str | None
    read: int


@dataclass
class Scope:
    """The sources of one SELECT by lower-case alias, with those around it; names that its select list gave.

    passed: those among them that go on being drifted columns.
    """

    parent: Scope | None = None
    ctes: dict[str, Relation] = field(default_factory=dict)
    sources: dict[str, Relation] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    using: set[str] = field(default_factory=set)
    select: exp.Expr | None = None

    def cte(self, name: str) -> Relation | None:
        """The common table expression of this name, here or around."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.ctes:
                return scope.ctes[name]
            scope = scope.parent
        return None


@dataclass(frozen=True)
class Meaning:
    """What a name means. owner: the alias of the source that has it; None: a name of the select list, or unknown.

    used: how many of its dotted parts name the source. is_known: whether something explains it for sure.
    """

    origin: Origin | None = None
    owner: str | None = None
    used: int = 0
    is_known: bool = False
    scope: Scope | None = None


def resolve(scope: Scope, parts: list[str], clause: str) -> Meaning:
    """What a dotted name (lower case) means in a clause."""
    if clause == "ordered" and len(parts) == 1 and parts[0] in scope.aliases - scope.passed:
        # A name that is all of an entry of ORDER BY is looked for in the select list first.
        return Meaning(is_known=True, scope=scope)
    around: Scope | None = scope
    while around is not None:
        found = _here(around, parts)
        if found is not None:
            return found
        around = around.parent
    return Meaning(is_known=_may_be_elsewhere(scope))


def _here(scope: Scope, parts: list[str]) -> Meaning | None:
    for used in (3, 2, 1):
        if len(parts) > used and parts[used - 1] in scope.sources:
            relation = scope.sources[parts[used - 1]]
            name = parts[used]
            is_known = name in relation.columns or name in relation.fresh or relation.is_open
            return Meaning(relation.columns.get(name), parts[used - 1], used, is_known, scope)
    name = parts[0]
    owners = [alias for alias, relation in scope.sources.items() if name in relation.columns]
    if owners:
        drifted = [alias for alias in owners if scope.sources[alias].columns[name] is not None]
        owner = (drifted or owners)[0]
        return Meaning(scope.sources[owner].columns[name], owner, 0, True, scope)
    if name in scope.aliases:
        return Meaning(is_known=True, scope=scope)
    if any(name in relation.fresh for relation in scope.sources.values()):
        return Meaning(is_known=True, scope=scope)
    # A table of which nothing is known has first claim on names inside its own query.
    unknown = [alias for alias, relation in scope.sources.items() if relation.is_open and not relation.columns]
    if unknown and not any(relation.origins for relation in scope.sources.values()):
        return Meaning(None, unknown[0], 0, True, scope)
    return None


def _may_be_elsewhere(scope: Scope) -> bool:
    around: Scope | None = scope
    while around is not None:
        if any(relation.is_open for relation in around.sources.values()):
            return True
        around = around.parent
    return False


@dataclass
class Bound:
    """What was found in a query.

    escapes: drifted columns that reach a place where no name is written for them. needed: those that are named
    where nothing but their own name can stand. positional: reads whose columns are told apart by their order.
    unknown: names that nothing explains. fresh_used: new columns of the drifted table that are read by name.
    placed: scopes of names that are no column of it, by their places.
    """

    output: Relation = field(default_factory=Relation)
    reads: list[Read] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    shadowed: list[Shadowed] = field(default_factory=list)
    escapes: set[Origin] = field(default_factory=set)
    positional: set[int] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    needed: set[Origin] = field(default_factory=set)
    fresh_used: set[str] = field(default_factory=set)
    positional_fresh: set[str] = field(default_factory=set)
    placed: dict[int, Scope] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=list)
