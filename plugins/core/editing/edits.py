"""Changes of a text at places, which leave every other character as it is."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.core.errors import SmeltError


@dataclass(frozen=True)
class Edit:
    """What stands between two places of a text is replaced."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: list[Edit]) -> str:
    """The text with all edits; those at one place in the order of the list.

    >>> apply_edits("a, c", [Edit(3, 3, "b, ")])
    'a, b, c'
    """
    pieces, at = [], 0
    for edit in sorted(dict.fromkeys(edits), key=lambda edit: edit.start):
        if edit.start < at:
            raise SmeltError("two changes meet at one place of the text", "ask for one change at a time")
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])
