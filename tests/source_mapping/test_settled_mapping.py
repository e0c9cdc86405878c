"""With a language model the doubtful pairs go to it, as profiles; it chooses among the candidates, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.llm.messages_api import KEY, MessagesApi, say, serve
from tests.source_mapping.retailer import Retailer, columns_of

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def retailer(tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    return Retailer.at(tmp_path_factory.mktemp("settled"))


@pytest.fixture
def api() -> Iterator[MessagesApi]:
    with serve() as served:
        yield served


def _tier(retailer: Retailer, api: MessagesApi, candidate: int) -> dict[str, Any]:
    answer = {"choices": [{"question": 0, "candidate": candidate, "because": "classes of loyalty"}]}
    api.script = [say(json.dumps(answer))]
    names = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
    mapped = retailer.map("--to", "marts", "--no-open", **names)
    return columns_of(mapped, "contacts", "customers")["tier"]


def test_a_choice_among_the_candidates_counts_and_shows_no_values(retailer: Retailer, api: MessagesApi):
    (retailer.folder / "smelt.toml").write_text("")
    before = columns_of(retailer.map("--to", "marts", "--no-open"), "contacts", "customers")["tier"]
    candidates = [*before["columns"], *(one["column"] for one in before["runners_up"])]
    chosen = candidates.index("LoyaltyClass")
    found = _tier(retailer, api, chosen)
    assert found["columns"] == ["LoyaltyClass"]
    assert "classes of loyalty" in found["evidence"]
    asked = json.dumps(api.bodies[0])
    assert "How loyal the customer is." in asked
    assert "Fox4" not in asked
    assert "c4@example.com" not in asked


@pytest.mark.parametrize("candidate", [-1, 99])
def test_what_is_no_candidate_changes_nothing(retailer: Retailer, api: MessagesApi, candidate: int):
    (retailer.folder / "smelt.toml").write_text("")
    before = columns_of(retailer.map("--to", "marts", "--no-open"), "contacts", "customers")["tier"]
    assert _tier(retailer, api, candidate) == before


def test_the_mapping_stays_where_the_model_fails(retailer: Retailer):
    names = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    mapped = retailer.map("--to", "marts", "--no-open", **names)
    assert columns_of(mapped, "contacts", "customers")["tier"]["status"] == "question"
