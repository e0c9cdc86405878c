"""What the kinds of evidence that compare data say of two builds: a table of cases, on a real DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from builds import judge, lay_side_by_side

from plugins.review.evidence.comparison import Limits

CASES = yaml.safe_load((Path(__file__).parent / "fixtures" / "comparing.yml").read_text())


def _holds(expected: Any, found: Any) -> bool:
    """Whether facts are as expected, of which there may be more."""
    if not isinstance(expected, dict):
        return expected == found
    return isinstance(found, dict) and all(k in found and _holds(v, found[k]) for k, v in expected.items())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}: {case['name']}")
def test_case(case: dict[str, Any]) -> None:
    limits = Limits(**case.get("limits", {}))
    comparison = lay_side_by_side(case.get("base"), case.get("head"), case.get("key", ["id"]), limits)
    finding = judge(case["kind"], comparison)
    assert finding.outcome == case["outcome"], finding
    assert case.get("says", "") in finding.detail
    assert _holds(case.get("facts", {}), finding.facts), finding.facts
    if case["kind"] in ("keys", "values"):
        assert finding.is_exact == ("limits" not in case), finding
