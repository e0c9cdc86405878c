"""Chunks of a question: some of its words, and what they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from plugins.nl_models.catalog.schema import Column
from plugins.nl_models.words.tokens import Token
from plugins.nl_models.words.verbs import is_verb


@dataclass(frozen=True)
class Chunk:
    """Some tokens, and what they are.

    kind: a cue's name, `adjective`, `table`, `column`, `verb`, `value`, `number`, `date`, `quoted` or `word`.
    found: tables or columns with scores in 0..1, best first; of a value (column, value) pairs. A verb has
    columns: it says what is compared, and doesn't ask for it. bounds: of a date, its first and its last day.
    """

    kind: str
    start: int
    end: int
    text: str
    lemma: str = ""
    found: tuple[tuple[Any, float], ...] = ()
    number: float | None = None
    degree: str = ""
    is_reversed: bool = False
    bounds: tuple[str, str] | None = None

    def value_of(self, column: Column) -> str | None:
        """Of a value, how the column has it; None if it doesn't."""
        return next((value for (owner, value), _ in self.found if owner.place == column.place), None)


def as_verb(chunk: Chunk, token: Token, before: Chunk) -> Chunk:
    """The chunk; where it names a column in part only and stands where a verb stands, as a verb."""
    is_single = chunk.kind == "column" and chunk.end - chunk.start == 1
    is_past = token.lower != token.lemma and not token.lower.endswith("s")
    is_guess = chunk.kind == "column" and chunk.found[0][1] < 0.6 and chunk.lemma != ""
    if is_guess and is_past and before.kind == "column":
        return replace(chunk, kind="verb", lemma=token.lemma)
    if is_guess and before.kind in ("table", "value") and not before.text.endswith(("'s", "s'", "’s", "s’")):
        return replace(chunk, kind="verb", lemma=token.lemma)
    if (
        is_single
        and (is_past or chunk.found[0][1] < 0.92)
        and is_verb(token, before.text.lower(), before.kind, chunk.start)
    ):
        return replace(chunk, kind="verb", lemma=token.lemma)
    return chunk
