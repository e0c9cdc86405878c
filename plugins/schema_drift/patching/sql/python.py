"""Python models: names of columns of a dataframe that `dbt.source()` or `dbt.ref()` gave."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from plugins.core.editing.edits import Edit, apply_edits
from plugins.schema_drift.patching.sql.plan import TablePlan

# Of a line that is quoted in a question.
_LONGEST = 160


@dataclass(frozen=True)
class PatchedPython:
    """The text after; columns that are read under their new name; (line, text) of what a person must see to."""

    text: str
    columns: tuple[str, ...] = ()
    questions: tuple[tuple[int, str], ...] = ()


@dataclass
class _Uses:
    subscripts: dict[str, list[ast.Constant]] = field(default_factory=dict)
    attributes: dict[str, list[ast.Attribute]] = field(default_factory=dict)
    others: list[ast.Name] = field(default_factory=list)


def patch_python(text: str, plan: TablePlan, named: tuple[str, ...]) -> PatchedPython:
    """Edit what is sure: reads of single columns of a dataframe that goes nowhere else as a whole.

    named: ("source", source, name) or ("ref", name).
    """
    wanted = {**plan.targets, **plan.failed}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return PatchedPython(text, questions=tuple((1, _ask_whole(plan, key)) for key in sorted(wanted)))
    edits: list[Edit] = []
    columns: dict[str, None] = {}
    questions: dict[tuple[int, str], None] = {}
    kept: set[ast.Call] = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for variable, line, call in _loaded(function, named):
            kept.add(call)
            uses = _uses_of(function, variable)
            mentioned = {key for key in wanted if _mentions(uses, key)}
            for key in sorted(mentioned):
                target = plan.targets.get(key)
                plain = target.plain if target is not None else None
                if plain is None or uses.others or not _is_sure(uses, key, plain):
                    for at in _lines(uses, key):
                        questions[(at, _ask(plan, key, plain))] = None
                    continue
                edits += _renamed(text, uses, key, plain)
                columns[key] = None
            if uses.others:
                left = sorted(set(wanted) - mentioned)
                questions |= dict.fromkeys(_asked_of_whole(plan, left, text, function, line))
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _names(one) == named]
    # Rows that are handed on at once, without a name of their own; or are had in a way that is not seen.
    lines = [one.lineno for one in calls if one not in kept] or ([] if calls else [1])
    for line in lines:
        questions |= dict.fromkeys(_asked_of_whole(plan, sorted(wanted), text, tree, line))
    return PatchedPython(apply_edits(text, edits), tuple(columns), tuple(questions))


def _loaded(function: ast.FunctionDef, named: tuple[str, ...]) -> Iterator[tuple[str, int, ast.Call]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            call = node.value
            while isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and not _is_load(call):
                # `dbt.source(…).df()` and the like: the same rows as another kind of dataframe.
                call = call.func.value if call.func.attr in _SAME else None
            if isinstance(call, ast.Call) and _names(call) == named:
                yield node.targets[0].id, node.lineno, call


_SAME = {"df", "to_pandas", "toPandas", "pl", "arrow", "copy", "to_df"}


def _is_load(call: ast.Call) -> bool:
    func = call.func
    return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "dbt"


def _names(call: ast.Call) -> tuple[str, ...]:
    if not _is_load(call) or not isinstance(call.func, ast.Attribute):
        return ()
    given = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return (call.func.attr, *given)


def _uses_of(function: ast.FunctionDef, variable: str) -> _Uses:
    parents: Mapping[ast.AST, ast.AST] = {
        child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)
    }
    uses = _Uses()
    for node in ast.walk(function):
        if not isinstance(node, ast.Name) or node.id != variable:
            continue
        parent = parents.get(node)
        if isinstance(node.ctx, ast.Store):
            continue
        if isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load):
            inner = parent.slice
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                uses.subscripts.setdefault(inner.value.lower(), []).append(inner)
                continue
        if isinstance(parent, ast.Attribute) and isinstance(parent.ctx, ast.Load):
            uses.attributes.setdefault(parent.attr.lower(), []).append(parent)
            # A method of the dataframe may use any column.
            if isinstance(parents.get(parent), ast.Call) and getattr(parents[parent], "func", None) is parent:
                uses.others.append(node)
            continue
        uses.others.append(node)
    return uses


def _mentions(uses: _Uses, key: str) -> bool:
    return key in uses.subscripts or key in uses.attributes


def _is_sure(uses: _Uses, key: str, plain: str) -> bool:
    return key not in uses.attributes or plain.isidentifier()


def _lines(uses: _Uses, key: str) -> list[int]:
    nodes = [*uses.subscripts.get(key, ()), *uses.attributes.get(key, ())]
    return sorted({node.lineno for node in nodes})


def _renamed(text: str, uses: _Uses, key: str, plain: str) -> Iterator[Edit]:
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))

    def place(line: int, column: int) -> int:
        # Columns of Python's tree count bytes of UTF-8.
        start = lines[line - 1]
        row = text[start : lines[line]].encode()
        return start + len(row[:column].decode(errors="ignore"))

    for constant in uses.subscripts.get(key, ()):
        end = place(constant.end_lineno or constant.lineno, constant.end_col_offset or 0)
        start = place(constant.lineno, constant.col_offset)
        quote = text[start]
        written = f"{quote}{plain}{quote}" if plain.isidentifier() and quote in "'\"" else repr(plain)
        yield Edit(start, end, written)
    for attribute in uses.attributes.get(key, ()):
        end = place(attribute.end_lineno or attribute.lineno, attribute.end_col_offset or 0)
        yield Edit(end - len(attribute.attr), end, plain)


def _ask(plan: TablePlan, key: str, plain: str | None) -> str:
    if plain is None:
        return f"this reads `{key}` of {plan.table.name}, which is not what it was; make its old values here"
    return f"this reads `{key}` of {plan.table.name}, which is `{plain}` now; the dataframe is used as a whole too"


def _asked_of_whole(
    plan: TablePlan, keys: Iterable[str], text: str, node: ast.AST, line: int
) -> Iterator[tuple[int, str]]:
    """(line, question) for each column that rows which go on as a whole may be asked for. line: of their read."""
    texts = _texts(node)
    for key in keys:
        places = [(at, said) for at, said in texts if _word(key).search(said)]
        for at, said in places:
            yield at, _ask_text(plan, key, text, at, said)
        if not places:
            yield line, _ask_whole(plan, key)


def _ask_whole(plan: TablePlan, key: str) -> str:
    names = _called(plan, key)
    return f"the dataframe of {plan.table.name} goes on as a whole: does anything in it use {names}?"


def _ask_text(plan: TablePlan, key: str, text: str, at: int, said: str) -> str:
    """About a text that names a column, such as an expression that is handed to the dataframe."""
    target = plan.targets.get(key)
    now = f", which is `{target.plain}` now," if target is not None and target.plain else ""
    now = now or (", which is not what it was," if key in plan.failed or target is not None else "")
    row = " ".join((text.splitlines() or [""])[at - 1].split())[:_LONGEST].replace("`", "'")
    named = f"{_called(plan, key, said)} of {plan.table.name}{now}"
    return f"{named} is named in a text here: `{row}`. What shall it read?"


def _called(plan: TablePlan, key: str, said: str = "") -> str:
    """A column, with its fields that are not where they were. said: a text; of fields, those that it names."""
    target = plan.targets.get(key)
    change = target.change if target is not None else plan.failed[key][0]
    moved = [str(one) for one in change.detail.get("fields") or ()]
    fields = [one for one in moved if one.lower().startswith(f"{key}.")]
    gone = [f"{key}.{one}" for one in change.detail.get("removed_fields") or ()]
    named = [one for one in (*fields, *gone) if not said or _word(one.rpartition(".")[2]).search(said)]
    return ", ".join(f"`{one}`" for one in named) or f"`{key}`"


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.IGNORECASE)


def _texts(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, text) of what stands in quotes, line by line, without what only describes the code."""
    described = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found: dict[tuple[int, str], None] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in described:
            continue
        for number, row in enumerate(node.value.splitlines()):
            spans_lines = (node.end_lineno or node.lineno) > node.lineno
            found[(node.lineno + (number if spans_lines else 0), row)] = None
    return list(found)
