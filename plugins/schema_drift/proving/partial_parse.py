"""What dbt itself makes of a patch that is merged: its partial parse loses snapshots that are defined in YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plugins.schema_drift.patching.patch import Patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.proving.telling import names

_YAML = (".yml", ".yaml")


def told_parse(patch: Patch, patched: PatchedProject) -> Iterator[str]:
    """A note where the patch edits YAML that describes what such a snapshot takes its rows from."""
    edited = [one.before for one in patch.changes if one.before is not None and one.path.endswith(_YAML)]
    words = {word for text in edited for word in re.findall(r"[\w$]+", text)}
    resources = patched.manifest.resources
    lost = sorted(
        one.name
        for one in resources.values()
        if one.kind == "snapshot"
        and one.path.endswith(_YAML)
        and any(resources[node].name.rpartition(".")[2] in words for node in one.parents if node in resources)
    )
    if lost:
        yield (
            "**Once after the merge**, run `dbt build --no-partial-parse`: this edits YAML that describes what "
            f"{names(lost)} takes its rows from, and dbt's partial parse then loses snapshots that are "
            "defined in YAML."
        )
