"""How a source column becomes a target column: the SQL, in DuckDB's words, that types, reads and converts it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import duckdb

from plugins.core.discovery import ColumnProfile
from plugins.core.duck import literal
from plugins.source_mapping.matching.words import words_of

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
# Functions without brackets: DuckDB reads a column of the name first, and other readers of SQL don't.
_VALUES = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "rowid", "system_user"}
)
# What the guard takes for a look at the session even in quotes, unless a table is named.
_OF_SESSION = frozenset(
    {"current_catalog", "current_role", "current_schema", "current_user", "session_user", "user"}
)
# What `trim("both")` is to sqlglot, though it stands in quotes.
_OF_TRIM = frozenset({"both", "leading", "trailing"})
# Words that begin statements: DuckDB takes them as names, and sqlglot does not.
_STATEMENTS = frozenset(
    {"alter", "attach", "begin", "cache", "call", "comment", "commit", "copy", "delete", "detach", "drop",
     "execute", "explain", "force", "grant", "if", "insert", "install", "kill", "load", "merge", "optimize",
     "partitioned_by", "pragma", "prepare", "regexp", "rename", "reset", "revoke", "rlike", "rollback",
     "set", "truncate", "uncache", "update", "use", "vacuum", "xor"}
)  # fmt: skip
# What expressions read: the first CTE of a staging model, and the sample on which they are tried.
READ_FROM = "source"
_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "hugeint", "decimal", "double", "float", "real", "numeric")
_WHOLE = ("tinyint", "smallint", "integer", "bigint", "hugeint")
# The smaller unit, how many make the larger one, and the words by which a name says either.
_UNITS: tuple[tuple[frozenset[str], int, frozenset[str]], ...] = (
    (
        frozenset({"cent", "cents", "pence", "minor"}),
        100,
        frozenset({"euro", "euros", "dollar", "dollars", "pound", "pounds", "usd", "eur", "gbp"}),
    ),
    (frozenset({"gram", "grams", "g"}), 1_000, frozenset({"kilogram", "kilo", "kg"})),
    (frozenset({"millisecond", "ms", "millis"}), 1_000, frozenset({"second", "seconds", "s", "sec"})),
    (frozenset({"meter", "metre", "m"}), 1_000, frozenset({"kilometer", "km"})),
    (frozenset({"minute", "minutes", "min"}), 60, frozenset({"hour", "hours", "h"})),
    (frozenset({"byte", "bytes"}), 1_048_576, frozenset({"mb", "megabyte", "megabytes"})),
)
_MONEY = frozenset({"amount", "price", "cost", "fee", "total", "balance", "charge", "subtotal", "tax", "revenue"})
_YES = frozenset({"yes", "y", "true", "t", "1", "on", "ja", "oui", "si", "x"})
_NO = frozenset({"no", "n", "false", "f", "0", "off", "nein", "non", ""})
_MOST_CODES = 12


@dataclass(frozen=True)
class Expression:
    """sql: over the source's columns; "" where the column needs nothing. told: what it does, in words."""

    sql: str = ""
    told: str = ""


def identifier(name: str) -> str:
    """A column's name in SQL: quoted only where it must be."""
    is_plain = _SIMPLE.fullmatch(name) and name not in reserved_words() and name not in _STATEMENTS
    return name if is_plain else '"' + name.replace('"', '""') + '"'


def source_column(name: str) -> str:
    """A source's column in an expression: with its table where the name alone would be read as something else."""
    quoted = identifier(name)
    return f"{READ_FROM}.{quoted}" if name.lower() in _OF_SESSION | _OF_TRIM else quoted


@cache
def reserved_words() -> frozenset[str]:
    """Words that SQL keeps for itself, and those that read as if it did, in lower case."""
    sql = "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
    with duckdb.connect() as con:
        found = con.execute(sql).fetchall()
    return frozenset(word for (word,) in found) | {"date", "time", "timestamp", "values"} | _VALUES | _OF_SESSION


def unquoted(identifier: str) -> str:
    """The name that an identifier stands for."""
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier


def expression(
    source: ColumnProfile,
    target: str,
    data_type: str,
    accepted: Sequence[str] = (),
    description: str = "",
    said: str = "",
) -> Expression:
    """The expression that makes `target`, of this SQL type ("" if it isn't known), of one source column.

    accepted: values that the target may have, if that is known. description, said: of the target and of the source
    column; they may say units.
    """
    kind = data_type.lower()
    column = source_column(source.name)
    is_text = source.data_type.upper().startswith(("VARCHAR", "JSON"))
    if codes := same_words(source.values, accepted):
        return Expression(_case(column, codes), "its codes written as the entity's")
    if kind.startswith("bool"):
        return _flag(source, column, is_text)
    if kind.startswith(_NUMBERS):
        return _number(source, f"{source.name} {said}", f"{target} {description}", column, kind, is_text)
    if kind.startswith(("date", "timestamp")):
        return _moment(source, column, kind, is_text)
    if kind.startswith(("varchar", "text", "string", "char")) and not is_text:
        return Expression(f"cast({column} as varchar)", "as text")
    if is_text and not kind:
        return _read(source, column)
    return Expression(_text(source, column)) if is_text else Expression()


def text_of(source: ColumnProfile) -> str:
    """The column as text, null where nothing is said."""
    return _text(source, source_column(source.name))


def _text(source: ColumnProfile, column: str) -> str:
    """Without blanks around it, and null where a placeholder stands for nothing."""
    sql = f"nullif(trim({column}), '')"
    for placeholder in source.placeholders:
        if placeholder.strip():
            sql = f"nullif({sql}, {literal(placeholder)})"
    return sql


def _read(source: ColumnProfile, column: str) -> Expression:
    """Text whose values are all of another type, where no target says a type."""
    casts_to = (source.casts_to or "").lower()
    if casts_to.startswith(("date", "timestamp")):
        return _moment(source, column, casts_to, is_text=True)
    if casts_to.startswith("bool"):
        return _flag(source, column, is_text=True)
    if casts_to.startswith(_NUMBERS):
        return _number(source, source.name, source.name, column, casts_to, is_text=True)
    return Expression(_text(source, column))


def _number(source: ColumnProfile, ours: str, target: str, column: str, kind: str, is_text: bool) -> Expression:
    factor = _factor(ours, source.unit, target)
    told = ""
    if is_text:
        written = _text(source, column)
        written, told = _plain_number(source, written)
        exact = f"decimal(38, {_SCALE})" if factor != 1 else kind
        sql = f"try_cast({written} as {exact})"
    else:
        sql = column
    if factor != 1:
        converted = f"{sql} / {factor}.0" if factor > 1 else f"{sql} * {round(1 / factor)}"
        sql = f"try_cast({converted} as {kind})"
        return Expression(sql, f"divided by {factor}" if factor > 1 else f"times {round(1 / factor)}")
    if is_text:
        return Expression(sql, told)
    same = source.data_type.lower().replace(" ", "") == kind.replace(" ", "")
    # A value that is too large becomes null, which rules see; an error would stop every row.
    return Expression() if same else Expression(f"try_cast({column} as {kind})")


_SCALE = 4
_DECIMAL_COMMA = re.compile(r"[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d{1,4}\s*%?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*%?")


def _plain_number(source: ColumnProfile, written: str) -> tuple[str, str]:
    """SQL of a number written with separators or a percent sign, as a cast reads it; and what was in the way."""
    examples = [example.strip() for example in source.examples if any(c.isdigit() for c in example)]
    told = ""
    if any(example.endswith("%") for example in examples):
        written, told = f"rtrim({written}, '% ')", "a percent sign"
    separated = [example for example in examples if "," in example]
    # `1,234` alone may be either: only what can't be a thousand is a decimal comma.
    if separated and all(_THOUSANDS.fullmatch(example) for example in separated):
        return _if_written(written, _WITH_THOUSANDS, f"replace({written}, ',', '')"), "commas between thousands"
    if separated and all(_DECIMAL_COMMA.fullmatch(example) for example in separated):
        plain = f"replace(replace({written}, '.', ''), ',', '.')"
        return _if_written(written, _WITH_COMMA, plain), "a decimal comma"
    return written, told


_WITH_THOUSANDS = r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?"
_WITH_COMMA = r"[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?"


def _if_written(written: str, form: str, plain: str) -> str:
    """The plain number, of values that are written so; others are null, and no other number."""
    return f"case when regexp_full_match({written}, {literal(form)}) then {plain} end"


def _factor(source: str, unit: str | None, target: str) -> float:
    """By what a value is divided to be in the target's unit; 1 where no units are said, or the same.

    target: its name, with what is said of it.
    """
    ours = {*words_of(source).raw, *((unit or "").lower().split() if unit and ":" not in unit else ())}
    theirs = set(words_of(target).raw)
    for small, factor, large in _UNITS:
        is_money = factor == 100 and bool(theirs & _MONEY)
        if ours & small and not theirs & small and (theirs & large or is_money):
            return factor
        if ours & large and not ours & small and theirs & small:
            return 1 / factor
    return 1


_EPOCHS = {"ms": "epoch_ms({})", "µs": "make_timestamp({})", "ns": "make_timestamp_ns({})"}


def _moment(source: ColumnProfile, column: str, kind: str, is_text: bool) -> Expression:
    form = source.format or ""
    as_kind = "date" if kind.startswith("date") and not kind.startswith("datetime") else kind
    if "epoch" in form:
        number = f"try_cast({_text(source, column)} as bigint)" if is_text else column
        moment = _EPOCHS.get(form.rpartition(" ")[2], "to_timestamp({})").format(number)
        return Expression(f"cast({moment} as {as_kind})", f"from {form}")
    if not is_text:
        same = source.data_type.lower() == as_kind
        return Expression() if same else Expression(f"cast({column} as {as_kind})")
    written = _text(source, column)
    formats = [one.strip() for one in form.split(" or ") if "%" in one]
    if formats and not all(one.startswith("%Y-%m-%d") for one in formats):
        listed = literal(formats[0]) if len(formats) == 1 else f"[{', '.join(map(literal, formats))}]"
        return Expression(f"cast(try_strptime({written}, {listed}) as {as_kind})", f"written as {form}")
    return Expression(f"try_cast({written} as {as_kind})")


def _flag(source: ColumnProfile, column: str, is_text: bool) -> Expression:
    if not is_text:
        same = source.data_type.upper() == "BOOLEAN"
        return Expression() if same else Expression(f"cast({column} as boolean)")
    values = {value.strip().lower() for value in source.values}
    yes, no = sorted(values & _YES), sorted(values & _NO - {""})
    if not values or values - _YES - _NO or {*yes, *no} <= {"true", "false"}:
        return Expression(f"try_cast({_text(source, column)} as boolean)")
    words = [f"when {', '.join(map(literal, yes))} then true"] if yes else []
    words += [f"when {', '.join(map(literal, no))} then false"] if no else []
    whens = " ".join(re.sub(r"when (.*) then", lambda m: _whens(m[1]), one) for one in words)
    return Expression(f"case {whens} end".replace("@", f"lower(trim({column}))"), "yes and no as booleans")


def _whens(listed: str) -> str:
    return f"when @ in ({listed}) then"


def same_words(values: Sequence[str], accepted: Sequence[str]) -> dict[str, str]:
    """The entity's values by ours, where they are other words for the same; empty if that isn't plain."""
    ours = [value for value in values if value.strip()]
    if not accepted or not ours or len(ours) > _MOST_CODES or set(ours) <= set(accepted):
        return {}
    found: dict[str, str] = {}
    for value in ours:
        near = [one for one in accepted if _says_same(value, one)]
        if len(near) != 1:
            return {}
        found[value] = near[0]
    return found if len(set(found.values())) == len(found) else {}


def _says_same(ours: str, theirs: str) -> bool:
    """Equal but for case and signs, or the beginning of it (`M`, `male`)."""
    one = re.sub(r"[\W_]+", "", ours).lower()
    two = re.sub(r"[\W_]+", "", theirs).lower()
    return bool(one) and (one == two or two.startswith(one) or (one.startswith(two) and bool(two)))


def _case(column: str, codes: dict[str, str]) -> str:
    whens = " ".join(f"when {literal(ours)} then {literal(theirs)}" for ours, theirs in codes.items())
    return f"case {column} {whens} end"
