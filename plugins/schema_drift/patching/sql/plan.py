"""What is to be had again of a drifted table: from its changes to one expression for each column of before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.duck import quote
from plugins.schema_drift.change import Change, Kind, Restored
from plugins.schema_drift.table import History, Table

# Functions that give a value where an argument is null.
_TOLERANT = (exp.Coalesce, exp.Case, exp.If, exp.ConcatWs, exp.Nvl2, exp.IsNullValue, exp.Is, exp.Nullif)
_LONG = 60
# Changes that leave every name and every value of before as it was.
_HARMLESS = {
    Kind.TYPE_WIDENED,
    Kind.COLUMN_ADDED,
    Kind.COLUMNS_REORDERED,
    Kind.NULLABILITY_CHANGED,
    Kind.DEFAULT_CHANGED,
    Kind.VALUES_ADDED,
    Kind.VALUES_REMOVED,
    Kind.KEY_CHANGED,
    Kind.TABLE_ADDED,
    Kind.TABLE_REMOVED,
    Kind.TABLE_RENAMED,
    Kind.TABLE_SPLIT,
}


@dataclass(frozen=True)
class Target:
    """How a column of before is had now.

    column: its name. tree: a DuckDB expression over columns of the relation. reads: their names as they are.
    plain: the one name that it is now, if that is all. is_gone: whether the relation has no column of this name.
    is_null: whether it is only a typed null.
    """

    column: str
    tree: exp.Expr
    reads: tuple[str, ...]
    plain: str | None
    is_gone: bool
    change: Change
    is_null: bool = False

    @property
    def most_places(self) -> int:
        """In how many places its expression may stand; in more, it is made once, at the boundary."""
        return 1 if len(self.tree.sql(dialect="duckdb")) > _LONG else 2


@dataclass(frozen=True)
class TablePlan:
    """What has to be done about one table.

    targets: by column of before in lower case. before, after: names of columns in the relation, in order.
    added: names that are passed on as they come. hidden: names of now that are only parts of what was before.
    failed: why a column cannot be had again. types: by column in lower
    case. widened: types of now of columns that hold all that they held. apart: columns by which rows of both times
    are told apart.
    """

    table: Table
    before: tuple[str, ...]
    after: tuple[str, ...]
    targets: Mapping[str, Target] = field(default_factory=dict)
    added: Mapping[str, Change] = field(default_factory=dict)
    failed: Mapping[str, tuple[Change, str]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    widened: Mapping[str, str] = field(default_factory=dict)
    apart: tuple[str, ...] = ()

    @property
    def fresh(self) -> tuple[str, ...]:
        """Names that the relation has only now."""
        known = {name.lower() for name in self.before}
        return tuple(name for name in self.after if name.lower() not in known)

    @property
    def is_reordered(self) -> bool:
        """Whether the columns that are both of before and of now, or renamed, stand in another order."""
        at = {name.lower(): position for position, name in enumerate(self.after)}
        targets = {key: target.plain for key, target in self.targets.items() if target.plain}
        places = [at[key] for name in self.before if (key := targets.get(name.lower(), name).lower()) in at]
        return places != sorted(places)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Names that the relation has only now and that nobody asked for."""
        read = {name.lower() for target in self.targets.values() for name in target.reads}
        added = {name.lower() for name in self.added}
        return tuple(name for name in self.fresh if name.lower() in read and name.lower() not in added)


def plan_table(before: Table, after: Table, changes: Iterable[Change], removed: Iterable[str] = ()) -> TablePlan:
    """The plan of a table. removed: columns (lower case) that may be had again as typed nulls."""
    history = after.history or before.history
    names = dict(history.names) if history is not None else {}
    kept = history.kept if history is not None else frozenset()
    relation_after = [names.get(one.name, one.name) for one in after.columns]
    known = {name.lower() for name in relation_after}
    relation_after += [name for name in sorted(kept) if name.lower() not in known]
    here = {name.lower() for name in relation_after}
    made: dict[str, list[tuple[Change, Restored]]] = {}
    added: dict[str, Change] = {}
    failed: dict[str, tuple[Change, str]] = {}
    widened: dict[str, str] = {}
    for change in changes:
        if change.kind == Kind.COLUMN_ADDED:
            added |= {names.get(name, name): change for name in change.after}
        if change.kind == Kind.TYPE_WIDENED:
            widened |= {
                n: c.type for n in change.before if (c := after.column((change.after or (n,))[0])) is not None
            }
        if change.kind in _HARMLESS:
            continue
        restores = _restores(change, before, removed)
        for restored in restores:
            if "." in restored.column and before.column(restored.column) is None:
                continue
            made.setdefault(restored.column.lower(), []).append((change, restored))
        told = {restored.column.lower() for restored in restores}
        for name in change.before:
            if "." in name and before.column(name) is None:
                # A field: whatever reads the column around it may read the field.
                failed[name.split(".")[0].lower()] = (change, f"`{name}` in it is not where or what it was")
            elif name.lower() not in told:
                failed[name.lower()] = (change, "how its values of before are had again is not known")
    failed = {key: one for key, one in failed.items() if key not in made}
    targets: dict[str, Target] = {}
    for key, options in made.items():
        change, restored = _best(options)
        if restored is None:
            failed[key] = (change, "several changes of it do not agree on what it was")
            continue
        try:
            target = _target(change, restored, history, names, here)
        except (SqlglotError, ValueError) as error:
            failed[key] = (change, str(error).strip().splitlines()[0])
            continue
        if target is not None:
            targets[key] = target
    types = {names.get(one.name, one.name).lower(): one.type for one in (*before.columns, *after.columns)}
    old = tuple(one.name for one in before.columns)
    since = _told_apart_by(history)
    here |= {name.lower() for name in old}
    told_apart = [name for name in since if name.lower() not in here]
    old, relation_after = (*old, *told_apart), [*relation_after, *told_apart]
    return TablePlan(before, old, tuple(relation_after), targets, added, failed, types, widened, tuple(since))


def _told_apart_by(history: History | None) -> list[str]:
    """Columns of the relation by which rows of both times are told apart; no source has them."""
    if history is None or history.since is None:
        return []
    return list(dict.fromkeys(column.name for column in _parse(history.since).find_all(exp.Column)))


def _restores(change: Change, before: Table, removed: Iterable[str]) -> tuple[Restored, ...]:
    if change.kind == Kind.COLUMN_REMOVED and not change.restores:
        names = [name for name in change.before if name.lower() in removed]
        return tuple(Restored(name, f"cast(null as {_type(before, name)})", ()) for name in names)
    if change.restores or change.kind not in (Kind.TYPE_NARROWED, Kind.TYPE_CHANGED):
        return change.restores
    # What does not fit is null here and is caught by rules and tests.
    return tuple(
        Restored(name, f"try_cast({quote(after)} as {_type(before, name)})", (after,))
        for name, after in zip(change.before, change.after or change.before, strict=False)
        if before.column(name) is not None
    )


def _type(before: Table, name: str) -> str:
    column = before.column(name)
    return column.type if column is not None else "varchar"


def _best(options: list[tuple[Change, Restored]]) -> tuple[Change, Restored | None]:
    """Of several ways to one column, the one that says more than another name."""
    telling = [one for one in options if not one[1].is_plain] or options[:1]
    if len({one.sql for _, one in telling}) == 1:
        return telling[0]
    return telling[0][0], None


def _target(
    change: Change, restored: Restored, history: History | None, names: Mapping[str, str], here: set[str]
) -> Target | None:
    old = names.get(restored.column, restored.column)
    if restored.is_plain and restored.sql == quote(restored.reads[0]):
        tree: exp.Expr = exp.column(exp.to_identifier(restored.reads[0], quoted=True))
    else:
        tree = _parse(restored.sql)
    tree = _in_relation(tree, names)
    reads = tuple(names.get(name, name) for name in restored.reads)
    reads = reads or tuple(dict.fromkeys(one.name for one in tree.find_all(exp.Column)))
    is_gone = old.split(".")[0].lower() not in here
    itself = any(name.lower() == old.lower() for name in reads)
    if restored.is_plain and itself:
        return None
    if not is_gone and not reads:
        if history is not None and restored.column in history.kept:
            return None
        raise ValueError("another column has its name now")
    if not is_gone and history is not None:
        tree = _beside(tree, old, reads, itself, history)
    plain = reads[0] if restored.is_plain and isinstance(tree, exp.Column) else None
    kept_too = [one.parts[0].name for one in tree.find_all(exp.Column)]
    reads = tuple(dict.fromkeys([*reads, *kept_too]))
    is_null = not reads and isinstance(tree, exp.Cast)
    return Target(restored.column, tree, reads, plain, is_gone, change, is_null)


def _beside(tree: exp.Expr, old: str, reads: tuple[str, ...], itself: bool, history: History) -> exp.Expr:
    """The expression for a relation that holds rows of both times."""
    kept = exp.column(exp.to_identifier(old, quoted=True))
    if itself or (history.since is not None and tree.find(*_TOLERANT) is not None):
        if history.since is None:
            raise ValueError("rows of before and of now cannot be told apart in this table")
        return exp.Case(ifs=[exp.If(this=_parse(history.since), true=tree)], default=kept)
    if tree.find(*_TOLERANT) is None:
        return exp.Coalesce(this=tree, expressions=[kept])
    # The expression gives something for rows of before as well, though they have none of its columns.
    empty = [
        exp.Is(this=exp.column(exp.to_identifier(name, quoted=True)), expression=exp.Null()) for name in reads
    ]
    return exp.Case(ifs=[exp.If(this=exp.and_(*empty), true=kept)], default=tree)


def _parse(sql: str) -> exp.Expr:
    tree = sqlglot.parse_one(f"select {sql}", dialect="duckdb")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or set(tree.args) - {"kind", "expressions"}:
        used = {key for key, value in tree.args.items() if value} - {"kind", "expressions"}
        if not isinstance(tree, exp.Select) or used or len(tree.expressions) != 1:
            raise ValueError("the expression that gives the old values is no expression")
    return tree.expressions[0]


def _in_relation(tree: exp.Expr, names: Mapping[str, str]) -> exp.Expr:
    """The expression with the names that columns have in the relation."""
    for column in list(tree.find_all(exp.Column)):
        first = column.parts[0]
        if first.name in names:
            first.replace(exp.to_identifier(names[first.name], quoted=True))
    return tree
