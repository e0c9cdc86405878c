"""From a draft to a plan: what a question leaves out is filled in as a reader would."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from plugins.nl_models.catalog.keys import display, key
from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.catalog.schema import Catalog, Column, Join, Table
from plugins.nl_models.parser.context import ref
from plugins.nl_models.parser.draft import Draft, conditions
from plugins.nl_models.parser.reach import are_joined, first_many, is_by_way_of
from plugins.nl_models.plan import ColumnRef, Comparison, Condition, Literals, Measure, Ordering, Plan, Term
from plugins.nl_models.words.lexicon import lexicon


def compose(draft: Draft, catalog: Catalog, *, is_joined: bool = False) -> Plan | None:
    """The plan of a draft; None if it says nothing about the catalog.

    is_joined: conditions on tables that rows have many rows of are joined: rows come as often as they hold.
    """
    names_something = any(not isinstance(term, Measure) or term.column or term.table for term in draft.select)
    if draft.root is None and not names_something and not draft.where and not draft.superlatives:
        return None
    is_of_people = draft.target is not None and _is_of_people(draft.target)
    if draft.asks == "who" and not draft.select and not is_of_people:
        draft.root = draft.target = _person(draft, catalog) or draft.root
    if not draft.select or draft.asks_more:
        draft.select = [*_asked(draft, catalog), *draft.select]
    draft.select = [t for t in draft.select if not (isinstance(t, Measure) and t.column in draft.group)]
    asked = next((term.table for term in draft.select if isinstance(term, ColumnRef)), None)
    if asked is not None and not draft.per_root and not any(isinstance(term, Measure) for term in draft.select):
        draft.root = catalog.tables[asked]
    if draft.root is not None and not draft.per_root and not is_joined:
        _only_exist(draft, catalog)
    select = list(draft.select)
    order, limit = list(draft.order), draft.limit
    where = list(draft.where)
    if not select and draft.wants_everything and draft.root is not None:
        select += [ref(column) for column in draft.root.columns.values()]
    if not select and draft.target is not None and (draft.superlatives or draft.target != draft.root):
        select.append(ref(display(draft.target)))
    _as_extreme(draft, select, catalog)
    if draft.is_extreme_asked and select and ref(draft.superlatives[0][1]) not in select:
        # "the highest price and whose it is"
        select.insert(0, ref(draft.superlatives[0][1]))
    asks_extreme = not select and bool(draft.superlatives)
    for _, column, is_descending in draft.superlatives:
        is_of_owner = _owner(draft) in (None, column.table) or draft.is_extreme_asked
        if asks_extreme and draft.limit is None and is_of_owner:
            select.append(Measure(function="max" if is_descending else "min", column=ref(column)))
        elif draft.root is not None and draft.is_total and first_many(catalog, draft.root.name, column.table):
            order.append(Ordering(by=Measure(function="sum", column=ref(column)), descending=is_descending))
            limit = limit or 1
            draft.per_root = True
        elif any(isinstance(term, Measure) for term in select) and not draft.per_root:
            where.append(("AND", _is_extreme(column, is_descending)))
        else:
            order.append(Ordering(by=ref(column), descending=is_descending))
            limit = limit or 1
    if not select:
        select = [_default(draft, catalog)]
    for column in draft.group:
        is_told = any(isinstance(term, ColumnRef) and term.table == column.table for term in draft.select)
        if (
            column not in select
            and not draft.per_root
            and not is_told
            and (
                column.name not in _keys(catalog, column)
                or len({c.name for c in draft.group if c.table == column.table}) < 2
            )
        ):
            select.insert(0, column)
    group = _grouping(draft, select, order)
    plan = Plan(
        select=tuple(select),
        distinct=draft.distinct and not group,
        tables=tuple(_needed(draft, select)),
        via=tuple(draft.via),
        where=conditions(where),
        group_by=tuple(group),
        having=conditions([("AND", part) for part in draft.having]),
        order_by=tuple(order),
        limit=limit,
    )
    if draft.having and not group and draft.root is not None and (unique := key(draft.root)) is not None:
        return _of_groups(plan, draft.root.name, ref(unique))
    if draft.both and (shared := _of_both(draft, catalog)):
        return shared
    if draft.lacks is not None and isinstance(select[0], ColumnRef) and len(select) == 1:
        other = Plan(select=(ColumnRef(table=draft.lacks.name, name=select[0].name),))
        return plan.model_copy(update={"operator": "except", "other": other})
    if draft.above is not None and plan.where is not None:
        return _above(plan, draft.above, catalog)
    return _intersected(plan, draft)


def _above(plan: Plan, reference: ColumnRef, catalog: Catalog) -> Plan:
    """Of whom the rows refer to, what is asked of them."""
    join = next(j for j in catalog.joins if (j.child, j.column) == (reference.table, reference.name))
    inner = Plan(select=(reference,), tables=plan.tables, via=plan.via, where=plan.where)
    left = ColumnRef(table=join.parent, name=join.parent_column)
    return plan.model_copy(update={"where": Comparison(left=left, operator="in", right=inner), "tables": ()})


def _asked(draft: Draft, catalog: Catalog) -> Sequence[Term]:
    """What `when`, `where` and `how` ask for: what the verb says, or a column that tells such things."""
    told = lexicon().asks.get(draft.asks)
    if told is None:
        return []
    owner = draft.target or draft.root
    tables = (
        [owner]
        if owner
        else [catalog.tables[p.left.table] for _, p in draft.where if isinstance(p.left, ColumnRef)]
    )
    conditions_on = [part.left for _, part in draft.where]
    likely = [column for column in draft.verbs if set(told) & set(words_of(column.name)) or not told]
    likely += [
        column for word in told for t in tables for column in t.columns.values() if word in words_of(column.name)
    ]
    likely += [column for column in draft.verbs if draft.asks == "when" and column.kind == "time"]
    return [ref(column) for column in likely if ref(column) not in conditions_on][:1]


def _as_extreme(draft: Draft, select: list[Term], catalog: Catalog) -> None:
    """Of "the greatest price and the name", the one row that has it: the column of an extreme is asked too."""
    measures = [term for term in select if isinstance(term, Measure)]
    if (
        len(measures) != 1
        or len(select) == 1
        or draft.group
        or draft.per_root
        or draft.having
        or draft.superlatives
    ):
        return
    extreme = measures[0]
    if extreme.function in ("max", "min") and extreme.column is not None:
        select[select.index(extreme)] = extreme.column
        column = catalog.column(extreme.column.table, extreme.column.name)
        draft.superlatives.append((0, column, extreme.function == "max"))


def _person(draft: Draft, catalog: Catalog) -> Table | None:
    """Whom `who` asks for: of the tables that are spoken of, or next to them, the first that people are in."""
    spoken = [draft.root.name] if draft.root else []
    spoken += [column.table for _, column, _ in draft.superlatives]
    spoken += [*draft.tables, *(part.left.table for _, part in draft.where if isinstance(part.left, ColumnRef))]
    near = [catalog.tables[name] for name in dict.fromkeys(spoken)]
    near += catalog.around([table.name for table in near])
    return next((table for table in near if _is_of_people(table)), None)


def _is_of_people(table: Table) -> bool:
    """Whether the rows of a table are people, by its name or by what is known of them."""
    known = {word for column in table.columns.values() for word in words_of(column.name)}
    return bool(lexicon().people.intersection(words_of(table.name)[-1:]) or lexicon().sets["personal"] & known)


def _of_both(draft: Draft, catalog: Catalog) -> Plan | None:
    """Of "cities with both shops and schools": what both tables have, by a name that both know."""
    assert draft.both is not None
    if len(draft.select) != 1 or not isinstance(draft.select[0], ColumnRef):
        return None
    name = draft.select[0].name
    sides = [
        Plan(select=(ColumnRef(table=table.name, name=name),), where=_conditions_on(draft, table.name))
        for table in draft.both
        if name in table.columns
    ]
    return sides[0].model_copy(update={"operator": "intersect", "other": sides[1]}) if len(sides) == 2 else None


def _conditions_on(draft: Draft, table: str) -> Condition | None:
    return conditions([(c, p) for c, p in draft.where if isinstance(p.left, ColumnRef) and p.left.table == table])


def _only_exist(draft: Draft, catalog: Catalog) -> None:
    """Ask of tables of which the root has many rows only whether there are such: no row comes twice for them."""
    assert draft.root is not None
    terms: list[Term] = [*draft.select, *draft.group, *(o.by for o in draft.order)]
    terms += [part.left for part in draft.having]
    root = draft.root.name
    used = {root, *(column.table for _, column, _ in draft.superlatives)}
    if draft.target is not None:
        used.add(draft.target.name)
    for term in terms:
        used |= {term.table} if isinstance(term, ColumnRef) else {term.table, term.column and term.column.table}
    asked = [part.left.table for _, part in draft.where if isinstance(part.left, ColumnRef)]
    names = [name for name in dict.fromkeys([*draft.tables, *asked]) if name not in used]
    for join, group in _groups(draft, catalog, names, used):
        if any(_is_mixed(draft, name) for name in group):
            continue
        for alternative in _alternatives(draft, group):
            inner = Plan(
                select=(ColumnRef(table=join.child, name=join.column),),
                tables=tuple(name for name in group if name != join.child),
                via=tuple(draft.via),
                where=conditions(alternative),
            )
            left = ColumnRef(table=join.parent, name=join.parent_column)
            draft.where.append(("AND", Comparison(left=left, operator="in", right=inner)))
        draft.where = [
            (c, p) for c, p in draft.where if not (isinstance(p.left, ColumnRef) and p.left.table in group)
        ]
        draft.existing.update(group)


def _groups(
    draft: Draft, catalog: Catalog, names: list[str], used: Collection[str | None]
) -> list[tuple[Join, list[str]]]:
    """Tables of which the root has many rows, together if of the same rows; and how the root joins them."""
    assert draft.root is not None
    groups: list[tuple[Join, list[str]]] = []
    for name in names:
        join = first_many(catalog, draft.root.name, name, draft.via)
        if join is None or is_by_way_of(catalog, draft.root.name, name, used, draft.via):
            continue
        same = next((g for _, g in groups if any(are_joined(catalog, name, other) for other in g)), None)
        if same is not None and name not in draft.apart:
            same.append(name)
        else:
            groups.append((join, [name]))
    return groups


def _is_mixed(draft: Draft, name: str) -> bool:
    """Whether a condition on the table is an alternative to one on another table."""
    tables = [part.left.table for _, part in draft.where if isinstance(part.left, ColumnRef)]
    return any(
        connector == "OR"
        and n > 0
        and n < len(tables)
        and tables[n] != tables[n - 1]
        and name in tables[n - 1 : n + 1]
        for n, (connector, _) in enumerate(draft.where)
    )


def _alternatives(draft: Draft, names: Collection[str]) -> list[list[tuple[str, Comparison]]]:
    """The conditions on some tables, each set of what one row can meet: it can't be of two values at once."""
    groups: list[list[tuple[str, Comparison]]] = [[]]
    for connector, part in draft.where:
        if not (isinstance(part.left, ColumnRef) and part.left.table in names):
            continue
        is_again = any(_excludes(p, part) for _, p in groups[-1])
        if is_again and connector == "AND":
            groups.append([])
        groups[-1].append((connector, part))
    return groups


def _excludes(one: Comparison, other: Comparison) -> bool:
    """Whether no row can meet both conditions."""
    if one.left == other.left and one.operator == other.operator == "in":
        inner = [part.right.where if isinstance(part.right, Plan) else None for part in (one, other)]
        return all(isinstance(part, Comparison) for part in inner) and _excludes(*inner)  # type: ignore[arg-type]
    if one.left != other.left or not isinstance(one.right, Literals) or not isinstance(other.right, Literals):
        return False
    if one.operator == other.operator == "=":
        return one.right != other.right
    low, high = (one, other) if one.operator in (">", ">=") else (other, one)
    bounds = (low.right, high.right)
    if low.operator not in (">", ">=") or high.operator not in ("<", "<="):
        return False
    least, most = (bound.values[0] for bound in bounds if isinstance(bound, Literals))
    return not isinstance(least, str) and not isinstance(most, str) and least >= most


def _of_groups(plan: Plan, root: str, unique: ColumnRef) -> Plan:
    """Of a condition on how many there are for each, what is asked of those that meet it."""
    inner = plan.model_copy(
        update={"select": (unique,), "group_by": (unique,), "order_by": (), "limit": None, "distinct": False}
    )
    where = Comparison(left=unique, operator="in", right=inner)
    return Plan(select=plan.select, tables=(root,), where=where, order_by=plan.order_by, limit=plan.limit)


def _owner(draft: Draft) -> str | None:
    return draft.root.name if draft.root else None


def _keys(catalog: Catalog, column: ColumnRef) -> set[str]:
    found = key(catalog.tables[column.table])
    return {found.name} if found and found.place in catalog.links else set()


def _default(draft: Draft, catalog: Catalog) -> Term:
    if draft.root is not None:
        return ref(display(draft.root))
    if draft.tables:
        return ref(display(catalog.tables[draft.tables[0]]))
    said = [
        *(comparison.left for _, comparison in draft.where),
        *(ref(column) for _, column, _ in draft.superlatives),
        *(order.by for order in draft.order),
        *(comparison.left for comparison in draft.having),
    ]
    # Nothing but how many of something there are.
    first = said[0] if said else Measure(function="count")
    return ref(display(catalog.tables[first.table])) if isinstance(first, ColumnRef) else first


def _is_extreme(column: Column, is_descending: bool) -> Comparison:
    inner = Plan(select=(Measure(function="max" if is_descending else "min", column=ref(column)),))
    return Comparison(left=ref(column), operator="=", right=inner)


def _grouping(draft: Draft, select: list[Term], order: list[Ordering]) -> list[ColumnRef]:
    """All that is not aggregated, where something is."""
    plain = [term for term in select if isinstance(term, ColumnRef)]
    measured = [term for term in [*select, *(o.by for o in order)] if isinstance(term, Measure)]
    if not (measured or draft.having):
        return []
    group = list(draft.group)
    if draft.per_root and draft.root is not None and not draft.group:
        counted = {m.table for m in measured if m.table} | {
            part.left.table for part in draft.having if isinstance(part.left, Measure)
        }
        unique = key(draft.root)
        if (
            unique is not None
            and (counted != {draft.root.name})
            and any(p.table == draft.root.name for p in plain)
        ):
            group.append(ref(unique))
    group += plain
    if draft.order and any(isinstance(o.by, ColumnRef) for o in order):
        group += [o.by for o in order if isinstance(o.by, ColumnRef)]
    return list(dict.fromkeys(group))


def _needed(draft: Draft, select: list[Term]) -> list[str]:
    """Tables in the order that they were named; first the one that rows are counted of."""
    counted = [term.table for term in select if isinstance(term, Measure) and term.table]
    return [name for name in dict.fromkeys([*counted, *draft.tables]) if name not in draft.existing]


def _intersected(plan: Plan, draft: Draft) -> Plan:
    """Two values that one column can't have at once are asked of two rows."""
    if draft.having or any(isinstance(term, Measure) for term in plan.select):
        return plan
    for n, (_, one) in enumerate(draft.where):
        for connector, other in draft.where[n + 1 :]:
            if connector == "AND" and _excludes(one, other):
                sides = [
                    plan.model_copy(
                        update={
                            "where": conditions([(c, p) for c, p in draft.where if p is not left_out]),
                            "order_by": (),
                            "limit": None,
                        }
                    )
                    for left_out in (other, one)
                ]
                return sides[0].model_copy(update={"operator": "intersect", "other": sides[1]})
    return plan
