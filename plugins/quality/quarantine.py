"""Quarantined rows: how many and why, which, and what became of them once rules or data changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.ledger import Ledger, open_run
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.core.warehouse.lock import queue_for
from plugins.core.warehouse.reader import open_built


@dataclass(frozen=True)
class RuleCount:
    """How many quarantined rows of `entity` break `rule` (a row may break several)."""

    entity: str
    rule: str
    rows: int


@dataclass(frozen=True)
class Replayed:
    """Quarantined rows of `entity` before and after its rules looked again."""

    entity: str
    before: int
    after: int

    @property
    def left(self) -> int:
        """How many are in quarantine no more."""
        return self.before - self.after


def count_by_rule(cursor: duckdb.DuckDBPyConnection) -> tuple[RuleCount, ...]:
    """Quarantined rows by entity and rule, most first."""
    counts = [
        RuleCount(entity, rule, rows)
        for entity in _entities(cursor)
        for rule, rows in cursor.execute(
            f"select rule, count(*) from (select unnest(_smelt_broken_rules) as rule from {_relation(entity)}) "
            "group by rule"
        ).fetchall()
    ]
    return tuple(sorted(counts, key=lambda count: (-count.rows, count.entity, count.rule)))


def count_rows(cursor: duckdb.DuckDBPyConnection) -> int:
    """Quarantined rows in all, each counted once."""
    return sum(_size(cursor, entity) for entity in _entities(cursor))


def listed(settings: Settings, target: str | None) -> tuple[RuleCount, ...]:
    """`count_by_rule` of the target's last build."""
    with open_built(Project(settings.project_dir, target).warehouse) as con:
        return count_by_rule(con)


def shown(
    settings: Settings, target: str | None, entity: str, rule: str | None, limit: int
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Column names and up to `limit` quarantined rows of `entity`, of those that break `rule` if one is named."""
    with open_built(Project(settings.project_dir, target).warehouse) as con:
        _require(con, entity)
        _require_rule(con, entity, rule)
        found = con.execute(
            f"select _smelt_broken_rules, * exclude (_smelt_broken_rules) from {_relation(entity)} "
            "where ? is null or list_contains(_smelt_broken_rules, ?) limit ?",
            [rule, rule, limit],
        )
        return tuple(column[0] for column in found.description or ()), found.fetchall()


def replay(settings: Settings, target: str | None, entity: str, rule: str | None = None) -> Replayed:
    """Let the rules, as they are now, judge the entity's bronze rows again, and say how many left quarantine.

    Readers see the outcome with the next `smelt build`. Waits if a build is writing the warehouse.
    """
    project = Project(settings.project_dir, target)
    with queue_for(project.warehouse), open_run(Ledger(settings), "replay", entity=entity, rule=rule) as run:
        with open_built(project.warehouse) as con:
            _require(con, entity)
            before = _size(con, entity, rule)
        models = [f"int_{entity}__checked", entity, f"quarantine_{entity}"]
        try:
            built = project.build(select=models, full_refresh=True)
            if built.broken or not built.count("model"):
                names = ", ".join(node.name for node in built.broken) or "no model was built"
                raise SmeltError(f"the rows of {entity} cannot be judged again: {names}", "see logs/dbt.log")
            with project.cursor() as cursor:
                after = _size(cursor, entity, rule)
        finally:
            project.release()
        run.detail.update(before=before, after=after)
    return Replayed(entity, before, after)


def _entities(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    found = cursor.execute(
        "select table_name from information_schema.tables "
        "where table_schema = 'silver' and starts_with(table_name, 'quarantine_') order by table_name"
    ).fetchall()
    return [name.removeprefix("quarantine_") for (name,) in found]


def _require(cursor: duckdb.DuckDBPyConnection, entity: str) -> None:
    known = _entities(cursor)
    if entity not in known:
        raise SmeltError(f"there is no quarantine of {entity!r}", f"name one of: {', '.join(known) or 'none'}")


def _require_rule(cursor: duckdb.DuckDBPyConnection, entity: str, rule: str | None) -> None:
    broken = [count.rule for count in count_by_rule(cursor) if count.entity == entity]
    if rule is not None and rule not in broken:
        raise SmeltError(
            f"no quarantined row of {entity} breaks {rule!r}", f"broken are: {', '.join(broken) or 'none'}"
        )


def _size(cursor: duckdb.DuckDBPyConnection, entity: str, rule: str | None = None) -> int:
    return cursor.execute(
        f"select count(*) from {_relation(entity)} where ? is null or list_contains(_smelt_broken_rules, ?)",
        [rule, rule],
    ).fetchall()[0][0]


def _relation(entity: str) -> str:
    return f"silver.{quote(f'quarantine_{entity}')}"
