"""What is kept beside the catalog index: used while it holds, made anew when it is stale or damaged."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Analysis, TimeRange
from plugins.nl_models.kept import Kept
from plugins.nl_models.render.metricflow import MetricFlow
from plugins.nl_models.semantic.layer import SemanticLayer
from plugins.nl_models.words.english import English
from tests.nl_models.language.library import manifest

ASKED = Analysis(metrics=("loans",))
LATER = TimeRange(start=date(2024, 1, 1), label="2024")
DAMAGED = ["", "{", "[]", "null", '{"version": 1}', '{"version": "1", "entries": 7}', "\0", "[" * 100_000]


def rendered(folder: Path, analysis: Analysis = ASKED, **more: Any) -> str:
    """The SQL of a process that keeps it in a folder. more: in the semantic manifest."""
    return MetricFlow(SemanticLayer.of({**manifest(), **more}), folder).to_sql(analysis)


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_holds_nothing_and_is_made_anew(tmp_path: Path, text: str) -> None:
    kept = Kept(tmp_path / "kept.json", "1")
    kept.path.write_text(text)
    assert kept.read() == {}
    kept.add({"a": "b"})
    assert kept.read() == {"a": "b"}


def test_what_another_version_found_out_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    Kept(path, "1").add({"a": "b"})
    Kept(path, "1").add({"c": "d"})
    assert Kept(path, "1").read() == {"a": "b", "c": "d"}
    assert Kept(path, "2").read() == {}
    Kept(path, "2").add({"e": "f"})
    assert Kept(path, "2").read() == {"e": "f"}


def test_a_folder_that_cannot_be_made_costs_nothing_but_the_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Kept(tmp_path / "file" / "kept.json", "1")
    kept.add({"a": "b"})
    assert kept.read() == {}


def test_words_are_looked_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = English()
    looked_up = [first.lemma("cities"), first.lemma("sold"), first.is_word("cities"), first.is_word("citeis")]
    assert looked_up == ["city", "sell", True, False]
    first.save(tmp_path)

    monkeypatch.setattr("simplemma.lemmatize", None)
    monkeypatch.setattr("simplemma.is_known", None)
    second = English()
    second.read(tmp_path)
    assert [second.lemma("cities"), second.lemma("sold"), second.is_word("cities"), second.is_word("citeis")] == (
        looked_up
    )


def test_only_what_was_not_asked_before_is_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = rendered(tmp_path)
    assert first == MetricFlow(SemanticLayer.of(manifest())).to_sql(ASKED)

    def explained(*_: object) -> str:
        raise SmeltError("MetricFlow was asked", "keep its SQL")

    monkeypatch.setattr(MetricFlow, "_explained", explained)
    assert rendered(tmp_path) == first
    with pytest.raises(SmeltError, match="MetricFlow was asked"):
        rendered(tmp_path, ASKED.model_copy(update={"time_range": LATER}))
    with pytest.raises(SmeltError, match="MetricFlow was asked"):
        rendered(tmp_path, saved_queries=[])


@pytest.mark.parametrize("text", ["", "select (", "drop table gold.loans", "select 1; select 2"])
def test_what_is_no_query_is_rendered_again(tmp_path: Path, text: str) -> None:
    right = rendered(tmp_path)
    path = tmp_path / "metricflow.json"
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "entries": dict.fromkeys(document["entries"], text)}))
    assert rendered(tmp_path) == right
