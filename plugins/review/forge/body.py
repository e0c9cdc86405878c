"""Markdown for forges: short enough, and without lines that a forge or a bot would take for commands."""

from __future__ import annotations

import re

_NOTE = "\n\n*Cut here: the forge takes no longer text. The whole is in the review's artifact.*\n"
_CLOSING_TAGS = 100
# GitLab runs `/merge` and `/approve` from any description or comment; bots on GitHub do the same.
_COMMAND = re.compile(r"^([ \t>]*)/(?=[A-Za-z])", re.MULTILINE)


def as_text(body: str, limit: int) -> str:
    """`body` without commands, and with at most `limit` characters: whole lines, and a note that it was cut.

    A code block or `<details>` that is open at the cut is closed.
    """
    text = _COMMAND.sub(r"\1\\/", body)
    if len(text) <= limit:
        return text
    kept = text[: limit - len(_NOTE) - _CLOSING_TAGS]
    kept = kept[: kept.rfind("\n") + 1] or kept
    fences = sum(line.lstrip().startswith("```") for line in kept.splitlines())
    opened = min(8, max(0, kept.count("<details") - kept.count("</details>")))
    return kept + ("```\n" if fences % 2 else "") + "</details>" * opened + _NOTE
