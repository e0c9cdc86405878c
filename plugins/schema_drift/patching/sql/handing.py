"""Macros that get a table as an argument, and whose SQL is about this table alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from plugins.core.sql.template import Part, Piece, Template
from plugins.schema_drift.patching.sql.files import SqlFiles
from plugins.schema_drift.patching.sql.reading import find_node

Parameter = tuple[str, str]
"""(name of a macro, one of its parameters)."""


@dataclass(frozen=True)
class Site:
    """A call of a macro. given: what stands in the call for each of its parameters; None: that cannot be seen."""

    path: str
    start: int
    part: Part
    template: Template
    given: Mapping[str, ast.expr] | None


@dataclass(frozen=True)
class Handed:
    """Where a table is handed to macros.

    sure: names of parameters that are this table in every call, by the file of the macro and by its name.
    shared: (path, place) of macros that get it in some calls, and something else in others, by name.
    calls: (path, place) of calls of sure macros. through: sure macros that hand it on to others.
    """

    sure: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    shared: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    calls: frozenset[tuple[str, int]] = frozenset()
    through: frozenset[str] = frozenset()


def find_handed(files: SqlFiles, drifted: str) -> Handed:
    """Follow a table through the arguments of the project's own macros."""
    handing = _Handing(files, drifted)
    found: dict[Parameter, bool] = {}
    queue = list(handing.direct())
    while queue:
        one = queue.pop()
        if one in found or handing.macro(one[0]) is None:
            continue
        found[one] = False
        queue += handing.passed_by(one)
    # A parameter is the table if it is so in every call: what is handed on by a sure one is sure.
    grown = True
    while grown:
        sure = {one for one, is_sure in found.items() if is_sure}
        more = [one for one, is_sure in found.items() if not is_sure and handing.is_always(one, sure)]
        found |= dict.fromkeys(more, True)
        grown = bool(more)
    return handing.told(found)


@dataclass(frozen=True)
class _Handing:
    files: SqlFiles
    drifted: str

    def macro(self, name: str) -> tuple[str, Template, Part] | None:
        """The file and the part of one of the project's own macros."""
        manifest = self.files.project.manifest
        entry = manifest.document.get("macros", {}).get(f"macro.{manifest.project_name}.{name}")
        path = str((entry or {}).get("original_file_path") or "")
        if path not in self.files.project.paths:
            return None
        template = self.files.template(path)
        part = next((one for one in template.parts if one.kind == "macro" and one.name == name), None)
        return (path, template, part) if part is not None else None

    def direct(self) -> Iterator[Parameter]:
        """Parameters that get the table by `source()` or `ref()`, or by a name that was set to it."""
        for path in self.files.called(self.drifted):
            template = self.files.template(path)
            for part in template.parts:
                for piece in template.inside(part):
                    yield from self._parameters(template, part, piece, None)

    def passed_by(self, one: Parameter) -> Iterator[Parameter]:
        """Parameters of other macros that get one of a macro."""
        macro = self.macro(one[0])
        if macro is not None:
            _, template, part = macro
            for piece in template.inside(part):
                yield from self._parameters(template, part, piece, one)

    def _parameters(
        self, template: Template, part: Part, piece: Piece, by: Parameter | None
    ) -> Iterator[Parameter]:
        for call in _calls(piece):
            name = _name(call)
            given = self._given(name, call) if name else None
            for parameter, argument in (given or {}).items():
                if self._is_it(template, part, argument, {by} if by else set()):
                    yield name, parameter

    def _given(self, name: str, call: ast.Call) -> dict[str, ast.expr] | None:
        macro = self.macro(name)
        try:
            head = ast.parse(f"def {macro[2].head}: pass").body[0] if macro is not None else None
        except SyntaxError:
            return None
        if not isinstance(head, ast.FunctionDef) or any(one.arg is None for one in call.keywords):
            return None
        names = [one.arg for one in head.args.args]
        if len(call.args) > len(names) or any(isinstance(one, ast.Starred) for one in call.args):
            return None
        return dict(zip(names, call.args, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}

    def _is_it(self, template: Template, part: Part, argument: ast.expr, sure: set[Parameter]) -> bool:
        manifest = self.files.project.manifest
        if isinstance(argument, ast.Name):
            named = template.set_tables.get(argument.id)
            return (part.name, argument.id) in sure or (
                named is not None and find_node(manifest, named) == self.drifted
            )
        texts = [one.value for one in getattr(argument, "args", ()) if isinstance(one, ast.Constant)]
        named = (_name(argument), *map(str, texts)) if isinstance(argument, ast.Call) else ()
        return len(named) > 1 and find_node(manifest, named) == self.drifted

    def sites(self, name: str) -> Iterator[Site]:
        """Every place that calls a macro, or speaks of it otherwise."""
        for path in self.files.with_words([name]):
            template = self.files.template(path)
            for part in template.parts:
                for piece in template.inside(part):
                    if piece.kind == "comment" or not re.search(rf"\b{re.escape(name)}\b", piece.code):
                        continue
                    calls = [one for one in _calls(piece) if _name(one) == name]
                    for call in calls:
                        yield Site(path, piece.start, part, template, self._given(name, call))
                    if len(calls) != len(re.findall(rf"\b{re.escape(name)}\b", piece.code)):
                        yield Site(path, piece.start, part, template, None)

    def is_always(self, one: Parameter, sure: set[Parameter]) -> bool:
        """Whether every call gives the table for a parameter, and the macro only prints it or hands it on."""
        macro = self.macro(one[0])
        if macro is None or not self._only_reads(macro[1], macro[2], one[1]):
            return False
        for site in self.sites(one[0]):
            argument = (site.given or {}).get(one[1])
            if argument is None or not self._is_it(site.template, site.part, argument, sure):
                return False
        return True

    def _only_reads(self, template: Template, part: Part, parameter: str) -> bool:
        for piece in template.inside(part):
            uses = len(re.findall(rf"\b{re.escape(parameter)}\b", piece.code))
            if not uses or piece.kind == "comment" or piece.code.strip() == parameter:
                continue
            handed = [a for c in _calls(piece) for a in (self._given(_name(c), c) or {}).values()]
            if uses != sum(isinstance(one, ast.Name) and one.id == parameter for one in handed):
                return False
        return True

    def told(self, found: Mapping[Parameter, bool]) -> Handed:
        """What was found, by files."""
        sure: dict[str, dict[str, frozenset[str]]] = {}
        shared: dict[str, tuple[str, int]] = {}
        calls: set[tuple[str, int]] = set()
        through: set[str] = set()
        for (name, parameter), is_sure in found.items():
            macro = self.macro(name)
            if macro is None:
                continue
            path, _, part = macro
            if not is_sure:
                shared[name] = (path, part.start)
                continue
            by_name = sure.setdefault(path, {})
            by_name[name] = by_name.get(name, frozenset()) | {parameter}
            sites = list(self.sites(name))
            calls |= {(site.path, site.start) for site in sites}
            through |= {site.part.name for site in sites if site.part.kind == "macro"}
        return Handed(sure, shared, frozenset(calls), frozenset(through))


def _calls(piece: Piece) -> list[ast.Call]:
    """All calls in what is printed; none where it is no expression of Python too."""
    if piece.kind != "print":
        return []
    try:
        tree = ast.parse(piece.code.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return []
    return [one for one in ast.walk(tree) if isinstance(one, ast.Call)]


def _name(call: ast.expr) -> str:
    """The name of what is called, without its package."""
    func = call.func if isinstance(call, ast.Call) else None
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
