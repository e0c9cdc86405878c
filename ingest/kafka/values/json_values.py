"""JSON objects → columns, in DuckDB: a pass that sees which keys and types there are, a pass that reads them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute

from ingest.kafka.keys import key_column
from ingest.kafka.values.base import MESSAGES, Part, letters
from ingest.kafka.values.json_layout import Signature, landings, path, repeated_key, split_keys, structure
from ingest.kafka.values.plain_values import as_utf8
from ingest.spec import StreamSpec
from ingest.spec.kafka import KafkaSpec
from plugins.core.duck import literal, quote

# Its functions are made when it is imported, which no type checker sees.
pc: Any = pyarrow.compute
# Schema registries put a zero byte and four bytes of schema id before a value.
_FRAME = 5
_NO_OBJECT = "case when json_valid(smelt_value) then json_type(smelt_value) <> 'OBJECT' else true end"


@dataclass
class JsonDecoder:
    """Reads values that are JSON objects."""

    stream: StreamSpec
    spec: KafkaSpec
    # What most objects of the last messages had in common: they aren't looked at key by key.
    _usual: Signature | None = None

    def parts(
        self, con: duckdb.DuckDBPyConnection, messages: pa.Table, known: Mapping[str, Sequence[str]]
    ) -> Generator[Part, int]:
        """What is as usual first, in one pass; then a part for all others, unless a key's values are of types that
        land in several columns."""
        readable, refused = as_utf8(_unframed(messages))
        if refused.num_rows:
            yield Part("", letters=letters(refused, lambda _n: "not JSON: not UTF-8"))
        con.register(MESSAGES, readable)
        rows = readable.num_rows
        if self._usual:
            is_usual = self._is_usual(self._usual, known)
            try:
                if (yield from self._parts([self._usual], known, is_usual)) == rows:
                    return
            except duckdb.InvalidInputException:
                pass  # some aren't JSON; nothing was written, and they are told apart below
            else:
                found = con.sql(f"select {is_usual} as usual from {MESSAGES}").to_arrow_table()
                readable = readable.filter(pc.invert(found["usual"]))
                con.register(MESSAGES, readable)
        yield from self._unusual(con, readable, known, rows)

    def _unusual(
        self, con: duckdb.DuckDBPyConnection, readable: pa.Table, known: Mapping[str, Sequence[str]], rows: int
    ) -> Generator[Part, int]:
        try:
            signatures = self._signatures(con, known, rows)
            is_whole = not any(not s.keys or repeated_key(s.keys) for s in signatures)
        except duckdb.InvalidInputException:
            signatures, is_whole = [], False
        if not is_whole:
            readable, poison = self._separated(con, readable)
            yield poison
            con.register(MESSAGES, readable)
            signatures = self._signatures(con, known, rows)
        if readable.num_rows:
            yield from self._parts(signatures, known)

    def _signatures(
        self, con: duckdb.DuckDBPyConnection, known: Mapping[str, Sequence[str]], rows: int
    ) -> list[Signature]:
        """What the objects of `rows` messages have: distinct keys in order, and the types of those that matter."""
        usual = [self._usual] if self._usual else []
        others = f"where not ({self._is_usual(self._usual, known)})" if self._usual else ""
        found = con.execute(f"select distinct json_keys(smelt_value) from {MESSAGES} {others}").fetchall()
        if not found:
            return usual
        checked = self._checked(dict.fromkeys(itertools.chain.from_iterable(keys for (keys,) in found)), known)
        types = f"json_type(smelt_value, [{_paths(checked)}])" if checked else "[]::varchar[]"
        counted = con.execute(
            f"select json_keys(smelt_value), {types}, count(*) as n from {MESSAGES} {others} "
            "group by all order by n desc"
        ).fetchall()
        signatures = [_signature(keys, checked, types) for keys, types, _ in counted]
        if counted[0][2] > rows / 2:
            self._usual = signatures[0]
        return [*usual, *signatures]

    def _checked(self, keys: Iterable[str], known: Mapping[str, Sequence[str]]) -> list[str]:
        """Keys whose values may be of a type that lands elsewhere; a column of text takes them all."""
        return [key for key in keys if key not in self.spec.columns and list(known.get(key, ())) != ["varchar"]]

    def _is_usual(self, usual: Signature, known: Mapping[str, Sequence[str]]) -> str:
        """SQL: whether an object has the usual keys and types."""
        same = f"json_keys(smelt_value) is not distinct from [{', '.join(map(literal, usual.keys))}]::varchar[]"
        checked = self._checked(usual.keys, known)
        if not checked:
            return same
        kinds = dict(zip(usual.keys, usual.types, strict=True))
        types = ", ".join(literal(kinds[key]) for key in checked)
        return f"{same} and json_type(smelt_value, [{_paths(checked)}]) is not distinct from [{types}]"

    def _separated(self, con: duckdb.DuckDBPyConnection, messages: pa.Table) -> tuple[pa.Table, Part]:
        """Messages that are objects whose keys differ, and the others as letters."""
        keys = "json_keys(smelt_value)"
        repeats = f"case when {_NO_OBJECT} then false else len({keys}) > len(list_distinct({keys})) end"
        found = con.sql(f"select {_NO_OBJECT} as no_object, {repeats} as repeats from {MESSAGES}").to_arrow_table()
        no_object, repeats = found["no_object"], found["repeats"]
        is_poison = pc.or_(no_object, repeats)
        poison = messages.filter(is_poison)
        why = no_object.filter(is_poison).to_pylist()
        reasons = ("a key stands twice in the object", "not a JSON object")
        return messages.filter(pc.invert(is_poison)), Part("", letters=letters(poison, lambda n: reasons[why[n]]))

    def _parts(
        self, signatures: Sequence[Signature], known: Mapping[str, Sequence[str]], only: str = ""
    ) -> Generator[Part, int, int]:
        """Parts of the messages for which `only` (SQL) is true; returns how many rows were written of them."""
        written = 0
        keys, others = split_keys(dict.fromkeys(key for s in signatures for key in s.keys), known)
        found = landings(signatures, known)
        types = {key: dict(found[key]) for key in keys if found[key] and key not in self.spec.columns}
        varied = [key for key, by_kind in types.items() if len(set(by_kind.values())) > 1]
        first = {key: min(types[key].values()) for key in varied}
        # Where the values of a key land in several columns, rows are told apart by the type of each such key.
        combinations = {
            tuple(types[key].get(s.kinds().get(key, "null"), first[key]) for key in varied) for s in signatures
        }
        for chosen in sorted(combinations):
            types_here = {key: next(iter(by_kind.values())) for key, by_kind in types.items()}
            types_here |= dict(zip(varied, chosen, strict=True))
            # An object without the key, or with null there, goes with the first type.
            conditions = [
                _lands_as(key, types[key], kind, is_first=kind == first[key])
                for key, kind in zip(varied, chosen, strict=True)
            ]
            condition = " and ".join([*conditions, only] if only else conditions)
            written += yield self._part(types_here, others, condition, known)
        return written

    def _part(
        self, types: Mapping[str, str], others: Sequence[str], condition: str, known: Mapping[str, Sequence[str]]
    ) -> Part:
        declared = self.spec.columns
        shape = structure({**types, **dict.fromkeys(declared, "varchar")})
        fields = f"from_json(smelt_value, {literal(shape)})" if types or declared else "null"
        where = f"where {condition}" if condition else ""
        columns, misfits = {}, {}
        for key, kind in {**types, **declared}.items():
            raw = f"smelt_fields.{quote(key)}"
            is_certain = key not in declared and kind != "bigint"
            columns[key] = raw if is_certain else f"try_cast({raw} as {kind})"
            if not is_certain:
                misfits[key] = f"({raw} is not null and try_cast({raw} as {kind}) is null)"
        for key in self.stream.primary_key:
            told = key_column(self.stream, self.spec.key_format, key)
            if told:
                kind = declared.get(key) or types.get(key) or next(iter(known.get(key, ())), "varchar")
                given = columns.get(key, "null")
                columns[key] = f"coalesce({given}, try_cast({told} as {kind}))"
        return Part(
            f"(select *, {fields} as smelt_fields from {MESSAGES} {where})",
            [f"{expression} as {quote(key)}" for key, expression in columns.items()],
            _extra(others, misfits),
        )


def _unframed(messages: pa.Table) -> pa.Table:
    values = messages["smelt_value"]
    is_framed = pc.starts_with(values, "\x00")
    if not pc.any(is_framed).as_py():
        return messages
    bare = [value[_FRAME:] if value.startswith(b"\x00") else value for value in values.to_pylist()]
    place = messages.schema.get_field_index("smelt_value")
    return messages.set_column(place, "smelt_value", pa.array(bare, pa.large_binary()))


def _signature(keys: Sequence[str], checked: Sequence[str], types: Sequence[str | None]) -> Signature:
    told = dict(zip(checked, types, strict=True))
    return Signature(tuple(keys), tuple(told.get(key) or "VARCHAR" for key in keys))


def _paths(keys: Sequence[str]) -> str:
    return ", ".join(literal(path(key)) for key in keys)


def _lands_as(key: str, by_kind: Mapping[str, str], type_: str, *, is_first: bool) -> str:
    """SQL: whether the value of `key` is of a kind that lands in `type_`."""
    kinds = {
        "int": "('UBIGINT', 'BIGINT')", "number": "('DOUBLE')", "bool": "('BOOLEAN')",
        "text": "('VARCHAR', 'OBJECT', 'ARRAY')",
    }  # fmt: skip
    found = f"json_type(smelt_value, {literal(path(key))})"
    tests = [f"{found} in {kinds[kind]}" for kind, lands in by_kind.items() if lands == type_]
    if is_first:
        tests.append(f"coalesce({found}, 'NULL') = 'NULL'")
    return f"coalesce({' or '.join(tests)}, false)"


def _extra(others: Sequence[str], misfits: Mapping[str, str]) -> str:
    """SQL of the JSON object of values that have no column, or don't fit theirs."""
    found = {key: f"json_exists(smelt_value, {literal(path(key))})" for key in others} | dict(misfits)
    if not found:
        return "null::varchar"
    pairs = ", ".join(
        f"case when {test} then {literal(json.dumps(key, ensure_ascii=False) + ': ')} "
        f"|| json_extract(smelt_value, {literal(path(key))})::varchar end"
        for key, test in found.items()
    )
    joined = f"array_to_string(list_filter([{pairs}], lambda pair: pair is not null), ', ')"
    return f"case when {' or '.join(found.values())} then '{{' || {joined} || '}}' end"
