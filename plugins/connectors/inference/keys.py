"""What tells one record from another."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plugins.connectors.inference.names import entity_of
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import is_parameter, parameter_in, segments, singular, words
from plugins.connectors.inferred import Inferred
from plugins.connectors.manifest.text import is_plain
from plugins.connectors.spec.api import Operation
from plugins.connectors.spec.shapes import Shape, Shapes

# Names of identifiers, the surest first, with how sure they are.
_NAMES = (("id", 0.95), ("_id", 0.93), ("gid", 0.93), ("uuid", 0.93), ("guid", 0.92), ("uid", 0.92), ("oid", 0.85))
_WEAKER = (("key", 0.75), ("slug", 0.75), ("code", 0.7), ("handle", 0.65), ("fingerprint", 0.8), ("sku", 0.7))
_SUFFIXES = ("id", "gid", "uuid", "guid", "uid", "key", "code", "number", "slug")
_UNIQUE_SAID = re.compile(
    r"\bunique(ly)?\b.{0,40}\b(id|identif|key)|\bprimary key\b|\bunique (id|identifier)\b|\bidentifier\b", re.I
)
_OF_ANOTHER = re.compile(r"\b(parent|of the (user|owner|parent))\b", re.I)

_PERSONS = vocabulary("keys", "persons")

Key = tuple[str, ...]


def infer_key(
    operation: Operation, records: Records, shapes: Shapes, paths: Iterable[str], is_child: bool
) -> Inferred[Key]:
    """The properties that identify a record; empty if none can be known.

    `paths` are all paths of the API: `/invoices/{uid}` says what identifies an invoice.
    """
    shape, where = records.shape, operation.where
    if not any(is_plain(name) for name in shape.properties):
        return Inferred((), 0.3, "the records are not described", (("id",),))
    scored: dict[Key, tuple[float, str]] = {}

    def offer(name: str, score: float, why: str) -> None:
        inner = shapes.property_of(shape, name, where)
        if not is_plain(name):
            return
        # An id that is called an object without properties is described wrongly, not nested.
        if inner.kind == "array" or (inner.kind == "object" and (inner.properties or inner.values is not None)):
            return
        score += 0.02 * (name in shape.required) + 0.02 * inner.is_read_only
        if scored.get((name,), (0.0, ""))[0] < score:
            scored[name,] = (min(score, 0.98), why)

    by_words = {"".join(words(name)): name for name in shape.properties if is_plain(name)}
    for known, score in _NAMES:
        if known.lstrip("_") in by_words and (name := by_words[known.lstrip("_")]):
            offer(name, score, f"`{name}` is what identifiers are called")
    entity = entity_of(operation.path)
    parts = _entity_words(entity, shape)
    for name in shape.properties:
        own = words(name)
        if len(own) > 1 and own[-1] in _SUFFIXES and _is_own(own[:-1], parts):
            offer(
                name,
                0.9 if own[-1] in ("id", "gid", "uuid", "guid", "uid") else 0.75,
                f"`{name}` is the {parts[0]}'s own",
            )
    for parameter in _of_one(operation.path, paths):
        if matched := _matched(parameter, by_words, parts):
            is_id = bool({"id", "gid", "uuid", "guid", "uid"} & set(words(matched)[-1:]))
            # Beside an `id`, a `company_id` of companies is one that somebody else has given.
            is_second = len(words(matched)) > 1 and "id" in by_words
            offer(matched, 0.96 if is_id and not is_second else 0.88, f"one record is asked for by `{parameter}`")
    for known, score in _WEAKER:
        if known in by_words:
            offer(by_words[known], score, f"`{by_words[known]}` looks like an identifier")
    for name in shape.properties:
        inner = shapes.property_of(shape, name, where)
        about = inner.description[:300]
        if _UNIQUE_SAID.search(about) and not _OF_ANOTHER.search(about) and _is_own(words(name)[:-1], parts):
            offer(name, 0.8, f"`{name}` is described as an identifier")
        elif (
            inner.format in ("uri", "url")
            and words(name)
            and set(words(name)[:-1]) <= {*parts, "self", "vcs", "html", "web"}
        ):
            offer(name, 0.45, f"`{name}` is the record's address")
    if not scored:
        return _weakest(shape, shapes, where, by_words, entity)
    ranked = sorted(scored.items(), key=lambda item: -item[1][0])
    (best, (score, why)), others = ranked[0], ranked[1:]
    if score < 0.5:
        return Inferred(best, score, why, (*(key for key, _ in others), ()))
    return Inferred(best, round(score, 2), why, tuple(key for key, _ in others[:3]))


def _weakest(shape: Shape, shapes: Shapes, where: str, by_words: dict[str, str], entity: str) -> Inferred[Key]:
    """Without an identifier: an address or a mail address that is each record's own, else none."""
    text = {
        plain: name for plain, name in by_words.items() if shapes.property_of(shape, name, where).kind == "string"
    }
    own = [
        name
        for plain, name in text.items()
        if plain.endswith("url")
        and (plain == "url" or _is_own(words(name)[:-1], (*_entity_words(entity, shape), "vcs")))
    ]
    mail = [name for plain, name in text.items() if plain in ("email", "emailaddress", "login", "username")]
    if own:
        return Inferred((own[0],), 0.55, f"`{own[0]}` is the record's address", ((),))
    if mail and set(_entity_words(entity, shape)[:2]) & _PERSONS:
        return Inferred((mail[0],), 0.6, f"`{mail[0]}` is one per person", ((),))
    ids = [
        name for name in shape.properties if words(name)[-1:] in (("id",), ("uuid",), ("gid",)) and is_plain(name)
    ]
    if len(ids) == 1 and ids[0] == next(iter(shape.properties)):
        return Inferred((ids[0],), 0.65, f"`{ids[0]}` comes first, and nothing else is an id", ((),))
    named = [name for plain, name in text.items() if plain in ("name", "symbol", "ticker", "iso", "date")]
    foreign = tuple(name for name in shape.properties if words(name)[-1:] == ("id",) and len(words(name)) > 1)
    return Inferred(
        (), 0.5, "nothing in a record looks like its own identifier", (*((one,) for one in named), foreign)[:3]
    )


def _entity_words(entity: str, shape: Shape) -> tuple[str, ...]:
    named = [singular(part) for part in words(entity)]
    return tuple(dict.fromkeys([*reversed(named), *(singular(part) for part in reversed(words(shape.name)))])) or (
        "",
    )


def _is_own(prefix: tuple[str, ...], entity: tuple[str, ...]) -> bool:
    """Whether a property's first words are the entity's: `content_block` of content blocks, `template` of
    templates."""
    if not prefix:
        return True
    return singular(prefix[-1]) in entity[:1] or all(singular(word) in entity for word in prefix)


def _of_one(path: str, paths: Iterable[str]) -> list[str]:
    """The parameters by which one record of the collection at `path` is asked for."""
    base = segments(path)
    deeper = (parts for other in paths if len(parts := segments(other)) == len(base) + 1)
    return [parameter_in(parts[-1]) for parts in deeper if parts[:-1] == base and is_parameter(parts[-1])]


def _matched(parameter: str, by_words: dict[str, str], entity: tuple[str, ...]) -> str | None:
    own = words(parameter)
    if "".join(own) in by_words:
        return by_words["".join(own)]
    for cut in range(1, len(own)):
        rest = "".join(own[cut:])
        if rest in by_words and all(singular(word) in entity or len(own) - cut == 1 for word in own[:cut]):
            return by_words[rest]
    return None
