"""The words of vocabulary.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path


def vocabulary(section: str, name: str) -> frozenset[str]:
    """The words of one list; raises KeyError if there is none of that name."""
    return frozenset(_read()[section][name].split())


@lru_cache(maxsize=1)
def _read() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))
