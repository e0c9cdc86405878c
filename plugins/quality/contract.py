"""Soda contracts on disk: finding them, and saying where one is malformed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from plugins.core.errors import SmeltError

_DATASET = re.compile(r"^lake/(?P<schema>\w+)/(?P<table>\w+)$")


@dataclass(frozen=True)
class Contract:
    """A contract file: the dataset it is about, and its parsed content."""

    path: Path
    schema: str
    table: str
    document: Any  # ruamel's mapping, which knows the line of each key

    @property
    def dataset(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.table}"

    def refuse_unknown_checks(self, known: Collection[str]) -> None:
        """Raise SmeltError, with the line, if a check is of none of the `known` kinds."""
        for owner in (self.document, *(self.document.get("columns") or [])):
            checks: Any = owner.get("checks") or []
            for index, check in enumerate(checks):
                kind = next(iter(check), None) if isinstance(check, dict) else check
                if kind not in known:
                    raise SmeltError(
                        f"{self.path}:{checks.lc.item(index)[0] + 1}: there is no check called {kind!r}",
                        f"use one of: {', '.join(sorted(known))} (and end it with a colon)",
                    )


def find_contracts(folder: Path, wanted: Sequence[str] = ()) -> list[Contract]:
    """The contracts below `folder`, of the layers (`silver`) or datasets (`silver.orders`, `orders`) wanted.

    Raises SmeltError that names file and line if one is malformed, or if nothing answers to a wanted name.
    """
    contracts = [_read(path) for path in sorted((*folder.rglob("*.yml"), *folder.rglob("*.yaml")))]
    if not wanted:
        return contracts
    for name in wanted:
        if not any(name in _names(contract) for contract in contracts):
            known = ", ".join(sorted(contract.dataset for contract in contracts)) or "none"
            raise SmeltError(f"no contract is about {name!r}", f"name a layer or one of: {known}")
    return [contract for contract in contracts if _names(contract) & set(wanted)]


def _names(contract: Contract) -> set[str]:
    return {contract.schema, contract.table, contract.dataset}


def _read(path: Path) -> Contract:
    try:
        document: Any = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SmeltError(f"{path}:{line}: not valid YAML: {error.problem}", "correct that line") from error
    except UnicodeDecodeError as error:
        raise SmeltError(f"{path}: not UTF-8 text: {error}", "save the file as UTF-8") from error
    if not isinstance(document, dict) or "dataset" not in document:
        raise SmeltError(f"{path}:1: a contract needs a `dataset`", "add `dataset: lake/<schema>/<table>`")
    match = _DATASET.match(str(document["dataset"]))
    if not match:
        positions: Any = document
        line = positions.lc.value("dataset")[0] + 1
        raise SmeltError(
            f"{path}:{line}: dataset {document['dataset']!r} is not of the form lake/<schema>/<table>",
            "write for example `dataset: lake/silver/orders`",
        )
    return Contract(path, match["schema"], match["table"], document)
