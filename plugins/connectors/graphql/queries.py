"""The text of queries: what is selected of each record, and the variables that page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugins.connectors.graphql.types import Argument, Types, is_object, scalar_schema

# Nested objects are asked for two deep: APIs price or refuse deeper queries.
_DEEPEST = 2
_MOST = 150

Selection = dict[str, Any]  # field → None, or the selection below it


def select(
    types: Types, owner: str, depth: int = 0, above: tuple[str, ...] = ()
) -> tuple[Selection, dict[str, Any]]:
    """What to ask for of an object, and the JSON schema of the answer.

    All scalars without required arguments; of single objects their scalars; no lists of objects, which page
    themselves.
    """
    chosen: Selection = {}
    properties: dict[str, Any] = {}
    for field in types.fields(owner):
        if field.is_deprecated or any(one.is_required for one in field.arguments) or len(chosen) >= _MOST:
            continue
        if field.type.kind in ("SCALAR", "ENUM") and field.type.lists <= 1:
            chosen[field.name], properties[field.name] = None, scalar_schema(field.type)
        elif (
            is_object(field.type)
            and not field.type.lists
            and depth < _DEEPEST - 1
            and field.type.name not in above
        ):
            inner, schema = select(types, field.type.name, depth + 1, (*above, owner))
            if inner:
                chosen[field.name], properties[field.name] = inner, schema
    return chosen, {"type": "object", "properties": properties}


def write_query(field: str, arguments: Sequence[Argument], selection: Selection) -> str:
    """A query of one field, its arguments as variables. Braces stand on lines of their own: Jinja reads two as a
    template."""
    declared = ", ".join(f"${one.name}: {one.declared}" for one in arguments)
    given = ", ".join(f"{one.name}: ${one.name}" for one in arguments)
    head = f"query ({declared}) {{" if arguments else "query {"
    call = f"  {field}({given}) {{" if arguments else f"  {field} {{"
    return "\n".join([head, call, *_lines(selection, 2), "  }", "}"])


def _lines(selection: Selection, indent: int) -> list[str]:
    pad = "  " * indent
    lines = []
    for name, inner in selection.items():
        if inner is None:
            lines.append(f"{pad}{name}")
        else:
            lines += [f"{pad}{name} {{", *_lines(inner, indent + 1), f"{pad}}}"]
    return lines
