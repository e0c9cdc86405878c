"""all-MiniLM-L6-v2 distilled to one vector a token (model2vec, Tulkens and van Dongen 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

DIMENSIONS = 256

Vectors = NDArray[np.float32]


@cache
def _model() -> tuple[Tokenizer, NDArray[np.int8]]:
    """The word pieces, and one row for each; how telling a piece is (SIF) is in its length."""
    folder = files("plugins.core.embeddings") / "minilm-static"
    with as_file(folder / "tokenizer.json") as tokenizer, as_file(folder / "model.safetensors") as tensors:
        return Tokenizer.from_file(str(tokenizer)), load_file(tensors)["embeddings"]


@cache
def vocabulary() -> tuple[str, ...]:
    """The model's word pieces, the most frequent words first."""
    pieces = _model()[0].get_vocab()
    return tuple(sorted(pieces, key=pieces.__getitem__))


def encode(texts: Sequence[str]) -> Vectors:
    """One unit vector a text, shape (len(texts), DIMENSIONS); all zeros where no token is known, as of ""."""
    tokenizer, embeddings = _model()
    # Names repeat: a thousand tables have few columns that no other has.
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    vectors = np.zeros((len(rows), DIMENSIONS), dtype=np.float32)
    encodings = tokenizer.encode_batch(list(rows), add_special_tokens=False)
    lengths = np.array([len(encoding.ids) for encoding in encodings])
    if lengths.any():
        ids = np.concatenate([np.array(encoding.ids, dtype=np.int64) for encoding in encodings if encoding.ids])
        # Sums point where means do, and only where a vector points is kept. reduceat wants no empty stretch.
        starts = np.concatenate([[0], np.cumsum(lengths[lengths > 0])[:-1]])
        vectors[lengths > 0] = np.add.reduceat(embeddings[ids].astype(np.float32), starts, axis=0)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.divide(vectors, norms, out=vectors, where=norms > 0)
    return vectors if len(rows) == len(texts) else vectors[[rows[text] for text in texts]]
