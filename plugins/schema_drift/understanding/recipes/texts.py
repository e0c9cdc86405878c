"""The same text written otherwise: case, padding, leading zeros, punctuation, separators of numbers, encoding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from plugins.core.duck import literal
from plugins.schema_drift.change import Kind
from plugins.schema_drift.understanding.types import NUMBERS, Family, read_type

from .recipe import Expression, Recipe

Texts = Sequence[str | None]
# What it was, what it is, SQL that gives it back, SQL that makes it, and the cost of believing in it.
Way = tuple[str, str, Expression | None, Expression | None, float]


def _call(name: str, rest: str = "") -> Expression:
    return lambda c: f"{name}({c[0]}{rest})"


def _filled(name: str, width: int, with_: str = " ") -> Expression:
    """Filled up to a width; what is longer stays, which SQL's own functions would cut off."""
    return lambda c: f"{name}({c[0]}, cast(greatest({width}, length({c[0]})) as integer), {literal(with_)})"


def _capitals(c: Sequence[str]) -> str:
    return (
        f"array_to_string(list_transform(string_split(lower({c[0]}), ' '), lambda w: upper(w[1]) || w[2:]), ' ')"
    )


def _stripped(c: Sequence[str]) -> str:
    return f"regexp_replace({c[0]}, '[^0-9A-Za-z]', '', 'g')"


def _from_latin(c: Sequence[str]) -> str:
    """Undo what happens to UTF-8 that is read as Latin-1."""
    codes = f"list_transform(string_split({c[0]}, ''), lambda w: printf('%02X', unicode(w)))"
    return f"try(decode(unhex(array_to_string({codes}, ''))))"


def _as_latin(c: Sequence[str]) -> str:
    return (
        f"array_to_string(list_transform(regexp_extract_all(hex(encode({c[0]})), '..'), "
        "lambda w: chr(cast('0x' || w as integer))), '')"
    )


def _decimal_comma(c: Sequence[str]) -> str:
    return f"replace(replace({c[0]}, '.', ''), ',', '.')"


def _no_thousands(c: Sequence[str]) -> str:
    return f"regexp_replace({c[0]}, '[, ''’\\s]', '', 'g')"


def _fraction(c: Sequence[str]) -> str:
    return f"round(try_cast(rtrim({c[0]}, ' %') as double) / 100, 12)"


_PLAIN: tuple[Way, ...] = (
    ("lower case", "upper case", _call("lower"), _call("upper"), 0.1),
    ("upper case", "lower case", _call("upper"), _call("lower"), 0.1),
    ("Capitalised", "upper case", _capitals, _call("upper"), 0.2),
    ("Capitalised", "lower case", _capitals, _call("lower"), 0.2),
    ("lower case", "Capitalised", _call("lower"), _capitals, 0.2),
    ("upper case", "Capitalised", _call("upper"), _capitals, 0.2),
    ("mixed case", "upper case", None, _call("upper"), 0.5),
    ("mixed case", "lower case", None, _call("lower"), 0.5),
    ("trimmed", "padded with spaces", _call("trim"), None, 0.1),
    ("padded with spaces", "trimmed", None, _call("trim"), 0.5),
    ("bare", "in quotes", _call("trim", """, '"'"""), lambda c: f"""'"' || {c[0]} || '"'""", 0.2),
    ("in quotes", "bare", lambda c: f"""'"' || {c[0]} || '"'""", _call("trim", """, '"'"""), 0.2),
    ("without leading zeros", "with leading zeros", _call("ltrim", ", '0'"), None, 0.3),
    ("UTF-8", "UTF-8 read as Latin-1", _from_latin, _as_latin, 0.3),
    ("UTF-8 read as Latin-1", "UTF-8", _as_latin, _from_latin, 0.3),
    ("composed characters (NFC)", "decomposed characters", _call("nfc_normalize"), None, 0.3),
    ("decomposed characters", "composed characters (NFC)", None, _call("nfc_normalize"), 0.6),
    ("with accents", "without accents", None, _call("strip_accents"), 0.6),
    ("plain", "URL-encoded", _call("url_decode"), _call("url_encode"), 0.3),
    ("URL-encoded", "plain", _call("url_encode"), _call("url_decode"), 0.3),
    ("plain", "MD5", None, _call("md5"), 0.3),
    ("plain", "SHA-256", None, _call("sha256"), 0.3),
    ("decimal point", "decimal comma", _decimal_comma, lambda c: f"replace({c[0]}, '.', ',')", 0.3),
    ("decimal comma", "decimal point", lambda c: f"replace({c[0]}, '.', ',')", _decimal_comma, 0.3),
    ("plain number", "thousands separated", _no_thousands, None, 0.3),
    ("thousands separated", "plain number", None, _no_thousands, 0.6),
    ("fraction", "percent sign", _fraction, None, 0.3),
    ("percent sign", "fraction", None, _fraction, 0.6),
    ("without punctuation", "with punctuation", _stripped, None, 0.3),
)


def of_texts(one: int, two: int, type_old: str, type_new: str, before: Texts, after: Texts) -> list[Recipe]:
    """Recipes worth a try for a pair of which at least one side is text; before, after: matched rows."""
    families = read_type(type_old).family, read_type(type_new).family
    if Family.TEXT not in families or not set(families) <= NUMBERS | {Family.TEXT}:
        return []
    recipes = []
    found = (*_PLAIN, *_learned([t for t in before if t], [t for t in after if t]))
    # Numbers have few ways to be written.
    for was, now, back, there, cost in found:
        if families != (Family.TEXT, Family.TEXT) and (was in _LETTERS or now in _LETTERS):
            continue
        restore = _typed(back, families[1], families[0], type_old)
        supply = _typed(there, families[0], families[1], type_new)
        if restore is None and (supply is None or families[0] is not Family.TEXT):
            continue
        recipes.append(
            Recipe(
                Kind.FORMAT_CHANGED, (one,), (two,), (restore,), (supply,),
                {"format_before": was, "format_after": now}, f"the same values, {was} → {now}", cost=cost,
                question=None if restore else _lost(was, now),
            )
        )  # fmt: skip
    return recipes


_LETTERS = frozenset(
    {"lower case", "upper case", "Capitalised", "mixed case", "UTF-8", "with accents", "plain", "URL-encoded",
     "composed characters (NFC)", "decomposed characters", "UTF-8 read as Latin-1"}
)  # fmt: skip


def _lost(was: str, now: str) -> str:
    return f"values were {was} and are {now}; what they were can't be had again. Who needs them?"


def _typed(made: Expression | None, given: Family, wanted: Family, type_: str) -> Expression | None:
    """With a cast to text before it and to the wanted type after it, where these are no text."""
    if made is None:
        return None
    inner = made if given is Family.TEXT else (lambda c: made([f"cast({c[0]} as varchar)"]))
    return inner if wanted is Family.TEXT else (lambda c: f"try_cast({inner(c)} as {type_})")


def _learned(before: Sequence[str], after: Sequence[str]) -> Iterator[Way]:
    """What depends on the values: fixed widths, prefixes, suffixes, templates of punctuation."""
    if not before or not after:
        return
    width_old, width_new = _one_length(before), _one_length(after)
    if width_old:
        zeros = _filled("lpad", width_old, "0")
        right, left = _filled("rpad", width_old), _filled("lpad", width_old)
        yield (f"leading zeros, {width_old} wide", "without", zeros, _call("ltrim", ", '0'"), 0.2)
        yield (f"padded to {width_old}", "trimmed", right, _call("rtrim"), 0.2)
        yield (f"padded to {width_old}", "trimmed", left, _call("ltrim"), 0.2)
    if width_new:
        made = _filled("lpad", width_new, "0")
        yield ("without leading zeros", f"leading zeros, {width_new} wide", _call("ltrim", ", '0'"), made, 0.2)
    yield from _affixes(before, after)
    yield from _runs(before, after)
    yield from _templates(before, after)
    places = Counter(len(text.split(".")[1]) if "." in text else 0 for text in before).most_common(1)[0][0]
    separated: Expression = lambda c: f"format('{{:,.{places}f}}', try_cast({c[0]} as double))"  # noqa: E731
    yield ("thousands separated", "plain number", separated, _no_thousands, 0.3)


def _one_length(texts: Sequence[str]) -> int | None:
    length, count = Counter(map(len, texts)).most_common(1)[0]
    return length if count >= 0.98 * len(texts) and length > 1 else None


def _runs(before: Sequence[str], after: Sequence[str]) -> Iterator[Way]:
    """Leading zeros of the one number within a text: `A-0042-X` and `A-42-X`."""
    widths = [_run_width(texts) for texts in (before, after)]
    inside = any(re.search(r"\D0*\d", text) for text in before[:50])
    if not inside or (widths[0] is None) == (widths[1] is None):
        return
    width = widths[0] or widths[1] or 0
    zeros: Expression = lambda c: _with_run(c[0], _filled("lpad", width, "0")(["{0}"]))  # noqa: E731
    bare: Expression = lambda c: _with_run(c[0], _NO_ZEROS)  # noqa: E731
    padded, plain = f"numbers of {width} digits", "numbers without leading zeros"
    yield (padded, plain, zeros, bare, 0.3) if widths[0] else (plain, padded, bare, zeros, 0.3)


_NO_ZEROS = "coalesce(nullif(ltrim({0}, '0'), ''), left({0}, 1))"


def _with_run(value: str, number: str) -> str:
    parts = [f"regexp_extract({value}, '^([^0-9]*)([0-9]*)(.*)$', {group})" for group in (1, 2, 3)]
    return f"{parts[0]} || {number.format(parts[1])} || {parts[2]}"


def _run_width(texts: Sequence[str]) -> int | None:
    """How many digits the only number in each text has, if it is as many in all; more than it needs in some."""
    found = [re.findall(r"\d+", text) for text in texts]
    widths = {len(runs[0]) for runs in found if len(runs) == 1}
    is_padded = len(widths) == 1 and any(runs[0].startswith("0") for runs in found if runs)
    return widths.pop() if is_padded and all(len(runs) == 1 for runs in found) else None


def _affixes(before: Sequence[str], after: Sequence[str]) -> Iterator[Way]:
    old_start, new_start = _common_start(before), _common_start(after)
    old_end, new_end = (
        _common_start([t[::-1] for t in before])[::-1],
        _common_start([t[::-1] for t in after])[::-1],
    )
    for start, is_new in ((old_start, False), (new_start, True)):
        if start and (start != (old_start if is_new else new_start)):
            add: Expression = lambda c, s=start: f"{literal(s)} || {c[0]}"  # noqa: E731
            cut: Expression = lambda c, s=start: f"substr({c[0]}, {len(s) + 1})"  # noqa: E731
            if is_new:
                yield ("without prefix", f"with prefix {start!r}", cut, add, 0.2)
            else:
                yield (f"with prefix {start!r}", "without prefix", add, cut, 0.2)
    for end, is_new in ((old_end, False), (new_end, True)):
        if end and (end != (old_end if is_new else new_end)):
            add = lambda c, e=end: f"{c[0]} || {literal(e)}"  # noqa: E731
            cut = lambda c, e=end: f"left({c[0]}, length({c[0]}) - {len(e)})"  # noqa: E731
            if is_new:
                yield ("without suffix", f"with suffix {end!r}", cut, add, 0.2)
            else:
                yield (f"with suffix {end!r}", "without suffix", add, cut, 0.2)


def _start(texts: Sequence[str]) -> str:
    """The longest start that all share."""
    start = min(texts)
    last = max(texts)
    length = next(
        (n for n, (a, b) in enumerate(zip(start, last, strict=False)) if a != b), min(len(start), len(last))
    )
    return start[:length]


def _common_start(texts: Sequence[str]) -> str:
    """The longest start that all share and that no digit is part of."""
    return re.split(r"\d", _start(texts))[0]


def _template(text: str) -> tuple[str, ...]:
    """Runs of letters and digits as their lengths, between them the punctuation as it is."""
    return tuple(
        str(len(part)) if part.isalnum() else part for part in re.findall(r"[0-9A-Za-z]+|[^0-9A-Za-z]+", text)
    )


def _templates(before: Sequence[str], after: Sequence[str]) -> Iterator[Way]:
    olds, news = _common_templates(before), _common_templates(after)
    old_punctuated, new_punctuated = _is_punctuated(before), _is_punctuated(after)
    if not old_punctuated and not new_punctuated:
        return
    there = _written(news) if new_punctuated else _stripped
    if olds and old_punctuated:
        shown = " or ".join(_shown(one) for one in olds[:2])
        yield (
            f"written {shown}",
            "other punctuation" if new_punctuated else "no punctuation",
            _written(olds),
            there,
            0.2,
        )
    elif not old_punctuated:
        yield ("no punctuation", "with punctuation", _stripped, there, 0.2)
    yield from _other_start(before, after, olds, news)
    # A space or dash so many characters from the end, as in postcodes.
    for mark in (" ", "-"):
        for place in (2, 3, 4):
            if old_punctuated and sum(len(t) > place and t[-place - 1] == mark for t in before) >= 0.9 * len(
                before
            ):
                back: Expression = lambda c, p=place, m=mark: (  # noqa: E731
                    f"regexp_replace({_stripped(c)}, '(.{{{p}}})$', {literal(m + chr(92) + '1')})"
                )
                yield (f"{mark!r} before the last {place}", "without", back, _stripped, 0.25)


def _other_start(
    before: Sequence[str], after: Sequence[str], olds: Sequence[tuple[str, ...]], news: Sequence[tuple[str, ...]]
) -> Iterator[Way]:
    """Another start besides other punctuation, such as `0` for the country's number of phones."""
    starts = [_start([re.sub("[^0-9A-Za-z]", "", text) for text in texts]) for texts in (before, after)]
    same = len(_start([start[::-1] for start in starts]))
    was, now = (start[: len(start) - same] for start in starts)
    if was == now or not olds or not news:
        return

    def bare(start: str, other: str) -> Expression:
        return lambda c: f"{literal(start)} || substr({_stripped(c)}, {len(other) + 1})"

    back, there = _written(olds, bare(was, now)), _written(news, bare(now, was))
    names = [f"written {_shown(one[0])}, {start!r} first" for one, start in ((olds, was), (news, now))]
    yield (names[0], names[1], back, there, 0.3)


def _is_punctuated(texts: Sequence[str]) -> bool:
    return sum(bool(re.search(r"[^\w]|_", text)) for text in texts) >= 0.9 * len(texts)


def _common_templates(texts: Sequence[str]) -> list[tuple[str, ...]]:
    if any(character.isalpha() and not character.isascii() for text in texts[:50] for character in text):
        return []
    counted = Counter(map(_template, texts)).most_common(4)
    return [one for one, _ in counted] if sum(count for _, count in counted) >= 0.9 * len(texts) else []


def _shown(template: tuple[str, ...]) -> str:
    return "`" + "".join("9" * int(part) if part.isdigit() else part for part in template) + "`"


def _written(templates: Sequence[tuple[str, ...]], made_bare: Expression = _stripped) -> Expression | None:
    """Letters and digits put back into templates, told apart by how many there are."""
    lengths = [sum(int(part) for part in one if part.isdigit()) for one in templates]
    if not templates or len(set(lengths)) != len(lengths):
        return None

    def made(c: Sequence[str]) -> str:
        bare = made_bare(c)
        cases = []
        for one, length in zip(templates, lengths, strict=True):
            groups = [int(part) for part in one if part.isdigit()]
            if len(groups) > 9 or length == 0:
                return "null"
            pattern = "^" + "".join(f"(.{{{size}}})" for size in groups) + "$"
            number = iter(range(1, 10))
            shape = "".join(f"\\{next(number)}" if part.isdigit() else part.replace("\\", "\\\\") for part in one)
            cases.append((length, f"regexp_replace({bare}, {literal(pattern)}, {literal(shape)})"))
        if len(cases) == 1:
            return cases[0][1]
        return "case " + " ".join(f"when length({bare}) = {n} then {made_}" for n, made_ in cases) + " end"

    return made
