"""What a machine's edit of an existing template adds: judged on both syntax trees, laid side by side.

People's Jinja may do anything, and stays as it is; what an edit adds must be on the list of `jinja_policy`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from plugins.review.sandbox.jinja_policy import (
    Checker,
    Refusal,
    has_jinja,
    make_checker,
    parse_template,
    targets_of,
)

# What a name of a column looks like that may stand in for another: no quotes, braces, brackets or semicolons.
_NAME = re.compile(r"[^\W_][\w $.-]{0,120}|_?[^\W_]\w{0,120}")
_SNAPSHOT = re.compile(r"\{%-?\s*(?:snapshot\s+\w+|endsnapshot)\s*-?%\}")
# Settings of dbt that name columns; every other one stays as it is, or is on the list of what a machine may set.
COLUMN_KEYS = frozenset(
    [
        "unique_key",
        "updated_at",
        "check_cols",
        "partition_by",
        "cluster_by",
        "event_time",
        "merge_update_columns",
        "merge_exclude_columns",
        "loaded_at_field",
        "order_by",
        "sort",
        "dist",
    ]
)
# What these are given is no column, whatever it is called.
_LOCKED = frozenset(
    ["env_var", "var", "run_query", "statement", "load_result", "get_relation", "dispatch", "fromjson", "fromyaml"]
)
_LOCKED_ROOTS = frozenset({"modules", "exceptions", "api", "context", "builtins", "graph", "flags"})
# Strings, quoted names and comments: what SQL holds beside code.
_QUOTED = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$", re.DOTALL)
# The lists that are aligned are short; a template of thousands of parts is compared by exact equality.
_ALIGNED = 600


def is_plain_name(text: str) -> bool:
    """Whether a text may be nothing but a name."""
    return _NAME.fullmatch(text) is not None and "__" not in text


def check_edit(
    before: str, after: str, macros: Collection[str], columns: Collection[str], *, is_strict: bool = False
) -> list[Refusal]:
    """What an edit of a template adds that a machine may not write; empty: it may be compiled.

    columns: names, lower case, in whose place another plain name may stand in a string. is_strict: Jinja may
    not be added at all, nor taken away: what macros hold is run by whoever calls them.
    """
    marks = [_SNAPSHOT.findall(text) for text in (before, after)]
    if marks[0] != marks[1]:
        return [Refusal(1, "another snapshot block")]
    trees: list[nodes.Template] = []
    for text in (before, after):
        tree = parse_template(_SNAPSHOT.sub("", text))
        if isinstance(tree, Refusal):
            return [tree]
        trees.append(tree)
    edit = _Edit(make_checker(macros), frozenset(columns), is_strict)
    return list(edit.bodies(trees[0].body, trees[1].body, set()))


@dataclass
class _Edit:
    checker: Checker
    columns: frozenset[str]
    is_strict: bool

    def bodies(self, before: Sequence[Any], after: Sequence[Any], names: set[str]) -> Iterator[Refusal]:
        """Check statements in order; `names` are variables that the template has set so far."""
        old, new = _parts(before), _parts(after)
        yield from self._texts(old, new)
        old, new = ([p for p in parts if not isinstance(p, nodes.TemplateData)] for parts in (old, new))
        kept = self._align(old, new)
        if self.is_strict and len(kept) < len(old):
            yield Refusal(1, "less Jinja than there was")
        for number, part in enumerate(new):
            if number in kept:
                yield from self._kept(old[kept[number]], part, names)
            elif self.is_strict:
                yield Refusal(part.lineno, "Jinja that was not there before")
            elif isinstance(part, nodes.Expr):
                yield from self.checker.output(part, names)
            else:
                yield from self.checker.statements([part], frozenset(names))
                names |= _assigned(part)

    def _texts(self, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Refusal]:
        """Plain text: braces only in the words that have had them, and no more statements than there were."""
        known = Counter(word for part in old if _is_text(part) for word in part.data.split() if has_jinja(word))
        for part in new:
            if _is_text(part):
                braced = Counter(word for word in part.data.split() if has_jinja(word))
                if braced - known:
                    yield Refusal(part.lineno, "braces that look like Jinja in plain text")
        texts = ["x".join(part.data for part in parts if _is_text(part)) for parts in (old, new)]
        (ends, begins), (ends_after, begins_after) = map(_statements, texts)
        if ends_after > ends:
            yield Refusal(1, "another statement of SQL")
        if self.is_strict and begins != begins_after:
            yield Refusal(1, "SQL that begins with another word")

    def _kept(self, old: Any, new: Any, names: set[str]) -> Iterator[Refusal]:
        """A statement that was there: what is inside of it may have been edited."""
        inner = set(names)
        if isinstance(new, nodes.For):
            inner |= {*targets_of(new.target), "loop"}
        elif isinstance(new, (nodes.Macro, nodes.CallBlock)):
            inner |= {argument.name for argument in new.args}
        for field in ("body", "else_"):
            if isinstance(body := getattr(new, field, None), list):
                yield from self.bodies(getattr(old, field), body, set(inner))
        for before, after in zip(getattr(old, "elif_", ()), getattr(new, "elif_", ()), strict=True):
            yield from self.bodies(before.body, after.body, set(inner))
        names |= _assigned(new)

    def _align(self, old: Sequence[Any], new: Sequence[Any]) -> dict[int, int]:
        """Which part of after is which of before, in order: the longest such alignment."""
        if len(old) * len(new) > _ALIGNED**2:
            return {n: n for n, (a, b) in enumerate(zip(old, new, strict=False)) if self.alike(a, b)}
        same = [[self.alike(a, b) for b in new] for a in old]
        length = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
        for i in range(len(old) - 1, -1, -1):
            for j in range(len(new) - 1, -1, -1):
                skipped = max(length[i + 1][j], length[i][j + 1])
                length[i][j] = max(skipped, length[i + 1][j + 1] + 1) if same[i][j] else skipped
        found, i, j = {}, 0, 0
        while i < len(old) and j < len(new):
            if same[i][j] and length[i][j] == length[i + 1][j + 1] + 1:
                found[j] = i
                i, j = i + 1, j + 1
            elif length[i + 1][j] >= length[i][j + 1]:
                i += 1
            else:
                j += 1
        return found

    def alike(self, old: Any, new: Any, *, is_locked: bool = False) -> bool:
        """Whether two nodes are the same but for names of columns in strings, and what is inside of blocks."""
        if type(old) is not type(new):
            return False
        if isinstance(old, nodes.Const):
            return type(old.value) is type(new.value) and (
                old.value == new.value or (not is_locked and self._is_renamed(old.value, new.value))
            )
        if isinstance(old, nodes.Call):
            is_locked = is_locked or _is_locked(old.node)
            if isinstance(old.node, nodes.Name) and old.node.name == "config":
                return self._alike_config(old, new)
        for field in old.fields:
            if field in ("body", "else_") and isinstance(old, nodes.Stmt):
                continue
            if field == "elif_":
                tests = [getattr(node, field) for node in (old, new)]
                if len(tests[0]) != len(tests[1]):
                    return False
                if not all(self.alike(a.test, b.test) for a, b in zip(*tests, strict=True)):
                    return False
                continue
            if not self._alike_values(getattr(old, field), getattr(new, field), is_locked=is_locked):
                return False
        return True

    def _alike_config(self, old: nodes.Call, new: nodes.Call) -> bool:
        """Settings that name columns may name others."""
        if len(old.kwargs) != len(new.kwargs) or any(
            a.key != b.key for a, b in zip(old.kwargs, new.kwargs, strict=True)
        ):
            return False
        kept = (
            [old.node, old.args, old.dyn_args, old.dyn_kwargs],
            [new.node, new.args, new.dyn_args, new.dyn_kwargs],
        )
        return self._alike_values(*kept, is_locked=True) and all(
            self._alike_values(a.value, b.value, is_locked=a.key not in COLUMN_KEYS)
            for a, b in zip(old.kwargs, new.kwargs, strict=True)
        )

    def _alike_values(self, old: Any, new: Any, *, is_locked: bool) -> bool:
        if isinstance(old, nodes.Node):
            return self.alike(old, new, is_locked=is_locked)
        if isinstance(old, (list, tuple)):
            return (
                isinstance(new, (list, tuple))
                and len(old) == len(new)
                and all(self._alike_values(a, b, is_locked=is_locked) for a, b in zip(old, new, strict=True))
            )
        return type(old) is type(new) and old == new

    def _is_renamed(self, old: Any, new: Any) -> bool:
        return isinstance(old, str) and isinstance(new, str) and old.lower() in self.columns and is_plain_name(new)


def _is_locked(callee: nodes.Node) -> bool:
    last = callee.attr if isinstance(callee, nodes.Getattr) else getattr(callee, "name", "")
    root = callee
    while isinstance(root, (nodes.Getattr, nodes.Getitem, nodes.Call)):
        root = root.node
    return last in _LOCKED or getattr(root, "name", "") in _LOCKED_ROOTS


def _parts(body: Sequence[Any]) -> list[Any]:
    return [part for node in body for part in (node.nodes if isinstance(node, nodes.Output) else [node])]


def _is_text(node: Any) -> bool:
    return isinstance(node, nodes.TemplateData)


def _assigned(node: Any) -> set[str]:
    if isinstance(node, (nodes.Assign, nodes.AssignBlock)):
        return set(targets_of(node.target))
    return set()


def _statements(sql: str) -> tuple[int, str]:
    """How many statements SQL ends, and the word that it begins with."""
    code = _QUOTED.sub(" x ", sql)
    return code.count(";"), next(iter(code.split()), "").lower()


def is_same_reading(before: str, after: str) -> bool:
    """Whether SQL without Jinja ends no more statements, calls nothing new and reads no file that it did not."""
    if has_jinja(after) and not has_jinja(before):
        return False
    (ends, begins), (ends_after, begins_after) = _statements(before), _statements(after)
    calls, calls_after = (
        {word.lower() for word in _CALLED.findall(_QUOTED.sub(" x ", sql))} for sql in (before, after)
    )
    files, files_after = (Counter(_FILE.findall(sql)) for sql in (before, after))
    is_more = ends_after > ends or bool(calls_after - calls - _HARMLESS_CALLS) or bool(files_after - files)
    return begins == begins_after and not is_more


_CALLED = re.compile(r"(\w+)\s*\(")
_FILE = re.compile(r"(?i)\b(?:from|join)\s+'[^']*'")
_HARMLESS_CALLS = frozenset({"cast", "try_cast", "coalesce", "round", "decimal", "numeric", "varchar", "in", "as"})
