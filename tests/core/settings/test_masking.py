"""Masking of secrets that are short, or words: hidden wherever they stand alone, and messages stay readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.core.settings import mask, remember

_WORDS = st.text(alphabet="abcXYZ019é", min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("p", "postgresql is up; copy the file:path"),
        ("right", "check the user's copyrights and rightful owners"),
        ("secret1", "the table secret10 and topsecret1"),
    ],
)
def test_a_part_of_a_longer_word_is_left(password: str, text: str) -> None:
    remember(f"postgresql://me:{password}@db/shop")
    assert mask(text) == text


@pytest.mark.parametrize("password", ["p", "right", "hush42", "Abc123Abc123Abc123"])
@pytest.mark.parametrize(
    "around",
    [
        "postgresql://me:{}@db/shop", "https://{}@host/x", "me:{}@db", "x={}", "x='{}'", 'x: "{}"', "x={}&y=1",
        "Bearer {}", "({})", "{}", "me%3A{}%40db", r"failed\n{}\nthere", r"\u0027{}\u0027", r"\x27{}\x27",
        "\x1b[31m{}\x1b[0m", "\x1b[1m{}\x1b[0m", "a_{}_b",
    ],
)  # fmt: skip
def test_a_secret_by_itself_never_shows(password: str, around: str) -> None:
    remember(f"postgresql://me:{password}@db/shop")
    assert mask(around.format(password)).count("****") == 1
    assert mask(around.format(password)) == around.format("****")


def test_a_long_secret_is_masked_within_a_word_too() -> None:
    remember("0123456789abcdef")
    assert mask("key0123456789abcdefs") == "key****s"


def test_the_password_of_a_url_is_masked_whole_if_another_is_its_beginning() -> None:
    remember("postgresql://me:right@db/shop")
    assert mask("postgresql://me:right2@db/shop password=rights") == "postgresql://me:****@db/shop password=****"


@given(_WORDS)
def test_no_password_shows_in_a_url_or_after_a_sign(password: str) -> None:
    remember(f"postgresql://me:{password}@db/shop")
    for text in ("x://me:{}@db", "me:{}@db", "k={}", "'{}'", '"{}"', ": {},"):
        assert mask(text.format(password)) == text.format("****")
