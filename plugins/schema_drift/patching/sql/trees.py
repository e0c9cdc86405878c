"""Small questions to a syntax tree."""

from __future__ import annotations

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


def column_names(item: exp.Expr) -> list[str]:
    """The names that an alias gives to columns."""
    alias = item.args.get("alias")
    return [one.name for one in alias.columns] if isinstance(alias, exp.TableAlias) else []


def place_of(parts: list[exp.Identifier]) -> tuple[int, int]:
    """The place of dotted parts; (-1, -1) where sqlglot keeps none."""
    if not parts or any("start" not in part.meta for part in parts):
        return -1, -1
    return int(parts[0].meta["start"]), int(parts[-1].meta["end"]) + 1
