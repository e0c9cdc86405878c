"""Entities that nobody has modelled yet: a source was onboarded, and no metric and no gold table is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plugins.core.project.resources import Manifest, Resource
from plugins.nl_models.catalog.joins import MADE_FROM

# What rows were sent to, or made from: nothing that people ask.
_RAW_NAMES = (*MADE_FROM, "quarantine_")


def unmodelled(nodes: Mapping[str, str], manifest: Manifest, modelled: set[str]) -> set[str]:
    """Names of the models that are only made from staging models, and that nothing which is modelled reads.

    nodes: unique ids by name, of all that may be asked. modelled: names of gold tables, and of those that have
    metrics.
    """
    read = set(_upstream(manifest, [nodes[name] for name in modelled if name in nodes]))
    entities = {node for node in nodes.values() if _is_entity(manifest.resources[node])}
    return {
        name
        for name, node in nodes.items()
        if node in entities - read and entities.isdisjoint(manifest.resources[node].parents)
    }


def _is_entity(resource: Resource) -> bool:
    return resource.kind == "model" and not resource.name.startswith(_RAW_NAMES)


def _upstream(manifest: Manifest, nodes: list[str]) -> Iterator[str]:
    """These, and all that they are made from."""
    queue = list(nodes)
    seen = set(queue)
    for node in queue:
        yield node
        resource = manifest.resources.get(node)
        fresh = [parent for parent in resource.parents if parent not in seen] if resource is not None else []
        seen.update(fresh)
        queue += fresh
