"""Personal data is found by form and check digit, and what analysts write every day is left alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plugins.core.privacy import find_pii, is_pii_name, mask_value, redact

_CASES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "shown"), _CASES["personal"])
def test_personal_data_becomes_its_type(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("text", _CASES["harmless"])
def test_what_is_not_personal_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("name", _CASES["names"]["personal"])
def test_columns_called_like_personal_data_are_masked_whole(name: str) -> None:
    assert is_pii_name(name)
    assert mask_value("Some Value", name) == "[PII]"


@pytest.mark.parametrize("name", _CASES["names"]["harmless"])
def test_other_columns_show_their_values(name: str) -> None:
    assert not is_pii_name(name)
    assert mask_value("Some Value", name) == "Some Value"


def test_marked_columns_show_the_type_of_their_values_at_most() -> None:
    assert mask_value("jane@example.com", "contact", is_pii=True) == "[EMAIL]"
    assert mask_value("Jane", "contact", is_pii=True) == "[PII]"
    assert mask_value("Jane, jane@example.com, 192.168.1.10", "contact", is_pii=True) == "[PII]"
    assert mask_value(4111111111111111, "n") == "[CARD]"
    assert mask_value(None, "email") == "null"


_SURROUNDINGS = st.text(alphabet=" \t\n,;:'\"<>()[]{}=|äβ中", max_size=8)
_PERSONAL = [text for text, shown in _CASES["personal"] if shown.count("[") == 1 and shown.startswith("[")]


@given(st.lists(st.sampled_from(_PERSONAL), min_size=1, max_size=4), _SURROUNDINGS)
def test_nothing_personal_survives_whatever_stands_around_it(texts: list[str], between: str) -> None:
    whole = f"{between} {f' | {between} '.join(texts)} {between}"
    shown = redact(whole)
    assert not any(text in shown for text in texts)


@given(st.text())
def test_any_text_is_taken_and_redacting_again_changes_nothing(text: str) -> None:
    shown = redact(text)
    assert redact(shown) == shown
    assert find_pii(shown) == ()


@pytest.mark.parametrize("piece", ["a1b2 ", "x", "1 ", "1", "::", "a:", "+1", "AA11", "a@", "0-", "1."])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    # Ten times the text, and a machine that is busy elsewhere: linear is ten times, quadratic a hundred.
    assert _seconds(piece, 200_000) < 40 * max(_seconds(piece, 20_000), 0.01)


def _seconds(piece: str, length: int) -> float:
    started = time.process_time()
    find_pii(piece * (length // len(piece)))
    return time.process_time() - started
