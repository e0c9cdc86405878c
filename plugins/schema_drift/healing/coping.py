"""Whether models as they are now cope with a drift, though no proposal was merged: somebody patched by hand.

Bronze keeps a column that the source dropped, so a model that names it still compiles: it reads nulls. What tells
is which names the models that read the source directly use now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType  # pyright: ignore[reportPrivateImportUsage]

from plugins.core.ledger import Hold
from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import compiled_manifest
from plugins.schema_drift.change import Severity

_NAMES = {TokenType.VAR, TokenType.IDENTIFIER, TokenType.STAR}


def readers_state(project: Project, held: Hold) -> str:
    """A fingerprint of the models that read the held stream's table directly, as they are written now.

    Raises SmeltError if the project cannot be read.
    """
    sources = _readers(compiled_manifest(project), held)
    return hashlib.sha256(
        "\0".join(f"{key}\0{text}" for key, text in sorted(sources.items())).encode()
    ).hexdigest()


def copes(project: Project, held: Hold) -> bool:
    """Whether every change that holds the stream back is answered by the models that read it directly.

    A column that went (renamed, split, of a new type beside the old) is answered if what stands for it is named,
    and by every model that still names the old one. Changes that leave the names alone, such as of a unit, can't
    be told so: False.
    """
    readers = [_names(text) for text in _readers(compiled_manifest(project), held).values()]
    worst = [one for one in held.changes if Severity(one["severity"]).rank >= Severity.BREAKING.rank]
    return bool(worst) and all(_is_answered(change, readers) for change in worst)


def _is_answered(change: Mapping[str, Any], readers: Iterable[frozenset[str] | None]) -> bool:
    before, after = ({name.lower() for name in change.get(side) or ()} for side in ("before", "after"))
    old, new = before - after, after - before
    if not old and change["kind"] in ("type_changed", "type_narrowed"):
        old, new = before, {f"{name}__v" for name in before}
    if not old:
        return False
    is_named = False
    for names in readers:
        if names is None:
            return False
        has_new = any(name.startswith(wanted) for name in names for wanted in new)
        if (names & old and not has_new) or (not new and "*" in names):
            return False
        is_named = is_named or has_new
    return is_named or not new


def _readers(manifest: Manifest, held: Hold) -> dict[str, str]:
    """Compiled SQL of what reads the table directly, by unique id."""
    tables = {
        key
        for key, one in manifest.resources.items()
        if one.kind == "source" and one.relation and one.relation[1:] == ("bronze", held.table.lower())
    }
    return {
        key: one.sql or one.raw_sql
        for key, one in manifest.resources.items()
        if one.kind in ("model", "snapshot") and tables & set(one.parents)
    }


def _names(sql: str) -> frozenset[str] | None:
    """Names in a query, lower case, and `*` if there is one; None if it is no SQL."""
    try:
        tokens = sqlglot.tokenize(sql, read="duckdb")
    except SqlglotError:
        return None
    return frozenset(token.text.lower() for token in tokens if token.token_type in _NAMES)
