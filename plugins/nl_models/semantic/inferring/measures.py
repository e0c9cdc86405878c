"""What can be summed, averaged and counted in a table, and what people call it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from plugins.nl_models.catalog.names import table_words, words_of
from plugins.nl_models.catalog.schema import Column, Table
from plugins.nl_models.semantic.inferring.star import sql_name

_YES = frozenset({"is", "has", "had", "was"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KEYS = _words("to by id key pk fk sk code number uuid year month week day hour zip postal phone version")
# An hour is when something was; hours are how long it took.
_DURATIONS = ("hours", "minutes", "seconds", "days", "weeks", "months", "years")
# Of these a sum means nothing.
_AVERAGED = _words(
    "price rate ratio pct percent percentage share avg average mean median score rating level age margin "
    "temperature latitude longitude lat lng lon height width weight index rank duration minimum maximum min max "
    "factor"
)
_GENERIC = _words("total amount amt value sum count")
_MONEY = _words("total amount amt value revenue sale turnover gmv income subtotal")
# What is said of money without saying what it is for.
_SIDES = _words("net gross")
_OF_SALES = _words(
    "product sell sold order line item sale sales invoice purchase transaction extended ext grand sub revenue"
)
_UNITS = _words("quantity unit qty")
# What sums of money and of things are of, whatever their columns are called.
TURNOVER, _THINGS = "sales", "units sold"
_SALES = ("sales", "revenue", "turnover")


@dataclass(frozen=True)
class Measured:
    """One metric over one table. expr: SQL over it. about: what it is of, apart from `total` and the like.

    day: the time dimension that it is counted by, where that is not the table's main one; rows without it are not.
    """

    table: str
    name: str
    label: str
    agg: str
    expr: str
    synonyms: tuple[str, ...]
    about: tuple[str, ...] = ()
    description: str = ""
    day: str = ""


def is_flag(column: Column) -> bool:
    """Whether a number says only yes or no."""
    words = column.name.lower().split("_")
    return column.kind == "number" and column.distinct <= 2 and (words[0] in _YES or words[-1] == "flag")


def measured(
    table: Table, links: frozenset[tuple[str, str]], key: Column | None, entity: str, *, is_fact: bool
) -> Iterator[Measured]:
    """What the numbers of a table can be had as: sums and averages, or averages where a sum means nothing."""
    one, many = entity.replace("_", " "), plural(table, entity).replace("_", " ")
    for column in table.columns.values():
        words = words_of(column.name)
        is_duration = column.name.lower().endswith(_DURATIONS)
        is_key = column == key or column.place in links or (words[-1] in _KEYS and not is_duration)
        if column.kind != "number" or is_key or is_flag(column) or _is_in_cents(column, table):
            continue
        if is_fact and _is_price_of_row(table, words):
            words = (*words[:-1], "amount")
        about = _about(table, words)
        name = re.sub(r"\W+", "_", column.name.lower()).strip("_")
        label = name.replace("_", " ")
        is_averaged = bool(_AVERAGED.intersection(words))
        called = (label, *column.synonyms, *([] if is_averaged else _called(words, about)))
        plain = Measured(table.name, name, label, "sum", sql_name(column.name), (), about, column.description)
        if not is_averaged:
            of_all = _of_all(label, many)
            yield replace(plain, synonyms=_unique(called, (f"{one} {text}" for text in called), of_all))
        means = [f"{mean} {text}" for text in called for mean in ("average", "avg", "mean")]
        phrases = [f"{mean} per {one}" for mean in means]
        phrases += [f"{mean} {one} {text}" for text in called for mean in ("average", "avg", "mean")]
        phrases += [f"{mean} {label} of {many}" for mean in ("average", "avg", "mean")]
        # The average revenue of months is that of their totals.
        phrases += means if about[-1] != TURNOVER else []
        phrases += _of_one(one, called) if not is_averaged else [label]
        own = name if is_averaged else f"average_{name}"
        yield replace(
            plain, name=own, label=own.replace("_", " "), agg="average", synonyms=_unique(phrases), about=(own,)
        )


def _of_all(label: str, many: str) -> Iterator[str]:
    """The sum over all rows, said with what they are: total amount of payments."""
    if label not in _GENERIC - {"amount"}:
        yield from (f"{total} {label} of {many}" for total in ("total", "overall", "summed"))
        yield f"{label} of {many}"
    # "total of invoices" is how many there are in total, too: that is read apart.
    yield from (f"{total} of {many}" for total in ("sum", "total amount", "total value", "value", "amount"))


def _is_price_of_row(table: Table, words: tuple[str, ...]) -> bool:
    """Whether a price is all that was paid for a row: nothing says of how many pieces."""
    has_pieces = any(_UNITS.intersection(words_of(name)) for name in table.columns)
    return words[-1] == "price" and not {"unit", "list"} & set(words) and not has_pieces


def _is_in_cents(column: Column, table: Table) -> bool:
    """Whether a column is another one in cents."""
    return column.name.lower().removesuffix("_cents") in {name.lower() for name in table.columns} - {
        column.name.lower()
    }


def _unique(*phrases: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(phrase for some in phrases for phrase in some))


def _of_one(one: str, called: Sequence[str]) -> list[str]:
    """What the money of one of them is called on average: AOV, basket size, average net order value."""
    found = [f"{text.removesuffix(' sales')} {one} value" for text in called if text.endswith(" sales")]
    if "sales" in called:
        found += [f"{one} value", f"{one} size", "basket size", "basket value", "average basket"]
        found += ["AOV"] if one == "order" else []
    return [*found, *(f"{mean} {text}" for mean in ("average", "avg") for text in found)]


def _about(table: Table, words: tuple[str, ...]) -> tuple[str, ...]:
    """What a number is of, the same for columns of several tables that mean the same."""
    about = tuple(word for word in words if word not in _GENERIC)
    if words[-1] in _UNITS and not set(about) - _UNITS - _OF_SALES - {"sold"}:
        return (_THINGS,)
    if _MONEY.intersection(words) and set(about) - _SIDES - _MONEY <= {*_OF_SALES, *table_words(table.name)}:
        return (*(word for word in about if word in _SIDES), TURNOVER)
    return about or words


def _called(words: tuple[str, ...], about: tuple[str, ...]) -> Iterator[str]:
    """What else a sum is called: net sales, units sold, freight."""
    *sides, what = about
    text = " ".join(about)
    if what == _THINGS:
        yield from ("units", "units sold", "quantity", "quantity sold", "items sold", "pieces")
    elif what == TURNOVER:
        yield from (" ".join((*sides, word)) for word in (*_SALES, "amount", "value", "total"))
        if sides == ["net"]:
            yield from _SALES
    elif about != words:
        yield from (text, f"total {text}")


def counted(table: Table, key: Column | None, entity: str) -> Measured:
    """How many rows a table has."""
    name = plural(table, entity)
    text, one = name.replace("_", " "), entity.replace("_", " ")
    synonyms = (f"number of {text}", f"{one} count", f"count of {text}", *table.synonyms)
    expr, agg = (sql_name(key.name), "count_distinct") if key is not None else ("1", "sum")
    return Measured(table.name, name, text, agg, expr, synonyms, (entity,), table.description)


def plural(table: Table, entity: str) -> str:
    """What the rows of a table are called: as the table, without what says that it is a fact."""
    called = re.sub(r"^(dim|fct|fact)_", "", table.name.rpartition(".")[2].lower())
    if called in _SALES:
        # Sales are what was paid; their rows are something else.
        return f"{called}_rows"
    is_one = words_of(called)[-1] == called.rpartition("_")[2] and not called.endswith("s")
    return re.sub(r"\W+", "_", _many(called) if is_one else called)


def _many(one: str) -> str:
    """Several of one: categories, boxes, invoices."""
    if re.search(r"[^aeiou]y$", one):
        return f"{one[:-1]}ies"
    return f"{one}es" if re.search(r"(x|z|ch|sh)$", one) else f"{one}s"


def headed(table: Table, column: Column) -> Measured:
    """How many different ones of what rows belong to there are, where no table lists them."""
    one = re.sub(r"_(id|number|no|nr|key)$", "", column.name.lower())
    text = one.replace("_", " ")
    synonyms = (f"number of {text}s", f"{text} count", f"different {text}s", f"distinct {text}s")
    return Measured(table.name, f"{one}s", f"{text}s", "count_distinct", sql_name(column.name), synonyms, (one,))


def multiplied(table: Table, entity: str) -> Measured | None:
    """What was paid, where a table has only prices and numbers of pieces."""
    numbers = {words_of(column.name): column for column in table.columns.values() if column.kind == "number"}
    prices = [column for words, column in numbers.items() if words[-1] == "price"]
    pieces = [column for words, column in numbers.items() if words[-1] in _UNITS]
    if len(prices) != 1 or len(pieces) != 1:
        return None
    one = entity.replace("_", " ")
    called = (*_SALES, "sales amount", "amount", "value", f"{one} value", f"{one} amount")
    expr = f"{sql_name(prices[0].name)} * {sql_name(pieces[0].name)}"
    return Measured(table.name, "sales_amount", "sales amount", "sum", expr, called, (TURNOVER,))


def taking_part(table: Table, column: str, others: str, rows: str) -> Measured:
    """How many different ones of a dimension a fact has: customers with orders."""
    text = others.replace("_", " ")
    hows = ("different", "distinct", "unique", "active", "number of different", "number of distinct")
    synonyms = (*(f"{how} {text}" for how in hows), f"{text} with {rows.replace('_', ' ')}")
    name = f"active_{others}"
    return Measured(table.name, name, f"active {text}", "count_distinct", sql_name(column), synonyms, (name,))
