"""The Soda contract of a new entity, and its row in the accounting of rows."""

from __future__ import annotations

import re
from typing import Any

from plugins.core.editing.yaml_text import lines
from plugins.source_mapping.drafting.entity import AUDIT_TYPES
from plugins.source_mapping.drafting.staging import Staged
from plugins.source_mapping.planning.expressions import unquoted

_LAST_ACCOUNT = re.compile(r"(?s).*\{\{ row_account\(.*?\) \}\}\n")


def draft_contract(entity: str, description: str, staged: Staged) -> str:
    """Schema, at least a row, and a key that is there once."""
    columns: list[dict[str, Any]] = []
    for one in staged.columns:
        # Soda compares names of types, without what is in brackets.
        data_type = (one.data_type or "varchar").partition("(")[0]
        entry: dict[str, Any] = {"name": unquoted(one.name), "data_type": data_type}
        if one.name in staged.key:
            checks = [{"missing": None}]
            if len(staged.key) == 1:
                checks.append({"duplicate": None})
            entry["checks"] = checks
        columns.append(entry)
    columns += [
        {"name": name, "data_type": kind, "checks": [{"missing": None}]} for name, kind in AUDIT_TYPES.items()
    ]
    checks: list[dict[str, Any]] = [
        {"schema": None},
        {"row_count": {"threshold": {"must_be_greater_than": 0}}},
    ]
    if len(staged.key) > 1:
        checks.append({"duplicate": {"columns": [unquoted(name) for name in staged.key]}})
    head = "\n".join(lines({"dataset": f"lake/silver/{entity}", "description": description}))
    body = "\n".join(lines({"checks": checks}))
    text = f"{head}\n\n{body}\n\n" + "\n".join(lines({"columns": columns})) + "\n"
    # Soda's checks without settings are written bare.
    return re.sub(r"(?m)^(\s*- \w+:) null$", r"\1", text)


def with_account(text: str, source: str, stream: str, entity: str, key: tuple[str, ...]) -> str:
    """The accounting model with one more stream."""
    listed = ", ".join(f"'{unquoted(name)}'" for name in key)
    block = (
        "\n    union all\n    {{ row_account(\n"
        f"        '{source}.{stream}', source('{source}', '{stream}'), ref('int_{entity}__checked'), "
        f"ref('{entity}'),\n"
        f"        ref('quarantine_{entity}'), [{listed}]\n    ) }}}}\n"
    )
    found = _LAST_ACCOUNT.match(text)
    if found is None or f"'{source}.{stream}'" in text:
        return text
    return text[: found.end()] + block + text[found.end() :]
