"""A CASE that names kinds of rows, and the condition that one of the kinds stands for."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from plugins.nl_models.models.expressions import of_tree, parse

_COMPARED = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


def conditions_of(sql: str, value: object) -> tuple[str, ...] | None:
    """What holds where a CASE gives `value`; None if that is not said more simply.

    Only for a CASE whose conditions are about one column, so that one that compares excludes its being null.

    >>> conditions_of("case when n is null then 'a' when n = 1 then 'b' else 'c' end", "c")
    ('n is not null', 'n <> 1')
    """
    tree = parse(sql)
    if not isinstance(tree, exp.Case) or tree.this is not None:
        return None
    branches = [(branch.this, branch.args["true"]) for branch in tree.args["ifs"]]
    values = [then for _, then in branches] + [tree.args.get("default")]
    names = [one.this if isinstance(one, exp.Literal) and one.is_string else None for one in values]
    if None in names or names.count(value) != 1:
        return None
    column = _only_column([condition for condition, _ in branches])
    if column is None:
        return None
    place = names.index(value)
    before = [condition for condition, _ in branches[:place]]
    if place < len(branches):
        return _branch(branches[place][0], before)
    return _otherwise(before)


def _only_column(conditions: Collection[exp.Expr]) -> str | None:
    """The one column that all conditions compare with a constant, or find null."""
    columns = set()
    for condition in conditions:
        is_null = isinstance(condition, exp.Is) and isinstance(condition.expression, exp.Null)
        compares = isinstance(condition, _COMPARED) and isinstance(condition.expression, exp.Literal)
        if not (is_null or compares) or not isinstance(condition.this, exp.Column):
            return None
        columns.add(condition.this.sql())
    return columns.pop() if len(columns) == 1 else None


def _branch(condition: exp.Expr, before: list[exp.Expr]) -> tuple[str, ...] | None:
    """A branch of its own: what stands before it must be excluded by it."""
    if isinstance(condition, exp.Is):
        return (of_tree(condition),) if not before else None
    excluded = all(
        isinstance(other, exp.Is)
        or (isinstance(other, exp.EQ) and isinstance(condition, exp.EQ) and other != condition)
        for other in before
    )
    return (of_tree(condition),) if excluded else None


def _otherwise(before: list[exp.Expr]) -> tuple[str, ...] | None:
    """The rest: no condition holds; without knowing that the column is there, nothing simple can be said."""
    if not any(isinstance(condition, exp.Is) for condition in before):
        return None
    opposite = {exp.EQ: exp.NEQ, exp.GT: exp.LTE, exp.GTE: exp.LT, exp.LT: exp.GTE, exp.LTE: exp.GT}
    found = []
    for condition in before:
        if isinstance(condition, exp.Is):
            found.append(f"{of_tree(condition.this)} is not null")
        else:
            turned = opposite[type(condition)](this=condition.this.copy(), expression=condition.expression.copy())
            found.append(of_tree(turned))
    # Comparing says that the column is there: the first would only repeat it.
    compares = [text for text in found if not text.endswith("is not null")]
    return tuple(compares or found)
