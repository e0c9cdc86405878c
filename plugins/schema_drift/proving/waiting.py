"""What the drift has broken, and the patch leaves as it is: somebody is asked about it."""

from __future__ import annotations

from plugins.review import Review
from plugins.schema_drift.patching.patch import Patch

_TESTS = ("test", "unit_test")


def reads_what_is_gone(patch: Patch, review: Review) -> dict[str, frozenset[str]]:
    """By a model's or test's name: columns, lower case, that are gone and asked about, and that it is made of."""
    if review.change is None or not patch.waiting:
        return {}
    loaded = review.change.base.loaded
    found: dict[str, frozenset[str]] = {}
    for place in patch.waiting:
        reached = loaded.graph.downstream([place]).nodes
        for test in (one for kind in _TESTS for one in loaded.manifest.of_type(kind)):
            if not {place[0], *reached}.isdisjoint(test.get("depends_on", {}).get("nodes", ())):
                found[test["name"]] = found.get(test["name"], frozenset()) | {place[1]}
        for node in reached:
            name = review.change.name(node)
            found[name] = found.get(name, frozenset()) | {place[1]}
    return found


def waits_for_answers(patch: Patch, review: Review) -> frozenset[tuple[str, str]]:
    """(kind of finding, subject) of models and tests that a question is about, and whose files are not changed.

    A model waits if it is asked about, or reads a table that is not patched; a test, if all that it tests waits or
    is such a table.
    """
    if review.change is None:
        return frozenset()
    asked = {one.path for one in patch.questions if one.path and not one.is_minor}
    asked -= {change.path for change in patch.changes}
    manifest = review.change.head.loaded.manifest
    found: set[tuple[str, str]] = set()
    waiting = set(patch.unpatched)
    for node in manifest.document["nodes"].values():
        reads = node.get("depends_on", {}).get("nodes", ())
        is_open = node["original_file_path"] in asked or not patch.unpatched.isdisjoint(reads)
        is_changed = any(node["original_file_path"] == change.path for change in patch.changes)
        if node["resource_type"] not in _TESTS and is_open and not is_changed:
            waiting.add(node["unique_id"])
            found.add(("compile", review.change.name(node["unique_id"])))
            found.add(("compile", node["name"]))
    for test in (one for kind in _TESTS for one in manifest.of_type(kind)):
        tested = test.get("depends_on", {}).get("nodes", ())
        if tested and waiting.issuperset(tested):
            found.add(("tests", test["name"]))
    return frozenset(found)
