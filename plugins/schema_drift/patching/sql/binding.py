"""Reads a masked query: which of its names mean columns of the drifted table, and where they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from plugins.schema_drift.patching.sql.scope import (
    Bound,
    Meaning,
    Origin,
    Read,
    Reference,
    Relation,
    Scope,
    Shadowed,
    resolve,
)
from plugins.schema_drift.patching.sql.trees import alias_of, children, column_names, place_of, repeats_name

# Clauses of a SELECT, in which names mean columns of its sources.
_CLAUSES = ("where", "having", "qualify", "group", "order", "distinct", "sort", "cluster", "distribute", "connect")


class Tables(Protocol):
    """What is known of the tables that a query names."""

    def relation(self, table: exp.Table) -> Relation | None:
        """What a table gives; None if it is the drifted one."""
        ...

    def called(self, table: exp.Table) -> str:
        """The name (lower case) that its columns may be qualified with where it has no alias."""
        ...


@dataclass
class Binder:
    """One reading of one query.

    drifted: what the drifted table gives at its nth read. passes: whether a name that is handed on as it is goes
    on being the drifted column.
    """

    tables: Tables
    drifted: Callable[[int], Relation]
    passes: bool = False
    bound: Bound = field(default_factory=Bound)

    def read(self, tree: exp.Expr) -> Bound:
        """What the query gives and reads."""
        self.bound.output = self.query(tree, Scope())
        return self.bound

    def query(self, node: exp.Expr, scope: Scope, is_shown: bool = True) -> Relation:
        """The relation of a query. is_shown: whether its columns' names matter to anyone."""
        scope = Scope(parent=scope)
        self._ctes(node, scope)
        if isinstance(node, exp.Subquery):
            if isinstance(node.this, exp.Table) or node.args.get("joins"):
                return self._joined(node, scope)
            return self._renamed(self.query(node.this, scope, is_shown), node)
        if isinstance(node, exp.Select):
            return self._select(node, scope, is_shown)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, scope)
        if isinstance(node, exp.Table):
            return self._item(node, scope, node)
        for child in children(node):
            self._visit(child, scope, "select")
        return Relation(is_open=True)

    def _ctes(self, node: exp.Expr, scope: Scope) -> None:
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            name = cte.alias.lower()
            if node.args["with_"].recursive and isinstance(cte.this, exp.SetOperation):
                anchor = Binder(self.tables, self.drifted, self.passes)
                scope.ctes[name] = anchor.query(cte.this.this, scope).plain()
            scope.ctes[name] = self._renamed(self.query(cte.this, scope), cte)

    def _set_operation(self, node: exp.SetOperation, scope: Scope) -> Relation:
        left = self.query(node.this, scope)
        right = self.query(node.expression, scope)
        for side in (left, right):
            # By position, a further column or another order makes the sides unlike.
            self._by_position(side)
        if node.args.get("order") is not None:
            self._visit(node.args["order"], Scope(scope, sources={"": left.plain()}), "order")
        result = left.plain()
        result.is_open = left.is_open or right.is_open
        return result

    def _by_position(self, relation: Relation) -> None:
        """Something reads all columns as they come."""
        self.bound.escapes |= relation.origins
        self.bound.positional |= relation.stars
        self.bound.positional_fresh |= set(relation.fresh)

    def _renamed(self, relation: Relation, aliased: exp.Expr) -> Relation:
        alias = aliased.args.get("alias")
        names = [one.name for one in alias.columns] if isinstance(alias, exp.TableAlias) else []
        if not names:
            return relation
        self._by_position(relation)
        rest = list(relation.columns)[len(names) :]
        written = {name.lower(): name for name in names}
        return Relation(dict.fromkeys([*written, *rest]), {}, relation.is_open, {**relation.written, **written})

    # --- FROM

    def _joined(self, node: exp.Subquery, scope: Scope) -> Relation:
        inner = Scope(parent=scope)
        self._add_source(node.this, inner, node)
        for join in node.args.get("joins") or ():
            self._join(join, inner, node)
        return self._all(inner)

    def _add_source(self, item: exp.Expr, scope: Scope, select: exp.Expr) -> str:
        if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table) and not item.alias:
            alias = self._add_source(item.this, scope, select)
            for join in item.args.get("joins") or ():
                self._join(join, scope, select)
            return alias
        relation = self._item(item, scope, select)
        if item.args.get("pivots"):
            self._by_position(relation)
            relation = Relation(is_open=True)
        alias = alias_of(item) or f"_{len(scope.sources)}"
        if isinstance(item, exp.Table) and not item.alias and isinstance(item.this, exp.Identifier):
            alias = self.tables.called(item) or alias
        scope.sources[alias if alias not in scope.sources else f"{alias} {len(scope.sources)}"] = relation
        for join in item.args.get("joins") or () if isinstance(item, exp.Table) else ():
            self._join(join, scope, select)
        return alias

    def _item(self, item: exp.Expr, scope: Scope, select: exp.Expr) -> Relation:
        if isinstance(item, exp.Table):
            return self._table(item, scope, select)
        if isinstance(item, exp.Subquery):
            return self.query(item, scope)
        if isinstance(item, exp.Lateral) and isinstance(item.this, exp.Subquery):
            return self._renamed(self.query(item.this, scope), item)
        for child in children(item):
            self._visit(child, scope, "from")
        names = column_names(item)
        return Relation(dict.fromkeys(name.lower() for name in names), is_open=not names)

    def _table(self, item: exp.Table, scope: Scope, select: exp.Expr) -> Relation:
        if not item.args.get("db") and isinstance(item.this, exp.Identifier):
            found = scope.cte(item.name.lower())
            if found is not None:
                return self._renamed(found, item)
        if not isinstance(item.this, exp.Identifier):
            for child in children(item.this):
                self._visit(child, scope, "from")
            return Relation(is_open=True)
        relation = self.tables.relation(item)
        if relation is not None:
            return self._renamed(relation, item)
        number = len(self.bound.reads)
        start, end = place_of([part for part in item.parts if isinstance(part, exp.Identifier)])
        self.bound.reads.append(Read(number, item, select, (item.alias or "").lower(), start, end))
        return self._renamed(self.drifted(number), item)

    def _join(self, join: exp.Join, scope: Scope, select: exp.Expr) -> None:
        before = list(scope.sources.values())
        alias = self._add_source(join.this, scope, select)
        joined = scope.sources.get(alias) or list(scope.sources.values())[-1]
        if (join.args.get("method") or "").upper() == "NATURAL":
            for relation in (*before, joined):
                self._by_position(relation)
        for item in join.args.get("using") or ():
            name = item.name.lower()
            scope.using.add(name)
            self.bound.escapes |= {one for r in (*before, joined) if (one := r.columns.get(name)) is not None}
        if join.args.get("on") is not None:
            self._visit(join.args["on"], scope, "join")

    # --- SELECT

    def _select(self, node: exp.Select, scope: Scope, is_shown: bool) -> Relation:
        args = node.args
        scope.select = node
        self.bound.scopes.append(scope)
        if args.get("from_") is not None:
            self._add_source(args["from_"].this, scope, node)
        for lateral in args.get("laterals") or ():
            self._add_source(lateral, scope, node)
        for join in args.get("joins") or ():
            self._join(join, scope, node)
        result = Relation()
        for position, projection in enumerate(node.expressions):
            self._projection(projection, scope, result, position, is_shown)
        if not node.expressions:
            self._star_of(scope, None, result)
        for window in args.get("windows") or ():
            self._visit(window, scope, "window")
        for clause in _CLAUSES:
            if isinstance(args.get(clause), exp.Expr):
                self._visit(args[clause], scope, clause)
        for key in ("limit", "offset"):
            if isinstance(args.get(key), exp.Expr):
                self._visit(args[key], scope, key)
        return result

    def _projection(self, node: exp.Expr, scope: Scope, result: Relation, position: int, is_shown: bool) -> None:
        star = node if isinstance(node, exp.Star) else node.this if isinstance(node, exp.Column) else None
        if isinstance(star, exp.Star):
            self._star(node, star, scope, result)
            return
        origin = None
        if isinstance(node, exp.Column):
            found = self._column(node, scope, "select", is_item=True, is_shown=is_shown)
            origin = found if self.passes else None
        elif self.passes and repeats_name(node.this):
            origin = self._column(node.this, scope, "select")
        else:
            self._visit(node, scope, "select")
        name = node.output_name or f"_col_{position}"
        result.columns[name.lower()] = origin
        result.written[name.lower()] = name
        scope.aliases.add(name.lower())
        if origin is not None:
            scope.passed.add(name.lower())

    def _star(self, node: exp.Expr, star: exp.Star, scope: Scope, result: Relation) -> None:
        qualifier = node.table.lower() if isinstance(node, exp.Column) else None
        given = Relation()
        self._star_of(scope, qualifier, given)
        for column in star.args.get("except_") or ():
            name = column.name.lower()
            origin = given.columns.pop(name, None)
            if given.fresh.pop(name, None) is not None:
                self.bound.fresh_used.add(name)
            if origin is not None:
                if isinstance(column, exp.Column):
                    self._column(column, scope, "except")
                else:
                    self.bound.escapes.add(origin)
        for alias in star.args.get("replace") or ():
            self._visit(alias.this, scope, "select")
            self._replace(given, alias.alias.lower())
        self._rename(star.args.get("rename") or (), given, scope)
        result.columns.update(given.columns)
        result.fresh.update(given.fresh)
        result.written.update(given.written)
        result.stars |= given.stars
        result.is_open = result.is_open or given.is_open

    def _rename(self, aliases: Sequence[exp.Expr], given: Relation, scope: Scope) -> None:
        """All at once, so that names may go round."""
        new = {alias.this.name.lower(): alias.alias for alias in aliases}
        for alias in aliases:
            if isinstance(alias.this, exp.Column) and given.columns.get(alias.this.name.lower()) is not None:
                self._column(alias.this, scope, "rename")
        columns: dict[str, Origin | None] = {}
        for name, origin in given.columns.items():
            if name in new:
                columns[new[name].lower()] = None
            elif name not in {one.lower() for one in new.values()}:
                columns[name] = origin
        for old, name in new.items():
            given.written[name.lower()] = name
            if old in given.fresh:
                self.bound.fresh_used.add(old)
                given.fresh.pop(old)
                columns[name.lower()] = None
        given.columns = columns

    def _replace(self, given: Relation, name: str) -> None:
        origin = given.columns.get(name)
        if origin is not None:
            given.columns[name] = None
            # `replace (… as x)` is about a column x that must be there, whatever it is made of.
            self.bound.needed.add(origin)

    def _star_of(self, scope: Scope, qualifier: str | None, into: Relation) -> None:
        for alias, relation in scope.sources.items():
            if qualifier in (None, alias):
                for name, origin in relation.columns.items():
                    if into.columns.get(name) is None:
                        into.columns[name] = origin
                into.fresh.update(relation.fresh)
                into.written.update(relation.written)
                into.stars |= relation.stars
                into.is_open = into.is_open or relation.is_open
        if qualifier is not None and qualifier not in scope.sources:
            into.is_open = True

    def _all(self, scope: Scope) -> Relation:
        into = Relation()
        self._star_of(scope, None, into)
        return into

    # --- expressions

    def _visit(self, node: exp.Expr, scope: Scope, clause: str) -> None:
        if isinstance(node, exp.Column):
            self._in_expression(node, scope, clause)
        elif isinstance(node, exp.Query):
            inner = self.query(node, scope, is_shown=False)
            if not isinstance(node.parent, exp.Exists):
                self.bound.escapes |= inner.origins
        elif isinstance(node, exp.Columns) or (
            isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)
        ):
            self.bound.escapes |= self._all(scope).origins
        elif isinstance(node, exp.Star):
            return
        elif isinstance(node, (exp.PropertyEQ, exp.Kwarg)):
            self._visit(node.expression, scope, clause)
        elif isinstance(node, exp.Comprehension):
            self._visit(node.args["iterator"], scope, clause)
            inside = Scope(scope, aliases={node.args["expression"].name.lower()})
            for key in ("this", "condition"):
                if node.args.get(key) is not None:
                    self._visit(node.args[key], inside, clause)
        else:
            for child in children(node):
                is_whole = clause == "order" and isinstance(node, exp.Ordered)
                self._visit(child, scope, "ordered" if is_whole and isinstance(child, exp.Column) else clause)

    def _in_expression(self, node: exp.Column, scope: Scope, clause: str) -> None:
        if isinstance(node.this, exp.Star):
            given = Relation()
            self._star_of(scope, node.table.lower() or None, given)
            self.bound.escapes |= given.origins
            return
        self._column(node, scope, clause)

    def _column(
        self, node: exp.Column, scope: Scope, clause: str, is_item: bool = False, is_shown: bool = True
    ) -> Origin | None:
        parts = [part for part in node.parts if isinstance(part, exp.Identifier)]
        names = [part.name.lower() for part in parts]
        meaning = resolve(scope, names, clause)
        if meaning.origin is None:
            self._other(node, parts, names, scope, meaning)
            return None
        at, owner = meaning.used, meaning.owner or ""
        if any("start" not in part.meta for part in parts):
            self.bound.escapes.add(meaning.origin)
            return None
        start, end = place_of(parts)
        own = place_of(parts[at : at + 1])
        path = tuple(part.name for part in parts[at + 1 :])
        self.bound.references.append(
            Reference(
                node,
                meaning.origin,
                start,
                end,
                own,
                owner,
                path,
                clause,
                is_item and not path,
                is_shown,
                meaning.scope or scope,
                scope,
            )
        )
        return meaning.origin if not path else None

    def _other(
        self, node: exp.Column, parts: list[exp.Identifier], names: list[str], scope: Scope, meaning: Meaning
    ) -> None:
        """A name of something else; or of a whole row, if it is a source's."""
        owner = meaning.owner
        if "start" in parts[0].meta:
            self.bound.placed[parts[0].meta["start"]] = scope
        around: Scope | None = scope
        while around is not None:
            for alias, relation in around.sources.items():
                named = names[meaning.used] if meaning.used and alias == owner else names[0]
                if named in relation.fresh and (owner in (None, alias)) and named not in relation.columns:
                    self.bound.fresh_used.add(named)
            around = around.parent
        if len(names) == 1 and names[0] in scope.sources and owner is None:
            self.bound.escapes |= scope.sources[names[0]].origins
            return
        if not meaning.is_known:
            self.bound.unknown.add(".".join(names))
        if meaning.used or "start" not in parts[0].meta:
            return
        if owner is None and names[0] not in scope.aliases:
            return
        around = scope
        while around is not None:
            for alias, relation in around.sources.items():
                if names[0] in relation.fresh and alias != owner:
                    start = parts[0].meta["start"]
                    self.bound.shadowed.append(Shadowed(node, names[0], start, owner, relation.fresh[names[0]]))
                    return
            if around is meaning.scope:
                return
            around = around.parent
