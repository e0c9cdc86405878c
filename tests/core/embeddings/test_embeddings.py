"""What is alike in meaning is near."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plugins.core.embeddings import DIMENSIONS, encode


def test_synonyms_are_nearer_than_others() -> None:
    salary, wage, country = encode(["salary", "wage", "country"])
    assert salary @ wage > 0.5 > salary @ country


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_has_a_unit_vector_or_none(texts: list[str]) -> None:
    vectors = encode(texts)
    assert vectors.shape == (len(texts), DIMENSIONS)
    norms = np.linalg.norm(vectors, axis=1)
    assert np.all((np.abs(norms - 1) < 1e-5) | (norms == 0))
