"""Values as questions have them: what is plain takes a short cut, which leads to the same words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugins.nl_models.words.tokens import spoken, tokenise


@given(st.text(st.sampled_from("abAB 12²_-.,'’\"ÄßİΣσ٣\u0301"), max_size=12))
def test_a_value_is_spoken_as_its_tokens_are(value: str) -> None:
    assert spoken(value) == " ".join(token.lower for token in tokenise(value) if token.kind != "comma")
