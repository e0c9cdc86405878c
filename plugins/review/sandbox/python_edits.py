"""A machine's edit of a Python model: names of columns in strings and attributes, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

from plugins.review.sandbox.edits import is_plain_name


def why_not_renamed(before: str, after: str, columns: Collection[str]) -> str | None:
    """Why two versions of a Python file differ in more than names of columns; None: they don't.

    columns: names, lower case, in whose place another plain name may stand.
    """
    try:
        old, new = ast.parse(before), ast.parse(after)
    except (SyntaxError, ValueError, RecursionError) as error:
        return f"Python that can't be read: {error}"
    return None if _alike(old, new, frozenset(columns)) else "Python other than the names of columns"


def _alike(old: Any, new: Any, columns: frozenset[str], *, is_called: bool = False) -> bool:
    if type(old) is not type(new):
        return False
    if isinstance(old, ast.AST):
        if isinstance(old, ast.Attribute) and not is_called and _is_renamed(old.attr, new.attr, columns):
            return _alike(old.value, new.value, columns)
        if isinstance(old, ast.Constant):
            return _alike_constants(old.value, new.value, columns)
        return all(
            _alike(
                getattr(old, name, None),
                getattr(new, name, None),
                columns,
                is_called=isinstance(old, ast.Call) and name == "func",
            )
            for name in old._fields
        )
    if isinstance(old, list):
        return len(old) == len(new) and all(_alike(a, b, columns) for a, b in zip(old, new, strict=True))
    return old == new


def _alike_constants(old: Any, new: Any, columns: frozenset[str]) -> bool:
    if type(old) is not type(new):
        return False
    return old == new or (isinstance(old, str) and old.lower() in columns and is_plain_name(new))


def _is_renamed(old: str, new: str, columns: frozenset[str]) -> bool:
    is_name = new.isidentifier() and not new.startswith("_") and is_plain_name(new)
    return old == new or (old.lower() in columns and is_name)
