"""Bodies of any text fit the forge and give it no command."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from plugins.review.forge.body import as_text

_MARKUP = ["/merge", "  /approve", "> /close", "```", "<details>", "</details>", "text / more", "", "/"]
_BODIES = st.lists(st.sampled_from(_MARKUP) | st.text(max_size=80), max_size=60).map("\n".join)


@given(_BODIES, st.integers(min_value=400, max_value=1500))
def test_text_fits_and_holds_no_command(body: str, limit: int) -> None:
    text = as_text(body, limit)
    assert len(text) <= limit
    assert not re.search(r"^[ \t>]*/[A-Za-z]", text, re.MULTILINE)


@given(st.text(alphabet="ab /\n`", max_size=200))
def test_text_that_fits_keeps_every_character(body: str) -> None:
    assert as_text(body, 1000).replace("\\/", "/") == body


@given(_BODIES)
def test_cut_text_leaves_no_code_block_open(body: str) -> None:
    text = as_text(f"{body}\n```sql\n" + "select 1\n" * 100, 700)
    assert sum(line.lstrip().startswith("```") for line in text.split("\n")) % 2 == 0
