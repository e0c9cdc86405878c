"""Tables that refer to another in several roles: home and away, origin and destination, current and permanent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from plugins.nl_models.catalog.names import lemma, words_of
from plugins.nl_models.catalog.schema import Catalog, Join
from plugins.nl_models.linking import Chunk
from plugins.nl_models.words.lexicon import lexicon

_KEY_WORDS = frozenset({"id", "key", "code", "number"})
_SAYING = frozenset({"word", "verb", "column"})


def roles_of(catalog: Catalog) -> list[tuple[Join, frozenset[str]]]:
    """The joins of tables that refer to another more than once, each with the words that say which it is."""
    found = []
    times = Counter((join.child, join.parent) for join in catalog.joins)
    for join in catalog.joins:
        if times[join.child, join.parent] > 1:
            shared = set(words_of(join.parent)) | _KEY_WORDS
            found.append((join, frozenset(set(words_of(join.column)) - shared)))
    return found


def role_before(catalog: Catalog, chunks: Sequence[Chunk], at: int) -> Join | None:
    """The role that is said just before a value: from, to, left."""
    owners = {column.table for (column, _), _ in chunks[at].found}
    for back in range(at - 1, max(at - 4, -1), -1):
        if chunks[back].kind not in ("IN", "verb", "word", "ALL", "table"):
            return None
        for join in _said(catalog, chunks[back]):
            if join.parent in owners:
                return join
    return None


def compared_roles(catalog: Catalog, chunks: Sequence[Chunk]) -> tuple[list[Chunk], tuple[Join, Join] | None]:
    """The chunks without a comparison of two roles, and the two: one address differs from the other."""
    if not any(chunk.kind == "DIFFERENT" for chunk in chunks):
        return list(chunks), None
    said = [
        (n, join) for n, chunk in enumerate(chunks) if chunk.kind in _SAYING for join in _said(catalog, chunk)[:1]
    ]
    pairs = [
        (one, other)
        for n, (_, one) in enumerate(said)
        for _, other in said[n + 1 :]
        if (one.child, one.parent) == (other.child, other.parent) and one.column != other.column
    ]
    if not pairs:
        return list(chunks), None
    roles = {n for n, join in said}
    parent = set(words_of(pairs[0][0].parent))
    kept = [
        chunk
        for n, chunk in enumerate(chunks)
        if n not in roles
        and chunk.kind != "DIFFERENT"
        and not {lemma(word) for word in chunk.text.split()} & (parent | {"one"})
    ]
    return kept, pairs[0]


def without_roles(catalog: Catalog, chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[Join]]:
    """The chunks without words that only say a role, and the joins that those mean."""
    roles = roles_of(catalog)
    if not roles:
        return list(chunks), []
    kept: list[Chunk] = []
    via: list[Join] = []
    for n, chunk in enumerate(chunks):
        said = _said(catalog, chunk) if chunk.kind in _SAYING else []
        own = {column.place for column, score in chunk.found if score >= 0.95} if chunk.kind == "column" else set()
        is_other = bool(own) and not any((join.child, join.column) in own for join, _ in roles)
        if not said or is_other:
            kept.append(chunk)
            continue
        words = set(map(lemma, chunk.text.split()))
        join = said[0]
        if not any((join.child, join.parent) == (other.child, other.parent) for other in via):
            via.append(join)
        parent = catalog.tables[join.parent]
        is_next = n + 1 < len(chunks) and chunks[n + 1].kind == "table"
        if chunk.kind == "column" and words & _KEY_WORDS:
            kept.append(chunk)
        elif not is_next and (words & set(words_of(join.parent)) or _is_somebody(catalog, chunk, join)):
            kept.append(replace(chunk, kind="table", found=((parent, 1.0),)))
    return kept, via


def _is_somebody(catalog: Catalog, chunk: Chunk, join: Join) -> bool:
    """Whether the role is all that it is called by: `substitutes` are players."""
    return chunk.kind == "column" and (join.child, join.column) in catalog.roles


def _said(catalog: Catalog, chunk: Chunk) -> list[Join]:
    """The joins whose role a chunk names."""
    words = [word for text in chunk.text.split() for word in _meant(text.lower())]
    return [join for join, role in roles_of(catalog) if role & set(words)]


def _meant(word: str) -> Iterable[str]:
    base = lemma(word)
    return (word, base, *lexicon().roles.get(base, ()), *lexicon().roles.get(word, ()))
