"""How the project at hand is laid out: where a model goes, what it is called, which layers it has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from plugins.core.project import Manifest

# Macros of the layer between staging and an entity; with them, invalid rows are quarantined and not lost.
LAYER_MACROS = ("audit_columns", "broken_rules", "is_valid", "latest_valid", "quarantined")
_ACCOUNT = "row_account"
_CALL = re.compile(r"\{\{\s*row_account\(")


@dataclass(frozen=True)
class House:
    """staging: folder of staging models by source; None: in the folder of the entity's domain. is_layered: whether
    an entity has a checked and a quarantine model. contracts: folder of Soda contracts, if any. sources: folder of
    the source's YAML. accounting: path of the model that accounts for every row, if there is one. texts: of files
    that are there, by path."""

    staging: str | None
    silver: str | None
    is_layered: bool
    contracts: str | None
    accounting: str | None
    tests_key: str
    models: frozenset[str]
    texts: Mapping[str, str]

    def staging_folder(self, source: str, domain: str) -> PurePosixPath:
        """Where a staging model goes."""
        if self.staging is not None:
            return PurePosixPath(self.staging) / source
        return PurePosixPath(self.silver or "models/staging") / domain


def learn_house(folder: Path, manifest: Manifest, allowed_macros: frozenset[str]) -> House:
    """Read it off what is there. allowed_macros: those that machine-written models may call."""
    own = [r for r in manifest.resources.values() if r.kind == "model" and r.package == manifest.project_name]
    paths = [PurePosixPath(r.path) for r in own]
    silver = next(
        (str(PurePosixPath(*p.parts[: p.parts.index("silver") + 1])) for p in paths if "silver" in p.parts), None
    )
    staged = Counter(str(PurePosixPath(r.path).parent.parent) for r in own if r.name.startswith("stg_"))
    macros = {
        key.rsplit(".", 1)[1]
        for key in manifest.document.get("macros", {})
        if key.startswith(f"macro.{manifest.project_name}.")
    }
    usable = macros & allowed_macros
    accounting = next((r for r in own if _CALL.search(r.raw_sql) and _ACCOUNT in usable), None)
    texts = {}
    if accounting is not None:
        texts[accounting.path] = (folder / accounting.path).read_text("utf-8")
    staging = staged.most_common(1)[0][0] if staged else "models/staging"
    return House(
        staging=None if silver else staging,
        silver=silver,
        is_layered=silver is not None and usable >= set(LAYER_MACROS),
        contracts="contracts/silver" if (folder / "contracts" / "silver").is_dir() else None,
        accounting=accounting.path if accounting is not None else None,
        tests_key="data_tests",
        models=frozenset(r.name for r in own),
        texts=texts,
    )
