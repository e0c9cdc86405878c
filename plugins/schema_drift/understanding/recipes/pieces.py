"""One column in several: what was one text (or moment) stands in parts now, or parts stand in one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from plugins.core.duck import literal
from plugins.schema_drift.change import Kind
from plugins.schema_drift.understanding.reading import Side
from plugins.schema_drift.understanding.types import Family, read_type

from .recipe import Expression, Recipe

_LEAST_CONTAINED = 0.75
_LEAST_CONSTANT = 0.98
_MOST_PARTS = 5
_SAMPLE = 300
Texts = Sequence[str | None]


def splits(
    old: Side, new: Side, one: int, parts: Sequence[int], whole: Texts, pieces: dict[int, Texts]
) -> list[Recipe]:
    """Recipes by which old column `one` is made from some of the new columns `parts`."""
    found = []
    widths, pieces = _padded(whole, parts, pieces, new)
    for order, marks in _layouts(whole, parts, pieces):
        types = [new.types[n] for n in order]
        parts_of = [_Part(new.types[n], "" in pieces[n], widths.get(n)) for n in order]
        supply = tuple(_piece(place, marks, type_) for place, type_ in enumerate(types))
        delimiters = list(marks[1:-1])
        between = f", delimited by {', '.join(map(repr, delimiters))}," if any(delimiters) else ""
        text = f"parts of it{between} stand in {len(order)} columns"
        found.append(
            Recipe(
                Kind.COLUMN_SPLIT, (one,), tuple(order), (_typed(_joined(marks, parts_of), old.types[one]),),
                supply,
                {"delimiters": delimiters}, text,
            )
        )  # fmt: skip
    return found + _moments(old, new, (one,), tuple(parts))


def merges(
    old: Side, new: Side, two: int, parts: Sequence[int], whole: Texts, pieces: dict[int, Texts]
) -> list[Recipe]:
    """Recipes by which some of the old columns `parts` stand in new column `two`."""
    found = []
    widths, pieces = _padded(whole, parts, pieces, old)
    for order, marks in _layouts(whole, parts, pieces):
        types = [old.types[n] for n in order]
        parts_of = [_Part(old.types[n], "" in pieces[n], widths.get(n)) for n in order]
        restore = tuple(_piece(place, marks, type_) for place, type_ in enumerate(types))
        delimiters = list(marks[1:-1])
        between = f", delimited by {', '.join(map(repr, delimiters))}" if any(delimiters) else ""
        text = f"{len(order)} columns stand in one{between}"
        found.append(
            Recipe(
                Kind.COLUMNS_MERGED, tuple(order), (two,), restore,
                (_typed(_joined(marks, parts_of), new.types[two]),),
                {"delimiters": delimiters}, text,
            )
        )  # fmt: skip
    return found + _moments(old, new, tuple(parts), (two,))


def _padded(
    whole: Texts, parts: Sequence[int], pieces: dict[int, Texts], side: Side
) -> tuple[dict[int, int], dict[int, Texts]]:
    """Numbers that the whole writes with leading zeros: to how many digits; and all parts as it writes them."""
    runs = [re.findall(r"\d+", text) if text else [] for text in whole]
    widths: dict[int, int] = {}
    for part in parts:
        rows = [(found, value) for found, value in zip(runs, pieces[part], strict=True) if found and value]
        if read_type(side.types[part]).family is not Family.INTEGER or not rows:
            continue
        for place in range(max(len(found) for found, _ in rows)):
            here = [(found[place], value) for found, value in rows if len(found) > place]
            held = [run for run, value in here if run.lstrip("0") == value.lstrip("0")]
            is_padded = len({len(run) for run in held}) == 1 and any(run[0] == "0" for run in held)
            if len(held) >= _LEAST_CONSTANT * len(rows) and is_padded:
                widths[part] = len(held[0])
                break
    written = {part: [value and value.zfill(width) for value in pieces[part]] for part, width in widths.items()}
    return widths, pieces | written


def _layouts(
    whole: Texts, parts: Sequence[int], pieces: dict[int, Texts]
) -> list[tuple[list[int], tuple[str, ...]]]:
    """Orders of parts, with what stands before, between and after them in the whole."""
    held = [number for number in parts if _contained(whole, pieces[number]) >= _LEAST_CONTAINED]
    found = []
    for size in range(min(_MOST_PARTS, len(held)), 1, -1):
        for chosen in list(combinations(held, size))[:20]:
            layout = _layout(whole, chosen, pieces)
            if layout is not None:
                found.append(layout)
        if found:
            break
    return found


def _contained(whole: Texts, part: Texts) -> float:
    """The share of rows in which the part stands in the whole and isn't all of it; it may be empty in most."""
    rows = [(w, p) for w, p in zip(whole, part, strict=True) if w and p]
    filled = sum(1 for w in whole if w)
    if len(rows) < 3 or len(rows) < 0.01 * filled:
        return 0.0
    share = sum(p in w and p != w for w, p in rows) / len(rows)
    if len({p for _, p in rows}) < 2:
        # One word for all may stand in the text by chance, unless it does so always.
        is_part = len(rows) >= max(20, 0.9 * filled) and len(rows[0][1]) >= 2
        return share if is_part and share >= _LEAST_CONSTANT else 0.0
    # A part that is all of it in some rows leaves nothing for the others there.
    return share if share >= _LEAST_CONTAINED else _with_whole(rows)


def _with_whole(rows: Sequence[tuple[str, str]]) -> float:
    """The same where most rows have one part only: at least some must have more."""
    more = sum(p in w and p != w for w, p in rows)
    return sum(p in w for w, p in rows) / len(rows) if more >= max(3, 0.01 * len(rows)) else 0.0


def _layout(
    whole: Texts, chosen: Sequence[int], pieces: dict[int, Texts]
) -> tuple[list[int], tuple[str, ...]] | None:
    counted: Counter[tuple[tuple[int, ...], tuple[str, ...]]] = Counter()
    rows = 0
    for place, text in enumerate(whole):
        values = {number: pieces[number][place] for number in chosen}
        if not text or any(not value for value in values.values()):
            continue
        rows += 1
        found = _cut(text, {number: str(value) for number, value in values.items()})
        if found is not None:
            counted[found] += 1
    if not counted or rows < 3:
        return None
    (order, marks), count = counted.most_common(1)[0]
    # A delimiter with letters or digits is a part that is missing, unless it is a word by itself in every row.
    if count < (0.95 if any(map(_is_word, marks[1:-1])) else 0.6) * rows:
        return None
    if any(any(c.isalnum() for c in mark) and not _is_word(mark) for mark in marks[1:-1]):
        return None
    return list(order), marks


def _is_word(mark: str) -> bool:
    """Whether it is a word with blanks around it, such as ` and `."""
    return mark.startswith(" ") and mark.endswith(" ") and mark.strip().isalpha()


def _cut(text: str, values: dict[int, str]) -> tuple[tuple[int, ...], tuple[str, ...]] | None:
    """The order of the values in the text and what is around them; None if they don't all fit side by side."""
    remaining, order, marks, start = dict(values), [], [], 0
    while remaining:
        places = {number: text.find(value, start) for number, value in remaining.items()}
        if min(places.values()) < 0:
            return None
        number = min(remaining, key=lambda n: (places[n], -len(remaining[n])))
        marks.append(text[start : places[number]])
        start = places[number] + len(remaining.pop(number))
        order.append(number)
    marks.append(text[start:])
    return tuple(order), tuple(marks)


@dataclass(frozen=True)
class _Part:
    """The type of a part, whether it is an empty text where there is none, and how wide a number is written."""

    type: str
    is_empty: bool
    width: int | None = None

    def text(self, sql: str) -> str:
        """SQL of the part as text, null where there is none."""
        text = sql if read_type(self.type).family is Family.TEXT else f"cast({sql} as varchar)"
        if self.width:
            text = f"lpad({text}, cast(greatest({self.width}, length({text})) as integer), '0')"
        return f"nullif({text}, '')" if self.is_empty else text


def _joined(marks: tuple[str, ...], parts: Sequence[_Part]) -> Expression:
    """Parts with the delimiters between them; a part that is null takes its delimiter with it."""
    between = set(marks[1:-1])

    def made(c: Sequence[str]) -> str:
        texts = [part.text(one) for part, one in zip(parts, c, strict=True)]
        if len(between) == 1:
            joined = f"nullif(concat_ws({literal(next(iter(between)))}, {', '.join(texts)}), '')"
        else:
            rest = [
                f"coalesce({literal(mark)} || {text}, '')"
                for mark, text in zip(marks[1:], texts[1:], strict=False)
            ]
            joined = " || ".join([texts[0], *rest])
        start = f"{literal(marks[0])} || " if marks[0] else ""
        end = f" || {literal(marks[-1])}" if marks[-1] else ""
        return f"{start}{joined}{end}"

    return made


def _piece(place: int, marks: tuple[str, ...], type_: str) -> Expression | None:
    """The part at a place of the whole: what is up to its delimiter; the last part is all that is left."""
    if any(not mark for mark in marks[1:-1]):
        return None

    def made(c: Sequence[str]) -> str:
        rest = c[0]
        if marks[0]:
            rest = f"substr({rest}, {len(marks[0]) + 1})"
        if marks[-1]:
            rest = f"left({rest}, length({rest}) - {len(marks[-1])})"
        if len(set(marks[1:-1])) == 1 and place < len(marks) - 2:
            return f"nullif(split_part({rest}, {literal(marks[1])}, {place + 1}), '')"
        for mark in marks[1 : place + 1]:
            at = f"strpos({rest}, {literal(mark)})"
            rest = f"case when {at} > 0 then substr({rest}, {at} + {len(mark)}) end"
        if place < len(marks) - 2:
            rest = f"split_part({rest}, {literal(marks[place + 1])}, 1)"
        return f"nullif({rest}, '')"

    return _typed(made, type_)


def _typed(made: Expression, type_: str) -> Expression:
    if read_type(type_).family is Family.TEXT:
        return made
    return lambda c: f"try_cast({made(c)} as {type_})"


def _moments(old: Side, new: Side, olds: tuple[int, ...], news: tuple[int, ...]) -> list[Recipe]:
    """A timestamp as a date and a time, or the other way round."""

    def of(side: Side, numbers: Sequence[int], family: Family) -> list[int]:
        return [number for number in numbers if read_type(side.types[number]).family is family]

    day: Expression = lambda c: f"cast({c[0]} as date)"  # noqa: E731
    hour: Expression = lambda c: f"cast({c[0]} as time)"  # noqa: E731
    both: Expression = lambda c: f"cast({c[0]} as date) + cast({c[1]} as time)"  # noqa: E731
    found = []
    if len(olds) == 1:
        for date in of(new, news, Family.DATE):
            for time in of(new, news, Family.TIME):
                if of(old, olds, Family.TIMESTAMP):
                    recipe = Recipe(
                        Kind.COLUMN_SPLIT, olds, (date, time), (both,), (day, hour), {}, "its date and its time"
                    )
                    found.append(recipe)
    if len(news) == 1 and of(new, news, Family.TIMESTAMP):
        for date in of(old, olds, Family.DATE):
            found.extend(
                Recipe(
                    Kind.COLUMNS_MERGED, (date, time), news, (day, hour), (both,), {}, "a date and a time in one"
                )
                for time in of(old, olds, Family.TIME)
            )
    return found


def sample(texts: Sequence[str | None]) -> Texts:
    """The rows that layouts are looked for in."""
    every = max(1, len(texts) // _SAMPLE)
    return texts[::every]
