"""A table more: its import beside the others, and the join that brings one row of it to each row."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.tokenizer_core import TokenType

from plugins.core.editing.edits import Edit
from plugins.core.errors import SmeltError
from plugins.nl_models.editing.layout import Item, Select, Source
from plugins.nl_models.editing.putting import Draft
from plugins.nl_models.editing.tracing import Input
from plugins.nl_models.editing.wanted import Wanted
from plugins.nl_models.models.expressions import is_name, on_table


def join_hops(draft: Draft, select: Select, source: Source, wanted: Wanted, kind: str = "left join") -> str:
    """Join what a value needs into a select; its expression there. Raises SmeltError if a table isn't known.

    kind: of the join; `inner join` where rows without the value are left out anyway.
    """
    left = _name_source(draft, select, source)
    was_alone = len(select.sources) == 1
    taken = {one.name.lower() for one in select.sources}
    text, alias = "", left
    for hop in wanted.hops:
        table = next(
            (i for i in draft.inputs.values() if i.semantic is not None and i.semantic.name == hop.to), None
        )
        if table is None or not table.relation:
            raise SmeltError(
                f"{hop.to} can't be joined: it is private, not published, or made from the model",
                "change it by hand",
            )
        existing = _joined(draft, select, table, hop.left, hop.right)
        if existing is not None:
            alias = existing.name
        else:
            name = _import(draft, table)
            own = table.name if name.startswith("{{") else name
            alias = own if own.lower() not in taken else f"{hop.entity}_{own}"
            text += _join(
                draft, select, kind, name, alias, f"{on_table(hop.left, left)} = {on_table(hop.right, alias)}"
            )
            taken.add(alias.lower())
        left = alias
    if text:
        stop = select.from_end
        follows = any(name in select.clauses for name in ("where", "group")) and was_alone
        needs_gap = follows and draft.pen.is_spaced(select) and "where" in select.clauses
        draft.edits.append(Edit(stop, stop, text + "\n" * needs_gap))
        draft.joined.add(select.start)
        if was_alone:
            _qualify(draft, select, source, _name_source(draft, select, source))
    return on_table(wanted.expr, alias) if not is_name(wanted.expr) else f"{alias}.{wanted.expr}"


def _name_source(draft: Draft, select: Select, source: Source) -> str:
    """The name of a source, which one that is Jinja is given here."""
    read = draft.script.by_mask.get(source.name)
    if read is None or read.reads is None:
        return source.name
    name = draft.inputs[read.reads].name
    edit = Edit(source.end, source.end, f" {draft.pen.cased('as')} {name}")
    if edit not in draft.edits:
        draft.edits.append(edit)
    return name


def _joined(draft: Draft, select: Select, table: Input, left: str, right: str) -> Source | None:
    """The source of a select that is that table already, joined by these columns."""
    for source in select.sources:
        target = draft.tracer.target(source)
        inputs = draft.tracer.reads(target) if draft.tracer.is_import(target) or isinstance(target, Input) else []
        if [one.node for one in inputs] == [table.node] and source.condition is not None:
            condition = draft.script.masked[slice(*source.condition)].lower()
            if left.lower() in condition and right.lower() in condition:
                return source
    return None


def _import(draft: Draft, table: Input) -> str:
    """The name under which queries read a table; adds its import, written like the last one, if there is none."""
    query, text = draft.tracer.query, draft.script.text
    imports = [name for name, one in query.ctes.items() if draft.tracer.is_import(one)]
    for name in imports:
        if [one.node for one in draft.tracer.reads(query.ctes[name])] == [table.node]:
            return name
    if not imports:
        return f"{{{{ {table.jinja} }}}}"
    start, end = query.cte_places[imports[-1]]
    like = text[start:end]
    old = next(one for one in draft.script.printed if start <= one.start < end and one.reads)
    name = table.name if table.name not in query.ctes else f"{table.name}_joined"
    body = like.replace(text[old.start : old.end], f"{{{{ {table.jinja} }}}}", 1)
    body = re.sub(rf"^{re.escape(imports[-1])}\b", name, body, count=1, flags=re.IGNORECASE)
    following = re.match(r"\s*,(\s*)", text[end:])
    gap = following[1] if following else _gap_before(text, start)
    draft.edits.append(Edit(end, end, f",{gap}{body}"))
    return name


def _gap_before(text: str, start: int) -> str:
    found = re.search(r"\s*$", text[:start])
    return found.group() if found and "\n" in found.group() else "\n\n"


def _join(draft: Draft, select: Select, kind: str, name: str, alias: str, condition: str) -> str:
    pen = draft.pen
    text = draft.script.text
    start = select.clauses["from"][0]
    head = f"{pen.cased(kind)} {name}" + (f" {pen.cased('as')} {alias}" if alias != name else "")
    on = pen.cased("on")
    if text[text.rfind("\n", 0, start) + 1 : start].strip():
        return f" {head} {on} {condition}"
    indent = pen.indent(start)
    same_line = re.search(r"(?i)\bjoin [^\n]+ on\b", text) is not None
    step = "    " if re.search(r"(?m)^ {4}\S", text) and not re.search(r"(?m)^ {2}\S", text) else "  "
    return (
        f"\n{indent}{head} {on} {condition}" if same_line else f"\n{indent}{head}\n{indent}{step}{on} {condition}"
    )


def _qualify(draft: Draft, select: Select, source: Source, name: str) -> None:
    """With a second table, each column says whose it is; also in what Jinja is given."""
    target = draft.tracer.target(source)
    known = set(draft.tracer.outputs(target))
    aliases = {item.name for item in select.items if not item.is_star} - known
    for start, end in _clause_places(select):
        sql = draft.script.masked[start:end]
        for offset in _bare_columns(sql, known, aliases):
            draft.edits.append(Edit(start + offset, start + offset, f"{name}."))
    for one in draft.script.printed:
        if _within(one.start, select):
            for found in re.finditer(r"'(\w+)'", draft.script.text[one.start : one.end]):
                if one.reads is None and found[1].lower() in known:
                    at = one.start + found.start() + 1
                    draft.edits.append(Edit(at, at, f"{name}."))


def _within(at: int, select: Select) -> bool:
    return any(start <= at < end for start, end in _clause_places(select))


def _clause_places(select: Select) -> list[tuple[int, int]]:
    places = [(item.start, item.end) for item in select.items if not item.is_star]
    skipped = ("from",)
    return [*places, *(place for name, place in select.clauses.items() if name not in skipped)]


def _bare_columns(sql: str, known: set[str], aliases: set[str]) -> list[int]:
    """Where columns without a table begin."""
    keyword = re.match(r"(?i)(where|having|qualify|group\s+by|order\s+by|limit|window)\b", sql)
    begun = keyword.end() if keyword else 0
    rest = sql[begun:]
    found = []
    for part in _parts(rest):
        for column in Item(0, 0, part.sql).tree.find_all(exp.Column):
            name = column.name.lower()
            if not column.table and name in known and name not in aliases and "start" in column.this.meta:
                # `select ` stands before it when it is read.
                found.append(begun + part.start + column.this.meta["start"] - len("select "))
    return found


def _parts(sql: str) -> list[Item]:
    """The expressions of a list."""
    found, depth, begun = [], 0, 0
    for token in DuckDB().tokenize(sql):
        if token.token_type is TokenType.L_PAREN:
            depth += 1
        elif token.token_type is TokenType.R_PAREN:
            depth -= 1
        elif token.token_type is TokenType.COMMA and depth == 0:
            found.append(Item(begun, token.start, sql[begun : token.start]))
            begun = token.end + 1
    found.append(Item(begun, len(sql), re.sub(r"(?i)\s+(asc|desc)(\s+nulls\s+\w+)?\s*$", "", sql[begun:])))
    return found
