"""Small questions to a syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp


def children(node: exp.Expr) -> Iterator[exp.Expr]:
    """The expressions right below one, without types and bare names."""
    for value in node.args.values():
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, exp.Expr) and not isinstance(child, (exp.DataType, exp.Identifier)):
                yield child


def alias_of(item: exp.Expr) -> str:
    """The name (lower case) that a FROM item is given; "" if none."""
    for pivot in reversed(item.args.get("pivots") or ()):
        if pivot.args.get("alias") is not None:
            return str(pivot.args["alias"].name).lower()
    return (item.alias_or_name or "").lower()


def alias_above(node: exp.Expr) -> str:
    """The name (lower case) that an entry of a select list is given; "" if none."""
    return node.parent.alias.lower() if isinstance(node.parent, exp.Alias) else ""


def repeats_name(column: exp.Expr) -> bool:
    """Whether a column is all of an entry of a select list that gives it its own name: `c.fare as fare`."""
    entry = column.parent
    if not isinstance(column, exp.Column) or not isinstance(entry, exp.Alias):
        return False
    is_entry = isinstance(entry.parent, exp.Select) and entry.arg_key == "expressions"
    return is_entry and alias_above(column) == column.name.lower()


def column_names(item: exp.Expr) -> list[str]:
    """The names that an alias gives to columns."""
    alias = item.args.get("alias")
    return [one.name for one in alias.columns] if isinstance(alias, exp.TableAlias) else []


def place_of(parts: list[exp.Identifier]) -> tuple[int, int]:
    """The place of dotted parts; (-1, -1) where sqlglot keeps none."""
    if not parts or any("start" not in part.meta for part in parts):
        return -1, -1
    return int(parts[0].meta["start"]), int(parts[-1].meta["end"]) + 1


def has_clauses(select: exp.Expr) -> bool:
    """Whether a select does more than to give columns of a table."""
    return any(value for key, value in select.args.items() if key not in ("expressions", "from_", "with_", "kind"))


def is_bare_item(tree: exp.Expr, start: int) -> bool:
    """Whether what is printed at a place is all of an entry of a select list, and gives it its name."""
    for select in tree.find_all(exp.Select):
        for item in select.expressions:
            if isinstance(item, exp.Column) and item.this.meta.get("start") == start:
                return True
    return False


def canonical(tree: exp.Expr, dialect: str, to: str) -> str:
    """An expression without what does not matter: qualifiers, parentheses, case, quotes."""
    tree = exp.select(tree.copy()).expressions[0]
    for column in tree.find_all(exp.Column):
        column.set("table", None)
        if isinstance(column.this, exp.Identifier):
            column.this.set("quoted", False)
    sql = tree.sql(dialect=to)
    return re.sub(r"[\s()]", "", sql).lower()
