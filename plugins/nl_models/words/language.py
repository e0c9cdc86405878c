"""Whether a question is in the one language that is understood."""

from __future__ import annotations

import re

ONLY_ENGLISH = "questions are understood in English only: how would you ask it in English?"
_LEAST_ENGLISH = 0.5


def looks_foreign(question: str) -> bool:
    """Whether half of the words or more are no English ones; a text of one word, or of none, is not told."""
    # Imported here: only what can't be answered is looked at.
    from simplemma import in_target_language

    words = re.findall(r"[^\W\d_]{2,}", question)
    return len(words) > 1 and in_target_language(" ".join(words), lang="en") <= _LEAST_ENGLISH
