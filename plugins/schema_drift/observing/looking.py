"""The tables of a project as they are now: which there are, what they are called, and what their keys are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugins.core.project import Manifest
from plugins.schema_drift.observing.found import Found, Warehouse, by_place
from plugins.schema_drift.observing.watched import Watched, built_places, selected, watched_tables

# What dbt leaves when it is interrupted.
_LEFTOVERS = ("__dbt_tmp", "__dbt_backup")


@dataclass(frozen=True)
class Look:
    """tables: what is looked at, with what the warehouse has of it, None: nothing. others: relations of the same
    schemas that the project neither names nor builds. left_out: sources in them that were not selected."""

    tables: tuple[tuple[Watched, Found | None], ...]
    others: tuple[Found, ...] = ()
    left_out: tuple[Found, ...] = ()


def look(manifest: Manifest, warehouse: Warehouse, select: Sequence[str]) -> Look:
    """Everything in the schemas of the project's sources. Raises SmeltError for a selection that names nothing."""
    everything = watched_tables(manifest)
    if not everything:
        return _undeclared(manifest, warehouse, select)
    watched = selected(everything, select)
    relations = warehouse.relations({one.schema for one in watched})
    find = by_place(relations, folds_case=warehouse.folds_case)
    tables = tuple((one, find(one.place)) for one in watched)
    if all(one.is_seed for one in watched):
        return Look(tables)
    ours = built_places(manifest) | {(one.schema.lower(), one.identifier.lower()) for one in everything}
    chosen = {one.id for one in watched}
    left_out = (find(one.place) for one in everything if one.id not in chosen)
    foreign = tuple(one for one in relations if _is_foreign(one, ours))
    return Look(tables, foreign, tuple(one for one in left_out if one is not None))


def _undeclared(manifest: Manifest, warehouse: Warehouse, select: Sequence[str]) -> Look:
    """Of a project that declares neither sources nor seeds: every table that it does not build."""
    built = built_places(manifest)
    places = [one for one in warehouse.relations(()) if not one.is_view and _is_foreign(one, built)]
    name = "{0.schema}.{0.identifier}".format
    watched = [Watched(name(one), name(one), "", one.schema, one.identifier) for one in places]
    chosen = {one.id for one in selected(watched, select)}
    return Look(tuple((w, f) for w, f in zip(watched, places, strict=True) if w.id in chosen))


def _is_foreign(relation: Found, ours: frozenset[tuple[str, str]] | set[tuple[str, str]]) -> bool:
    name = relation.identifier.lower()
    return (relation.schema.lower(), name) not in ours and not name.endswith(_LEFTOVERS)
