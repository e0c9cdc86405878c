"""Prompt files: what is wrong with one is told with its place; values and placeholders must match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.core.errors import SmeltError
from plugins.core.llm import load_prompt
from plugins.core.llm.prompt import read_prompt
from tests.core.llm.conftest import PROMPT


def _write(folder: Path, text: str) -> Path:
    path = folder / "question.md"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("You answer questions.", "has not the parts of one"),
        (PROMPT.replace("# User", "# Somebody"), "has not the parts of one"),
        (PROMPT.replace("version: 3", "version: [3"), "flow sequence"),
        (PROMPT.replace("version: 3", "verson: 3"), "must say `version`"),
        (PROMPT.replace("version: 3", "version: 3\nmodel: x"), "and nothing else"),
        (PROMPT.replace("about orders", "about {{ topic }}"), "has a placeholder in its system part"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, told: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(SmeltError, match=told) as caught:
        read_prompt(path, "nl_models")
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_missing_prompt_is_named() -> None:
    with pytest.raises(SmeltError, match=r"plugins/nl_models/prompts/no_such_prompt\.md cannot be read"):
        load_prompt("nl_models", "no_such_prompt")


@pytest.mark.parametrize("values", [{}, {"question": "?", "extra": 1}, {"qestion": "?"}])
def test_values_and_placeholders_must_match(tmp_path: Path, values: dict[str, Any]) -> None:
    prompt = read_prompt(_write(tmp_path, PROMPT), "nl_models")
    with pytest.raises(SmeltError, match="prompt nl_models/question: placeholders and values differ"):
        prompt.render(values, str, True)


def test_any_change_of_the_file_changes_its_hash(tmp_path: Path) -> None:
    first = read_prompt(_write(tmp_path, PROMPT), "nl_models")
    second = read_prompt(_write(tmp_path, PROMPT + " "), "nl_models")
    assert first.version == second.version == "3"
    assert first.sha256 != second.sha256
    assert (first.user, first.system) == (second.user, second.system)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ({"n": 1, "x": None, "b": True}, '{\n "n": 1,\n "x": null,\n "b": true\n}'),
        ([1.5, "ü"], '[\n 1.5,\n "ü"\n]'),
        (7, "7"),
    ],
)
def test_values_are_readable(tmp_path: Path, value: object, shown: str) -> None:
    prompt = read_prompt(_write(tmp_path, PROMPT), "nl_models")
    rendered = prompt.render({"question": value}, str, True)
    assert rendered == f'Question: <data name="question">\n{shown}\n</data>'
