"""What staging models that are merged already make of a source: people accepted it, so it is not drafted anew."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from plugins.core.project import Manifest, Resource
from plugins.source_mapping.document import ColumnMapping
from plugins.source_mapping.planning.expressions import READ_FROM
from plugins.source_mapping.streams import SourceStream

_DIALECT = "duckdb"
_STAGING = ("stg_", "base_", "src_")
_CHECKED = re.compile(r"int_(\w+)__checked")
_SOURCE = re.compile(r"\{\{\s*source\(\s*'([^']*)'\s*,\s*'([^']*)'\s*\)\s*\}\}")
_WRITTEN = "_as_written"
# Somebody merged it, and may not have looked at every line.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class StandingModel:
    """A staging model that is merged. entity: that is made of it alone, if any. columns: SQL by name, in one
    line.
    """

    name: str
    stream: str
    entity: str | None
    columns: Mapping[str, str]

    def mappings(self, stream: SourceStream) -> dict[str, ColumnMapping]:
        """By target, what it is made from, as far as the stream still has these columns."""
        by_name = {column.name.lower(): column.name for column in stream.table.columns}
        found: dict[str, ColumnMapping] = {}
        for target, sql in self.columns.items():
            names = _named(sql, by_name)
            if not names or (target.endswith(_WRITTEN) and target.removesuffix(_WRITTEN) in self.columns):
                continue
            alone = sql.removeprefix(f"{READ_FROM}.")
            is_plain = len(names) == 1 and _unquoted(alone).lower() == names[0].lower()
            found[target] = ColumnMapping(
                target=target,
                columns=names,
                expression="" if is_plain else sql,
                data_type=_type_in(sql),
                confidence=CONFIDENCE,
                evidence=f"as in {self.name}, which is merged",
            )
        return found


@dataclass(frozen=True)
class Standing:
    """The merged staging models of a source."""

    models: tuple[StandingModel, ...] = field(default=())

    @property
    def entities(self) -> frozenset[str]:
        """Those that are made of one of the models alone."""
        return frozenset(one.entity for one in self.models if one.entity is not None)

    def of(self, stream: str, entity: str | None = None) -> StandingModel | None:
        """The model of a stream: the one for an entity if there are several, or the only one."""
        ours = [one for one in self.models if one.stream == stream]
        fitting = [one for one in ours if entity and (one.entity == entity or one.name.endswith(f"__{entity}"))]
        return next(iter(fitting or (ours if len(ours) == 1 else [])), None)


def read_standing(manifest: Manifest, source: str) -> Standing:
    """The staging models in the project that read one table of a source, and whose select list can be read."""
    own = [r for r in manifest.resources.values() if r.kind == "model" and r.package == manifest.project_name]
    return Standing(tuple(_models(own, source)))


def _models(own: Sequence[Resource], source: str) -> Iterator[StandingModel]:
    for model in own:
        tables = _SOURCE.findall(model.raw_sql)
        if not model.name.startswith(_STAGING) or len(tables) != 1 or tables[0][0] != source:
            continue
        columns = _select_list(_SOURCE.sub("smelt_source", model.raw_sql))
        if columns:
            yield StandingModel(model.name, tables[0][1], _entity(model, own), columns)


def _entity(model: Resource, own: Sequence[Resource]) -> str | None:
    """The entity whose rows are checked where the model is read."""
    checked = (_CHECKED.fullmatch(one.name) for one in own if model.id in one.parents)
    return next((found[1] for found in checked if found), None)


def _select_list(sql: str) -> dict[str, str]:
    """Expressions by name, of the one select that lists columns; none if it is not as plain as that."""
    if "{{" in sql or "{%" in sql:
        return {}
    try:
        tokens = Tokenizer(dialect=_DIALECT).tokenize(sql)
    except SqlglotError:
        return {}
    lists = [found for place in range(len(tokens)) if (found := _items(tokens, place))]
    named = [items for items in lists if not any(item[-1].token_type is TokenType.STAR for item in items)]
    if len(named) != 1:
        return {}
    pairs = [_named_item(sql, item) for item in named[0]]
    return {name: text for name, text in pairs if name}


def _items(tokens: Sequence[Token], place: int) -> list[list[Token]]:
    """The items of the select list that begins at a place; none if no select is there."""
    if tokens[place].token_type is not TokenType.SELECT:
        return []
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[place + 1 :]:
        if not depth and token.token_type in (TokenType.FROM, TokenType.R_PAREN):
            break
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if not depth and token.token_type is TokenType.COMMA:
            items.append([])
        else:
            items[-1].append(token)
    return [item for item in items if item]


def _named_item(sql: str, item: Sequence[Token]) -> tuple[str, str]:
    """Name and expression; no name where none is given, and it is no plain column."""
    if len(item) == 1:
        return item[0].text, _one_line(sql, item)
    if len(item) > 2 and item[-2].token_type is TokenType.ALIAS:
        return item[-1].text, _one_line(sql, item[:-2])
    return "", ""


def _one_line(sql: str, tokens: Sequence[Token]) -> str:
    """The text of tokens as it is written, without its breaks of lines: as mapping.yml has it."""
    parts = [sql[tokens[0].start : tokens[0].end + 1]]
    for before, token in pairwise(tokens):
        gap = sql[before.end + 1 : token.start]
        if "\n" in gap:
            is_inside = before.token_type is TokenType.L_PAREN or token.token_type is TokenType.R_PAREN
            gap = "" if is_inside else " "
        parts += [gap, sql[token.start : token.end + 1]]
    return "".join(parts)


def _named(sql: str, by_name: Mapping[str, str]) -> tuple[str, ...]:
    """The stream's columns in an expression; none if one is not there any more."""
    try:
        tree = parse_one(sql, dialect=_DIALECT)
    except SqlglotError:
        return ()
    names: Collection[str] = dict.fromkeys(column.name.lower() for column in tree.find_all(exp.Column, bfs=False))
    return tuple(by_name[name] for name in names) if all(name in by_name for name in names) else ()


def _type_in(sql: str) -> str:
    """The type that an expression casts to, text where it is only trimmed; "" where it does not say."""
    tree = parse_one(sql, dialect=_DIALECT)
    if isinstance(tree, exp.Cast):
        return tree.to.sql(dialect=_DIALECT).lower().replace("timestamptz", "timestamp with time zone")
    return "varchar" if isinstance(tree, exp.Nullif | exp.Trim) else ""


def _unquoted(sql: str) -> str:
    return sql[1:-1].replace('""', '"') if sql.startswith('"') and sql.endswith('"') else sql
