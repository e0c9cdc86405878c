"""One file, patched part by part, and looked at again before it is handed on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.errors import SmeltError
from plugins.core.sql.template import Part, Template, tables_in
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.adding import Adding
from plugins.schema_drift.patching.sql.layout import ended_alike
from plugins.schema_drift.patching.sql.placing import Placed, Placing
from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.reading import PartRead, Tables, find_node, read_part
from plugins.schema_drift.patching.sql.scope import Relation
from plugins.schema_drift.patching.sql.sides import after_relation, before_relation
from plugins.schema_drift.patching.sql.writing import UnsafeName


@dataclass(frozen=True)
class PatchedFile:
    """A file after the plan of one table. columns: what was restored, and where. parts: as they were.

    renamed: columns of its output that have another name now. added: those that its select list has now.
    stuck: questions about what no edit here can mend, and another table in the place of this one could.
    """

    text: str
    columns: dict[str, str] = field(default_factory=dict)
    questions: tuple[tuple[int, str], ...] = ()
    parts: tuple[PartRead, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    stuck: tuple[tuple[int, str], ...] = ()

    @property
    def _output(self) -> Relation:
        outputs = (r.bound.output for p in self.parts if p.part.kind in ("file", "snapshot") for r in p.readings)
        return next(outputs, Relation())

    @property
    def passed(self) -> tuple[frozenset[str], bool]:
        """New columns (lower case) that stars hand on to its output, and whether any star does."""
        return frozenset(self._output.fresh), bool(self._output.stars)

    @property
    def columns_before(self) -> tuple[str, ...]:
        """Names of its output, as they were."""
        return tuple(self._output.written.get(name, name) for name in self._output.columns)

    @property
    def reads_it(self) -> bool:
        """Whether the table is read in it."""
        return any(part.reads_it for part in self.parts)


@dataclass(frozen=True)
class Circumstances:
    """Of a file: the node that it makes, the macros that this calls, columns of the table that it uses for sure.

    positional: whether somebody below takes its columns by their order. passes: whether new names go on as they
    are. adds: new columns that its select list is to have. is_test: whether only its number of rows counts.
    handed: parameters of its macros that are the table, by the macro. seen: places of calls of such macros.
    """

    node: str | None = None
    macros: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()
    positional: bool = False
    passes: bool = False
    adds: tuple[str, ...] = ()
    is_test: bool = False
    handed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()


@dataclass(frozen=True)
class FilePatching:
    """What is needed to patch the files of one table. drifted: the node's id."""

    project: PatchedProject
    plan: TablePlan
    drifted: str

    def patch(self, text: str, given: Circumstances) -> PatchedFile:
        """The file with every edit that holds; what does not hold becomes a question."""
        template = Template(text)
        parts = tuple(self.read(template, part, given) for part in template.parts)
        edits: list[Edit] = []
        columns: dict[str, str] = {}
        questions: list[tuple[int, str]] = []
        renamed: dict[str, str] = {}
        added: list[str] = []
        stuck: list[tuple[int, str]] = []
        for part in parts:
            placed, more = self._placed(part, given)
            edits += placed.edits
            columns |= placed.columns
            questions += placed.questions
            stuck += placed.stuck
            if part.part.kind in ("file", "snapshot"):
                added += more
                renamed |= self._renamed(part, placed, given)
            questions += self._failed(part)
        after = apply_edits(text, ended_alike(text, edits))
        return PatchedFile(after, columns, tuple(questions), parts, renamed, tuple(added), tuple(stuck))

    def read(self, template: Template, part: Part, given: Circumstances, *, after: bool = False) -> PartRead:
        """A part, with what the drifted table gave, or gives now."""
        handed = given.handed.get(part.name, frozenset()) if part.kind == "macro" else frozenset()
        tables = Tables(
            self.project, template.masks, given.node, self.drifted, template.set_tables, frozenset(handed)
        )
        dialect = self.project.manifest.dialect
        if after:
            return read_part(template, part, tables, lambda _: after_relation(self.plan), dialect)
        return read_part(template, part, tables, lambda n: before_relation(self.plan, n), dialect, given.passes)

    def _placed(self, part: PartRead, given: Circumstances) -> tuple[Placed, list[str]]:
        """The edits of a part, and the columns that were added to its list."""
        if not part.reads_it:
            return Placed(), []
        whole = self._handed_whole(part, given.seen)
        if whole is not None and self.plan.targets:
            return Placed(stuck=((whole, self._asked_whole()),)), []
        manifest = self.project.manifest
        placing = Placing(
            part,
            self.plan,
            manifest,
            manifest.dialect,
            given.macros,
            given.positional,
            given.passes,
            given.used,
            given.is_test,
        )
        reason = ""
        for everything in (False, True):
            try:
                placed = placing.edits(everything)
                adding = self._adding(part, given)
                for more in dict.fromkeys((tuple(adding), ())):
                    tried = replace(placed, edits=(*placed.edits, *more))
                    reason = self._objection(part, tried, given)
                    if not reason:
                        return tried, list(given.adds) if more else []
            except UnsafeName as error:
                reason = str(error)
            except SmeltError as error:
                reason = error.message
        return self._given_up(part, placing, reason), []

    def _handed_whole(self, part: PartRead, seen: frozenset[int]) -> int | None:
        """The place of Jinja that gets the table as an argument, such as `dbt_utils.star(source(…))`.

        seen: places of those whose macros were looked into.
        """
        manifest, template = self.project.manifest, part.template
        names = [name for name, t in template.set_tables.items() if find_node(manifest, t) == self.drifted]
        for piece in template.inside(part.part):
            if piece.kind == "comment" or piece.table is not None or piece.start in seen:
                continue
            code = piece.code.strip()
            if code in names or (piece.word == "set" and piece.rest.partition("=")[0].strip() in names):
                continue
            is_named = any(re.search(rf"\b{name}\b", code) for name in names)
            if is_named or any(find_node(manifest, named) == self.drifted for named in tables_in(code)):
                return piece.start
        return None

    def _asked_whole(self) -> str:
        names = ", ".join(f"`{target.column}`" for target in self.plan.targets.values())
        return f"a macro gets {self.plan.table.name} as a whole here; what it makes of {names} cannot be seen"

    def _adding(self, part: PartRead, given: Circumstances) -> list[Edit]:
        here = {name for reading in part.readings for name in reading.bound.fresh_used}
        names = [name for name in given.adds if name.lower() not in here]
        if not names or part.part.kind != "file":
            return []
        return Adding(part, self.plan, self.project.manifest.dialect).edits(names)

    def _given_up(self, part: PartRead, placing: Placing, reason: str) -> Placed:
        at = min(read.start for reading in part.readings for read in reading.bound.reads)
        names = ", ".join(f"`{self.plan.targets[key].column}`" for key in sorted(placing.wanted()))
        return Placed(stuck=((at, f"{names} cannot be had again here by an edit of this file: {reason}"),))

    def _failed(self, part: PartRead) -> list[tuple[int, str]]:
        """A question for each place that reads what cannot be had again."""
        found: dict[tuple[int, str], None] = {}
        for reading in part.readings:
            bound = reading.bound
            for one in bound.references:
                if one.origin[1] in self.plan.failed:
                    found[(one.start, self._asked(one.origin[1], "is read here"))] = None
            for number, key in bound.output.origins | bound.escapes:
                if key in self.plan.failed:
                    found[(bound.reads[number].start, self._asked(key, "is passed on by a star here"))] = None
        return list(found)

    def _asked(self, key: str, how: str) -> str:
        change, reason = self.plan.failed[key]
        name = next((name for name in self.plan.before if name.lower() == key), key)
        more = f" {change.question}" if change.question else ""
        return f"`{name}` of {self.plan.table.name} {how}, and {reason}.{more}"

    def _renamed(self, part: PartRead, placed: Placed, given: Circumstances) -> dict[str, str]:
        """Names of the output that changed, where names go on."""
        if not given.passes:
            return {}
        found: dict[str, str] = {}
        for reading in part.readings:
            for name, origin in reading.bound.output.columns.items():
                target = self.plan.targets.get(origin[1]) if origin is not None else None
                # A star hands the new name on without any edit.
                if (
                    target is not None
                    and target.plain
                    and placed.columns.get(origin[1] if origin else "") != "boundary"
                ):
                    found[reading.bound.output.written.get(name, name)] = target.plain
        return found

    def _objection(self, part: PartRead, placed: Placed, given: Circumstances) -> str:
        """Why the edited part is not right; "" if it is."""
        if not placed.edits:
            return ""
        text = apply_edits(part.template.text, ended_alike(part.template.text, placed.edits))
        template = Template(text)
        number = part.template.parts.index(part.part)
        if len(template.pieces) != len(part.template.pieces) or len(template.parts) <= number:
            return "its Jinja would change"
        again = self.read(template, template.parts[number], given, after=True)
        if len(again.readings) != len(part.readings):
            return again.error or "it could not be read afterwards"
        renamed = {old.lower(): new.lower() for old, new in self._renamed(part, placed, given).items()}
        for old, new in zip(part.readings, again.readings, strict=True):
            unknown = {name for name in new.bound.unknown - old.bound.unknown if not name.startswith("_j")}
            if unknown:
                return f"nothing gives {', '.join(f'`{name}`' for name in sorted(unknown))} afterwards"
            objection = (
                "" if given.is_test else _outputs_differ(self.plan, old.bound.output, new.bound.output, renamed)
            )
            if objection:
                return objection
        return ""


def _outputs_differ(plan: TablePlan, old: Relation, new: Relation, renamed: Mapping[str, str]) -> str:
    before = [renamed.get(name, name) for name in old.columns if not name.startswith(("_j", "_col_"))]
    lost = [name for name in before if name not in new.columns]
    if lost:
        return f"it would no longer give {', '.join(f'`{name}`' for name in lost)}"
    hidden = {name.lower() for name in plan.hidden}
    more = [name for name in new.columns if name not in before and name in hidden]
    if more:
        return f"it would also give {', '.join(f'`{name}`' for name in more)}"
    listed = [name for name in new.columns if name in before]
    if not new.stars and listed != before and not old.is_open:
        return "its columns would come in another order"
    return ""
