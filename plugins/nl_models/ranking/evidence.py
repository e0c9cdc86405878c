"""What speaks for a reading of a question, and what against it: numbers that anyone can check by reading both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plugins.core.sql.guard import Result
from plugins.nl_models.catalog.schema import Catalog, Column, Table
from plugins.nl_models.linking import Chunk
from plugins.nl_models.plan import Plan
from plugins.nl_models.ranking.contents import Contents, contents
from plugins.nl_models.ranking.coverage import relating, uncovered
from plugins.nl_models.render.joining import join_tree
from plugins.nl_models.words.lexicon import lexicon

CONSTRUCTS = (
    "aggregates",
    "groups",
    "having",
    "extremes",
    "orders",
    "distinct",
    "alternatives",
    "sets",
    "conditions",
    "negations",
    "subqueries",
)
_MEASURING = frozenset(
    {"COUNT", "MOST", "LEAST", "AVG", "SUM", "MAX", "MIN", "EACH", "adjective", "number", "MORE", "FEWER"}
)
_MEASURED = frozenset({"COUNT", "AVG", "SUM", "MAX", "MIN"})
_COMPARING = frozenset({"GREATER", "LESS", "GREATER_EQUAL", "LESS_EQUAL", "MORE", "FEWER", "BETWEEN"})
# Links that are no better are guesses by meaning, or by a part of a name.
_SURE = 0.9


def evidence(chunks: Sequence[Chunk], doubts: Sequence[str], plan: Plan, catalog: Catalog) -> Mapping[str, float]:
    """By name, what a reading of chunks as a plan has of each kind of evidence."""
    named = contents(plan)
    linked = [chunk for chunk in chunks if chunk.kind in ("column", "table", "verb")]
    scores = [min(chunk.found[0][1], 1.0) for chunk in linked if chunk.found]
    content = [
        chunk
        for chunk in chunks
        if chunk.kind not in ("ALL", "IN", "IS", "COMMA", "AND", "COMMAND", "THAN", "HAVE", "RELATIVE")
    ]
    unknown = [
        chunk for chunk in content if chunk.kind == "word" and chunk.text.lower() not in lexicon().sets["small"]
    ]
    joins, guessed = _joins(plan, named, catalog)
    mentioned = _mentioned(chunks)
    found = {
        "doubts": min(len(doubts), 3),
        "unknown words": min(len(unknown), 3),
        "unknown share": len(unknown) / max(len(content), 1),
        "uncovered": min(len(uncovered(chunks, len(plan.select))), 2),
        "relating": min(len(relating(chunks)), 2),
        "unknown nouns": len(unknown_nouns(chunks)),
        "unasked groups": bool(plan.group_by) and not _asks_groups(chunks, plan),
        "numbers in text": sum(_is_text_of_numbers(catalog.column(*place)) for place in named.columns),
        "weak links": sum(score < _SURE for score in scores),
        "weakest link": min(scores, default=1.0),
        "unused columns": sum(_is_unused(chunk, named) for chunk in chunks if chunk.kind == "column"),
        "unused values": sum(
            _is_unused(chunk, named) for chunk in chunks if chunk.kind in ("value", "quoted", "number")
        ),
        "unused tables": sum(_is_unused(chunk, named) for chunk in chunks if chunk.kind == "table"),
        "verbs": sum(chunk.kind == "verb" for chunk in chunks),
        "unsaid tables": len(named.tables - mentioned),
        "unsaid columns": _unsaid(plan, chunks),
        "joins": joins,
        "guessed joins": guessed,
        "ambiguous columns": sum(
            _is_ambiguous(chunk, named) for chunk in chunks if chunk.kind in ("column", "verb")
        ),
        "ambiguous values": sum(
            len({c.place for (c, _), _ in chunk.found}) > 1 for chunk in chunks if chunk.kind == "value"
        ),
        "length": len(chunks) / 10,
        "asked twice": max(sum(chunk.kind == "COMMAND" for chunk in chunks) - 1, 0),
        "unread turns": _unread(chunks, named),
        "selected": len(plan.select),
    }
    return found | {name: min(named.constructs.get(name, 0), 2) for name in CONSTRUCTS}


def outcome(result: Result | None) -> dict[str, float]:
    """What the rows say: none where some are expected, nothing but nulls, a count of nothing."""
    rows = result.rows if result is not None else []
    is_nothing = len(rows) == 1 and all(value is None or value == 0 for value in rows[0])
    return {
        "fails": result is None,
        "empty": result is not None and not rows,
        "nothing": bool(rows) and is_nothing,
        "one row": len(rows) == 1 and not is_nothing,
        "repeated rows": len(rows) > 1 and len(set(map(tuple, rows))) < len(rows),
    }


def _joins(plan: Plan, named: Contents, catalog: Catalog) -> tuple[int, int]:
    """How many joins the outer query has, and how many of all that could be used nobody has declared."""
    own = contents(plan.model_copy(update={"where": None, "other": None})).tables or named.tables
    joins = join_tree(catalog, sorted(own)) if len(own) > 1 else []
    return len(named.tables) - 1, sum(join.confidence < 1.0 for join in joins)


def _mentioned(chunks: Sequence[Chunk]) -> set[str]:
    """Tables that a chunk names, or has a column or a value of."""
    found: set[str] = set()
    for chunk in chunks:
        for item, _ in chunk.found:
            if isinstance(item, Table):
                found.add(item.name)
            else:
                found.add(item.table if isinstance(item, Column) else item[0].table)
    return found


def _is_unused(chunk: Chunk, named: Contents) -> bool:
    """Whether nothing of the plan is what a chunk names."""
    if chunk.kind == "number":
        number = chunk.number or 0.0
        return number not in named.values and not any(
            isinstance(v, str) and v.startswith(str(int(number))) for v in named.values
        )
    if chunk.kind in ("value", "quoted"):
        texts = {chunk.text.lower(), *(value.lower() for (_, value), _ in chunk.found)}
        return not texts & named.values
    if chunk.kind == "table":
        return not any(table.name in named.tables for table, _ in chunk.found)
    return not any(column.place in named.columns for column, _ in chunk.found)


def _unsaid(plan: Plan, chunks: Sequence[Chunk]) -> int:
    """Columns that are shown and that no chunk names."""
    said = {item.place for chunk in chunks for item, _ in chunk.found if isinstance(item, Column)}
    shown = contents(Plan(select=plan.select)).columns
    return len(shown - said)


def unknown_nouns(chunks: Sequence[Chunk]) -> list[str]:
    """Words that nothing explains, and that something is counted, measured or told of."""
    small = lexicon().sets["small"]
    words = [
        (n, chunk) for n, chunk in enumerate(chunks) if chunk.kind == "word" and chunk.text.lower() not in small
    ]
    return [chunk.text for n, chunk in words if _is_noun(chunks, n) and not chunk.text.endswith(("ed", "ing"))]


def _is_noun(chunks: Sequence[Chunk], at: int) -> bool:
    """Whether an unknown word stands where it would be what is counted, measured or grouped."""
    back = at - 1
    while back >= 0 and chunks[back].kind in ("ALL", "DISTINCT"):
        back -= 1
    before = chunks[back] if back >= 0 else None
    return before is not None and (before.kind in _MEASURING or before.text.lower() == "of")


def _asks_groups(chunks: Sequence[Chunk], plan: Plan) -> bool:
    kinds = {chunk.kind for chunk in chunks} | {chunk.text.lower() for chunk in chunks if chunk.kind == "IN"}
    said = [chunk.kind for chunk in chunks if chunk.kind != "ALL"]
    # "the name and the average price": one average for each name.
    listed = any(
        before in ("column", "table") and between in ("AND", "COMMA") and measure in _MEASURED
        for before, between, measure in zip(said, said[1:], said[2:], strict=False)
    )
    return listed or bool(kinds & {"EACH", "MOST", "LEAST", "MORE", "FEWER", "by"}) or plan.having is not None


def _is_text_of_numbers(column: Column) -> bool:
    return column.kind == "number" and column.data_type.upper().startswith("VARCHAR")


def _is_ambiguous(chunk: Chunk, named: Contents) -> bool:
    """Whether another column has the name as much as the one that is used."""
    scores = {column.place: score for column, score in chunk.found}
    used = [score for place, score in scores.items() if place in named.columns]
    others = [score for place, score in scores.items() if place not in named.columns]
    return bool(used) and bool(others) and max(others) >= max(used) - 0.05


def _unread(chunks: Sequence[Chunk], named: Contents) -> int:
    """Turns of the question that the plan has nothing of: an extreme, an average, a negation, an order."""
    made = named.constructs
    kinds = {chunk.kind for chunk in chunks}
    has_extreme = any(chunk.kind == "adjective" and chunk.degree == "most" for chunk in chunks)
    extremes = made.get("extremes", 0) + made.get("subqueries", 0) + made.get("aggregates", 0)
    return sum(
        (
            bool(kinds & {"MOST", "LEAST"}) and not extremes,
            has_extreme and not extremes + made.get("orders", 0),
            bool(kinds & {"AVG", "SUM", "MAX", "MIN"}) and not extremes + made.get("having", 0),
            "COUNT" in kinds
            and not made.get("aggregates", 0)
            + made.get("having", 0)
            + made.get("orders", 0)
            + made.get("extremes", 0),
            bool(kinds & {"NOT", "BUT"}) and not made.get("negations", 0) + made.get("sets", 0),
            bool(kinds & {"ORDER", "ASCENDING", "DESCENDING"})
            and not made.get("orders", 0) + made.get("extremes", 0),
            "EACH" in kinds and (bool(kinds & _MEASURED) or has_extreme) and not made.get("groups", 0),
            "DISTINCT" in kinds and not made.get("distinct", 0) + made.get("groups", 0),
            sum(chunk.kind in _COMPARING or chunk.degree == "more" for chunk in chunks)
            > made.get("comparisons", 0),
            "DIFFERENT" in kinds,
        )
    )
