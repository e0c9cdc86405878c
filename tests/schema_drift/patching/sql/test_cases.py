"""Each shape of a model against each kind of change: the text before, what happened, the text after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drifted import change, patched, table
from ruamel.yaml import YAML

from plugins.schema_drift.patching.patch import Mode
from plugins.schema_drift.table import History

_FOLDER = Path(__file__).parent / "cases"


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(_FOLDER.glob("*.yaml"))
        for case in YAML(typ="safe").load(path)
    ]


def _run(case: dict[str, Any], files: dict[str, str]) -> Any:
    history = case.get("history")
    known = None
    if history is not None:
        known = History(frozenset(history.get("kept", ())), history.get("since"), history.get("names", {}))
    changes = [
        change(one, **case.get("detail", {})) if isinstance(one, str) else change(one["change"], **one["detail"])
        for one in case["changes"]
    ]
    return patched(
        files,
        table(case["before"]),
        table(case["after"], known),
        changes,
        case.get("adapter", "duckdb"),
        Mode(case.get("mode", "absorb")),
        case.get("configs"),
    )


@pytest.mark.parametrize("case", _cases())
def test_a_case(case: dict[str, Any]) -> None:
    files = case.get("files") or {"models/stg_orders.sql": case["sql"]}
    wanted = {**files, **(case.get("gives_files") or {})}
    if "gives" in case:
        wanted["models/stg_orders.sql"] = case["gives"]
    result, patch = _run(case, files)
    assert result == wanted
    if "kept" in case:
        assert patch.kept == case["kept"]
    asked = [str(question) for question in patch.questions]
    for text in case.get("asks", ()):
        assert any(text in one for one in asked), asked
    if "asks" not in case:
        assert not asked
    for text in case.get("tells", ()):
        assert any(text in one for one in patch.told.values()), patch.told


@pytest.mark.parametrize("case", _cases())
def test_a_patched_case_stays_as_it_is(case: dict[str, Any]) -> None:
    if case.get("mode") == "propagate":
        # What the models below give is known from the state before only.
        return
    files = case.get("files") or {"models/stg_orders.sql": case["sql"]}
    once, _ = _run(case, files)
    twice, _ = _run(case, once)
    assert twice == once
