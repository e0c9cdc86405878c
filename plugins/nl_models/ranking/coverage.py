"""What a question says that a plan may have nothing of: words that no name and no turn of phrase explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plugins.nl_models.linking import Chunk
from plugins.nl_models.words.lexicon import lexicon

# What a verb stands behind: who did, that did, was done.
_BEFORE_VERBS = frozenset({"RELATIVE", "COMMAND", "NOT", "IS", "HAVE", "table", "value", "column", "word"})
# What is compared behind a verb, so that it only says of what: founded in 1990.
_SAID_OF = frozenset(
    {
        "value",
        "quoted",
        "number",
        "date",
        "MOST",
        "LEAST",
        "MORE",
        "FEWER",
        "adjective",
        "table",
        "BETWEEN",
        "EACH",
    }
    | {"GREATER", "LESS", "GREATER_EQUAL", "LESS_EQUAL"}
)
_SKIPPED = frozenset({"ALL", "IN", "IS", "word", "COMMA"})
_BETWEEN_LISTED = frozenset({"ALL", "AND", "COMMA", "AVG", "SUM", "MAX", "MIN", "DISTINCT"})
_SPLITTING = frozenset({"by", "per"})
_WHO = frozenset({"who", "that", "which", "whom"})


def uncovered(chunks: Sequence[Chunk], shown: int) -> list[str]:
    """Words that say something of the data and that no name, no value and no turn of phrase explains.

    shown: how many columns a plan shows; of further questions some must come.
    """
    found = [chunk.text for n, chunk in _unexplained(chunks) if not _is_relating(chunks, n)]
    asked = [chunk.text for n, chunk in enumerate(chunks) if _is_further(chunks, n)]
    listed = _listed(chunks)
    return found + asked[: max(len(asked) + 1 - shown, 0)] + listed[: max(len(listed) - shown, 0)]


def unknown_splits(chunks: Sequence[Chunk]) -> list[str]:
    """Words to split figures by that nothing explains: total by `segment`, but not books by Orwell."""
    return [
        chunk.text
        for n, chunk in _unexplained(chunks)
        if n > 0
        and (chunks[n - 1].kind == "EACH" or chunks[n - 1].text.lower() in _SPLITTING)
        and chunk.text.islower()
        and not (n > 1 and chunks[n - 2].text.lower().endswith("ed"))
    ]


def _listed(chunks: Sequence[Chunk]) -> list[str]:
    """The columns that are asked for first, one after the other: `show the name, the price and the size`."""
    found: list[str] = []
    first = next((n for n, chunk in enumerate(chunks) if chunk.kind == "COMMAND"), len(chunks))
    for chunk in chunks[first + 1 :]:
        if chunk.kind == "column":
            found.append(chunk.text)
        elif chunk.kind not in _BETWEEN_LISTED:
            break
    return found


def _is_further(chunks: Sequence[Chunk], at: int) -> bool:
    """Whether a further question begins: `…, and who wrote it`."""
    return at > 1 and chunks[at].kind == "COMMAND" and chunks[at - 1].kind == "AND"


def relating(chunks: Sequence[Chunk]) -> list[str]:
    """Unexplained verbs that only say how what is named belongs together: who `performed` in which concert."""
    return [chunk.text for n, chunk in _unexplained(chunks) if _is_relating(chunks, n)]


def _unexplained(chunks: Sequence[Chunk]) -> Iterator[tuple[int, Chunk]]:
    small = lexicon().sets["small"] | lexicon().sets["light"] | lexicon().sets["units"]
    for n, chunk in enumerate(chunks):
        is_light = {chunk.text.lower(), chunk.lemma} & small
        # "those who report to her": no report is wanted.
        is_done = chunk.kind == "COMMAND" and n > 0 and chunks[n - 1].text.lower() in _WHO and _is_doing(chunk)
        if (chunk.kind == "word" and not is_light and any(map(str.isalnum, chunk.text))) or is_done:
            yield n, chunk


def _is_doing(chunk: Chunk) -> bool:
    return chunk.text.lower() in lexicon().sets["also done"]


def _is_relating(chunks: Sequence[Chunk], at: int) -> bool:
    """Whether an unexplained word is a verb between things that are named."""
    chunk = chunks[at]
    text = chunk.text.lower()
    before = chunks[at - 1].kind if at else "COMMAND"
    is_inflected = text.endswith(("ed", "ing")) or (chunk.lemma != text and not text.endswith("s"))
    is_verb = before in _BEFORE_VERBS and (is_inflected or before in ("RELATIVE", "NOT") or _is_who(chunks, at))
    behind = next((other.kind for other in chunks[at + 1 :] if other.kind not in _SKIPPED), "end")
    is_between = any(other.kind in ("table", "column", "value") for other in chunks[:at]) and behind in _SAID_OF
    return is_verb and is_between


def _is_who(chunks: Sequence[Chunk], at: int) -> bool:
    return at > 0 and chunks[at - 1].text.lower() in _WHO
