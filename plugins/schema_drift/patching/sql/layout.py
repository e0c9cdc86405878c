"""Where line breaks and blanks go, as the file at hand has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.core.editing.edits import Edit

# Longer lists get a line for each entry.
LONGEST = 80


def margin_at(text: str, at: int) -> str:
    """The blanks that the line of a place begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def step_of(text: str) -> str:
    """What one level is indented by: a tab in a file that uses them, else four spaces (two where they are)."""
    margins = [line[: len(line) - len(line.lstrip())] for line in text.splitlines() if line.strip()]
    indented = [one for one in margins if one]
    if sum("\t" in one for one in indented) * 2 > len(indented):
        return "\t"
    widths = {len(one) for one in indented}
    return "  " if widths and any(width % 4 for width in widths) and not any(w % 2 for w in widths) else "    "


def spread(items: Sequence[str], margin: str, step: str) -> str:
    """Entries of a list: one line if they are short, else one each below the place that they stand at."""
    line = ", ".join(items)
    if len(line) <= LONGEST:
        return line
    return "".join(f"\n{margin}{step}{one}," for one in items).removesuffix(",")


def bracketed(word: str, items: Sequence[str], margin: str, step: str, *, is_long: bool) -> str:
    """` word (a, b)`; is_long: with a line for each entry."""
    if not is_long:
        return f" {word} ({', '.join(items)})"
    listed = ",\n".join(f"{margin}{step}{one}" for one in items)
    return f" {word} (\n{listed}\n{margin})"


def ended_alike(text: str, edits: Sequence[Edit]) -> list[Edit]:
    """Edits whose line breaks are those of the text."""
    if "\r\n" not in text:
        return list(edits)
    return [replace(one, text=one.text.replace("\r\n", "\n").replace("\n", "\r\n")) for one in edits]
