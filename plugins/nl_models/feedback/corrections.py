"""What people changed in a proposed model, from the two texts: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlglot import exp

from plugins.nl_models.editing.layout import Query, read_layout
from plugins.nl_models.editing.putting import grain_of
from plugins.nl_models.editing.script import Script
from plugins.nl_models.editing.tracing import Tracer, selects_of


@dataclass(frozen=True)
class Figure:
    """A column of a model. made: the expression that it comes from, in lower case, through all steps. place: which
    one of the select list it is."""

    name: str
    made: str
    place: int


@dataclass(frozen=True)
class ModelText:
    """What a model's text says. filters: conditions of its steps. tables: the Jinja of what it reads."""

    figures: Mapping[str, Figure]
    grain: tuple[str, ...]
    filters: frozenset[str]
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Correction:
    """kind: `renamed`, `figure`, `split`, `filter` or `wording`. before, after: as files have it; "" for nothing.

    column: of the merged model; "" for the model itself.
    """

    kind: str
    before: str
    after: str
    column: str = ""

    def __str__(self) -> str:
        said = {
            "renamed": f"{self.before} is called {self.after}",
            "figure": f"{self.column} is {self.after}, not {self.before}",
            "split": f"rows are by {self.after or 'nothing'}, not by {self.before or 'nothing'}",
            "filter": f"only rows with {self.after}" if self.after else f"without the filter {self.before}",
            "wording": f"{self.column or 'the model'} is described as “{self.after}”",
        }
        if self.kind == "filter" and self.before and self.after:
            return f"only rows with {self.after}, not with {self.before}"
        return said[self.kind]


def read_text(text: str) -> ModelText:
    """What a model's text says. Raises SmeltError if its queries are not written out."""
    script = Script(text)
    tracer = Tracer(read_layout(script.masked), {})
    top = tracer.top()
    names = tracer.outputs(top)
    figures = {name: Figure(name, _plain(script, _made(tracer, top, name)), n) for n, name in enumerate(names)}
    filters = frozenset(_plain(script, one) for one in _filters(script, tracer.query))
    tables = tuple(dict.fromkeys(one.reads for one in script.printed if one.reads is not None))
    return ModelText(figures, tuple(grain_of(tracer)), filters, tables)


def compare_texts(proposed: ModelText, merged: ModelText) -> list[Correction]:
    """What differs in meaning; formatting, comments and the names of steps are nothing."""
    found: list[Correction] = []
    renamed = dict(_renamed(proposed, merged))
    for old, new in renamed.items():
        found.append(Correction("renamed", old, new, new))
    for name, figure in proposed.figures.items():
        other = merged.figures.get(renamed.get(name, name))
        if other is not None and other.made != figure.made and name not in proposed.grain:
            found.append(Correction("figure", figure.made, other.made, other.name))
    before = [renamed.get(key, key) for key in proposed.grain]
    if set(before) != set(merged.grain):
        gone = [key for key in before if key not in merged.grain]
        come = [key for key in merged.grain if key not in before]
        found.append(Correction("split", ", ".join(gone), ", ".join(come)))
    found += _changed_filters(proposed.filters - merged.filters, merged.filters - proposed.filters)
    return found


def compare_yaml(
    proposed: str, merged: str, model: str, merged_model: str, renamed: Mapping[str, str]
) -> list[Correction]:
    """Descriptions that were worded otherwise."""
    before, after = _entry(proposed, model), _entry(merged, merged_model)
    found = []
    if model != merged_model:
        found.append(Correction("renamed", model, merged_model))
    if _words(before) != _words(after) and after.get("description"):
        found.append(Correction("wording", _words(before), _words(after)))
    columns = {str(one.get("name")).lower(): one for one in after.get("columns") or ()}
    for one in before.get("columns") or ():
        name = str(one.get("name")).lower()
        other = columns.get(renamed.get(name, name))
        if other is not None and other.get("description") and _words(one) != _words(other):
            found.append(Correction("wording", _words(one), _words(other), str(other["name"]).lower()))
    return found


def _renamed(proposed: ModelText, merged: ModelText) -> Iterator[tuple[str, str]]:
    """Columns that are the same under another name: made alike, else in the same place of as many."""
    gone = [f for n, f in proposed.figures.items() if n not in merged.figures]
    come = [f for n, f in merged.figures.items() if n not in proposed.figures]
    for figure in gone:
        alike = [one for one in come if one.made == figure.made]
        is_as_many = len(proposed.figures) == len(merged.figures)
        placed = [one for one in come if one.place == figure.place] if is_as_many else []
        was_key = figure.name in proposed.grain
        chosen = alike if len(alike) == 1 else [] if was_key else placed
        if len(chosen) == 1:
            yield figure.name, chosen[0].name


def _changed_filters(gone: frozenset[str], come: frozenset[str]) -> Iterator[Correction]:
    """Each condition that went beside the one on the same column that came."""
    left = sorted(come)
    for condition in sorted(gone):
        first = re.match(r"[\w.]+", condition)
        other = next((one for one in left if first is not None and one.startswith(f"{first.group()} ")), "")
        if other:
            left.remove(other)
        yield Correction("filter", condition, other)
    for condition in left:
        yield Correction("filter", "", condition)


def _made(tracer: Tracer, query: Query, name: str) -> str:
    """The expression that a column comes from, followed through steps that hand it on."""
    select = query.branches[0]
    item = next((i for n, i in tracer.columns(select) if n == name), None)
    if item is None:
        return name
    if item.is_star:
        sources = [s for s in select.sources if name in tracer.outputs(tracer.target(s))]
        inner = tracer.query_of(sources[0]) if sources else None
        return _made(tracer, inner, name) if inner is not None else name
    tree = item.tree
    bare = _without_dress(tree.this if isinstance(tree, exp.Alias) else tree)
    if isinstance(bare, exp.Column):
        inner = tracer.query_of(tracer.source_of(select, bare))
        if inner is not None and not tracer.is_import(inner):
            return _made(tracer, inner, bare.name.lower())
        return bare.name.lower()
    return _bare_columns(bare).sql(dialect="duckdb").lower()


def _without_dress(tree: exp.Expr) -> exp.Expr:
    """Without the cast and the filling of nulls that only dress a column."""
    while True:
        if (
            isinstance(tree, exp.Paren)
            or (isinstance(tree, exp.Cast) and isinstance(_inner(tree.this), (exp.Column, exp.AggFunc)))
            or (isinstance(tree, exp.Coalesce) and isinstance(tree.this, (exp.Column, exp.AggFunc)))
        ):
            tree = tree.this
        else:
            return tree


def _inner(tree: exp.Expr) -> exp.Expr:
    return tree.this if isinstance(tree, (exp.Coalesce, exp.Paren)) else tree


def _bare_columns(tree: exp.Expr) -> exp.Expr:
    """Without the names of tables, which are the model's own business."""
    found = tree.copy()
    for column in found.find_all(exp.Column):
        column.set("table", None)
    return found


def _filters(script: Script, query: Query) -> Iterator[str]:
    for select in selects_of(query):
        if "where" not in select.clauses:
            continue
        start, end = select.clauses["where"]
        if any(block.body[0] <= start < block.body[1] for block in script.conditions):
            continue
        tree = sqlglot.parse_one(script.masked[start + len("where") : end], dialect="duckdb")
        for part in tree.flatten() if isinstance(tree, exp.And) else [tree]:
            yield _bare_columns(part).sql(dialect="duckdb").lower() if not part.find(exp.Literal) else _cased(part)


def _cased(tree: exp.Expr) -> str:
    """Strings keep their case."""
    text = _bare_columns(tree).sql(dialect="duckdb")
    return re.sub(
        r"'(?:[^']|'')*'|[^']+", lambda m: m.group() if m.group().startswith("'") else m.group().lower(), text
    )


def _plain(script: Script, sql: str) -> str:
    """Names of Jinja as it is written."""
    return " ".join(script.unmasked(sql).split())


def _entry(text: str, model: str) -> Mapping[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError:
        return {}
    entries: Sequence[Mapping[str, Any]] = document.get("models") or () if isinstance(document, Mapping) else ()
    return next((entry for entry in entries if entry.get("name") == model), {})


def _words(entry: Mapping[str, Any]) -> str:
    return " ".join(str(entry.get("description") or "").split())
