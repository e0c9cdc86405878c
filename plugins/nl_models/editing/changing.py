"""Columns of a model are removed or renamed, and its buckets of time changed, in its text."""

from __future__ import annotations

import re

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Grain
from plugins.nl_models.editing.layout import Query, Select
from plugins.nl_models.editing.putting import Draft, grain_of, key_indexes
from plugins.nl_models.editing.tracing import selects_of
from plugins.nl_models.models.naming import ADVERBS

_TRUNC = re.compile(r"(?i)(date_trunc\(\s*['\"])(day|week|month|quarter|year)(['\"])")


def remove_column(draft: Draft, column: str) -> None:
    """Take a column out, and out of the steps before that give it to nothing else.

    Raises SmeltError if it is not selected by its name.
    """
    _remove(draft, draft.tracer.top(), column)


def _remove(draft: Draft, query: Query, column: str) -> None:
    tracer = draft.tracer
    for select in query.branches:
        index = next((n for n, i in enumerate(select.items) if not i.is_star and i.name == column), None)
        if index is None:
            raise SmeltError(
                f"{column} comes from a star in {tracer.name(query)}, which lists no columns", "change it by hand"
            )
        if len(select.items) == 1:
            raise SmeltError(f"{column} is all that {tracer.name(query)} selects", "delete the model instead")
        is_key = index in key_indexes(select)
        draft.edits += draft.pen.remove(select.items, index)
        if is_key:
            _ungroup(draft, select, index)
        _remove_below(draft, select, index)


def _ungroup(draft: Draft, select: Select, index: int) -> None:
    item = select.items[index]
    tree = item.tree
    inner = (tree.this if isinstance(tree, exp.Alias) else tree).sql(dialect="duckdb").lower()
    names = {str(index + 1), item.name, inner}
    place = next((n for n, g in enumerate(select.groups) if " ".join(g.sql.lower().split()) in names), None)
    if place is None and len(select.groups) == 1 and select.groups[0].sql.lower() == "all":
        return
    if place is None or len(select.groups) == 1:
        raise SmeltError(f"{item.name} is what the model's rows are", "ask for another model instead")
    draft.edits += draft.pen.remove(select.groups, place)
    for group in select.groups:
        if group.sql.isdigit() and int(group.sql) > index + 1:
            draft.edits.append(Edit(group.start, group.end, str(int(group.sql) - 1)))


def _remove_below(draft: Draft, select: Select, index: int) -> None:
    """What only this column needed goes too."""
    tracer = draft.tracer
    item = select.items[index]
    was_key = index in key_indexes(select) or item.name in grain_of(tracer)
    for column in item.tree.find_all(exp.Column):
        target = tracer.query_of(tracer.source_of(select, column))
        name = column.name.lower()
        if target is not None and _is_spare(draft, select, index, target, name, was_key=was_key):
            _remove(draft, target, name)


def _is_spare(draft: Draft, select: Select, index: int, target: Query, name: str, *, was_key: bool) -> bool:
    """Whether a step gives a column to nothing but one item of a select."""
    tracer, text, item = draft.tracer, draft.script.text, select.items[index]
    if tracer.is_import(target) or len(target.branches) != 1 or len(target.branches[0].items) == 1:
        return False
    own = target.branches[0]
    inner = next((n for n, i in enumerate(own.items) if not i.is_star and i.name == name), None)
    readers = [s for s in selects_of(tracer.query) for one in s.sources if tracer.target(one) is target]
    if inner is None or any(i.is_star for one in readers for i in one.items):
        return False
    if inner in key_indexes(own) and not was_key:
        return False
    rest = text[select.start : item.start] + text[item.end : select.end]
    rest = rest.replace(text[target.start : target.end], "")
    rest += "".join(_text(draft, one) for one in readers if one is not select)
    inside = text[own.start : own.items[inner].start] + text[own.items[inner].end : own.end]
    is_said_inside = inner not in key_indexes(own) and _bare(own.items[inner].sql) != name
    mentions = rest + inside if is_said_inside else rest
    return re.search(rf"(?i)\b{re.escape(name)}\b", mentions) is None


def _text(draft: Draft, select: Select) -> str:
    return draft.script.text[select.start : select.end]


def _bare(sql: str) -> str:
    return sql.rpartition(".")[2].lower()


def rename_column(draft: Draft, column: str, name: str) -> None:
    """Call a column otherwise. Raises SmeltError if it comes from a star."""
    top = draft.tracer.top()
    for select in top.branches:
        item = next((i for i in select.items if not i.is_star and i.name == column), None)
        if item is None:
            raise SmeltError(f"{column} comes from a star, which lists no columns", "change it by hand")
        if isinstance(item.tree, exp.Alias):
            at = item.start + item.sql.lower().rindex(column)
            draft.edits.append(Edit(at, at + len(column), name))
        else:
            draft.edits.append(Edit(item.end, item.end, f" {draft.pen.cased('as')} {name}"))
        if "order" in select.clauses:
            start, end = select.clauses["order"]
            for found in re.finditer(rf"\b{re.escape(column)}\b", draft.script.masked[start:end]):
                draft.edits.append(Edit(start + found.start(), start + found.end(), name))
        groups = [g for g in select.groups if g.sql.lower() == column and isinstance(item.tree, exp.Alias)]
        known = [n for s in select.sources for n in draft.tracer.outputs(draft.tracer.target(s))]
        draft.edits += [Edit(g.start, g.end, name) for g in groups if column not in known]
    draft.edits += in_config(draft, column, name)


def in_config(draft: Draft, column: str, name: str) -> list[Edit]:
    """A column's name in `config(…)`, such as a unique key."""
    found = []
    for one in draft.script.printed:
        if one.is_silent:
            for match in re.finditer(rf"(['\"]){re.escape(column)}\1", draft.script.text[one.start : one.end]):
                at = one.start + match.start() + 1
                found.append(Edit(at, at + len(column), name))
    return found


def change_grain(draft: Draft, new: Grain, old: Grain | None) -> dict[str, str]:
    """Other buckets of time; which columns are called otherwise then, old name → new.

    Raises SmeltError if it is not clear which buckets there are.
    """
    found = list(_TRUNC.finditer(draft.script.text))
    grains = {m[2].lower() for m in found}
    wanted = old or (grains.pop() if len(grains) == 1 else None)
    if wanted is None or not any(m[2].lower() == wanted for m in found):
        have = f"it has {' and '.join(sorted({m[2].lower() for m in found}))}" if found else "it has no date_trunc"
        raise SmeltError(
            f"which of the model's dates should be by {new} is not clear: {have}", "change it by hand"
        )
    if wanted == new:
        raise SmeltError(f"the model is by {new} already", "name another grain")
    for match in found:
        if match[2].lower() == wanted:
            cased = new.upper() if match[2].isupper() else new
            draft.edits.append(Edit(match.start(2), match.end(2), cased))
    names = _renamed(draft, wanted, new)
    for before, after in names.items():
        draft.edits += _everywhere(draft, before, after)
    _require_said_everywhere(draft, wanted)
    outputs = draft.tracer.outputs(draft.tracer.top())
    return {before: after for before, after in names.items() if before in outputs}


def _renamed(draft: Draft, old: str, new: str) -> dict[str, str]:
    """Columns and steps of the model that are called after their buckets."""
    tracer = draft.tracer
    aliases = [
        i.name
        for s in selects_of(tracer.query)
        for i in s.items
        if not i.is_star and isinstance(i.tree, exp.Alias)
    ]
    keys = [*aliases, *tracer.outputs(tracer.top()), *_steps(tracer.query)]
    words = re.compile(rf"(^|_)({old}s?|{ADVERBS[old]})(?=_|$)")
    swap = {old: new, f"{old}s": f"{new}s", ADVERBS[old]: ADVERBS[new]}
    return {key: words.sub(lambda m: m[1] + swap[m[2]], key) for key in keys if words.search(key)}


def _steps(query: Query) -> list[str]:
    imported = {source.table.lower() for branch in query.branches for source in branch.sources}
    return [name for name in query.ctes if name in imported or len(query.ctes[name].branches[0].items) > 1]


def _require_said_everywhere(draft: Draft, old: str) -> None:
    """Raises SmeltError if something else in the code depends on the old buckets."""
    text = draft.script.text
    changed = [(edit.start, edit.end) for edit in draft.edits]
    code = re.sub(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", lambda m: " " * len(m.group()), text, flags=re.DOTALL)
    for found in re.finditer(rf"(?i)\w*(?<![a-z]){old}(?:s|ly)?(?![a-z])\w*", code):
        if not any(start < found.end() and found.start() < end for start, end in changed):
            raise SmeltError(
                f"line {draft.script.line(found.start())} depends on the {old} in another way ({found.group()})",
                "change it by hand",
            )


def _everywhere(draft: Draft, before: str, after: str) -> list[Edit]:
    """A name of the model's own wherever it stands; not in comments, and not in names of tables that it reads."""
    text = draft.script.text
    skipped = [(m.start(), m.end()) for m in re.finditer(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", text, re.DOTALL)]
    skipped += [(one.start, one.end) for one in draft.script.printed if one.reads is not None]
    found = re.finditer(rf"\b{re.escape(before)}\b", text)
    return [
        Edit(m.start(), m.end(), after)
        for m in found
        if not any(start <= m.start() < end for start, end in skipped)
    ]
