"""The dictionary of English: base forms, and whether a word is one.

To unpack it takes a third of a second, and most words were looked up before: those are kept in a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

from plugins.nl_models.kept import Kept


@dataclass
class English:
    """found: what is known by now, by `lemma` or `known` and the word; fresh: what no file has yet."""

    found: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, str] = field(default_factory=dict)

    def lemma(self, word: str) -> str:
        """The base form of a word in lower case: `cities` → `city`."""
        if (base := self.found.get(f"lemma {word}")) is None:
            import simplemma

            base = self._keep(f"lemma {word}", simplemma.lemmatize(word, lang="en").lower())
        return base

    def is_word(self, word: str) -> bool:
        """Whether it is in the dictionary."""
        if (found := self.found.get(f"known {word}")) is None:
            import simplemma

            found = self._keep(f"known {word}", "yes" if simplemma.is_known(word, lang="en") else "no")
        return found == "yes"

    def read(self, folder: Path) -> None:
        """Know what is kept in a folder."""
        self.found = {**_file(folder).read(), **self.found}

    def save(self, folder: Path) -> None:
        """Keep there what is new."""
        if self.fresh:
            _file(folder).add(self.fresh)
            self.fresh = {}

    def _keep(self, key: str, value: str) -> str:
        self.found[key] = self.fresh[key] = value
        return value


@cache
def english() -> English:
    """The dictionary of this process."""
    return English()


def _file(folder: Path) -> Kept:
    return Kept(folder / "words.json", f"1 simplemma {version('simplemma')}")
