"""One file, patched part by part, and looked at again before it is handed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.errors import SmeltError
from plugins.core.sql.template import Part, Template
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.placing import Placed, Placing, after_relation, before_relation
from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.reading import PartRead, Tables, read_part
from plugins.schema_drift.patching.sql.scope import Relation
from plugins.schema_drift.patching.sql.writing import UnsafeName


@dataclass(frozen=True)
class PatchedFile:
    """A file after the plan of one table. columns: what was restored, and where. read: its parts as they were."""

    text: str
    columns: dict[str, str] = field(default_factory=dict)
    questions: tuple[tuple[int, str], ...] = ()
    parts: tuple[PartRead, ...] = ()

    @property
    def reads_it(self) -> bool:
        """Whether the table is read in it."""
        return any(part.reads_it for part in self.parts)


@dataclass(frozen=True)
class FilePatching:
    """What is needed to patch the files of one table. drifted: the node's id."""

    project: PatchedProject
    plan: TablePlan
    drifted: str

    def patch(self, text: str, node: str | None, macros: tuple[str, ...], positional: bool) -> PatchedFile:
        """The file with every edit that holds; what does not hold becomes a question."""
        template = Template(text)
        parts = tuple(self.read(template, part, node, before_relation) for part in template.parts)
        edits: list[Edit] = []
        columns: dict[str, str] = {}
        questions: list[tuple[int, str]] = []
        for part in parts:
            placed = self._placed(part, node, macros, positional)
            edits += placed.edits
            columns |= placed.columns
            questions += placed.questions
        return PatchedFile(apply_edits(text, edits), columns, tuple(questions), parts)

    def read(
        self, template: Template, part: Part, node: str | None, relation: Callable[[TablePlan, int], Relation]
    ) -> PartRead:
        """A part, with what the drifted table gives."""
        tables = Tables(self.project, template.masks, node, self.drifted)
        dialect = self.project.manifest.dialect
        return read_part(template, part, tables, lambda number: relation(self.plan, number), dialect)

    def _placed(self, part: PartRead, node: str | None, macros: tuple[str, ...], positional: bool) -> Placed:
        if not part.reads_it:
            return Placed()
        manifest = self.project.manifest
        placing = Placing(part, self.plan, manifest, manifest.dialect, macros, positional)
        reason = ""
        for everything in (False, True):
            try:
                placed = placing.edits(everything)
                reason = self._objection(part, placed, node)
            except UnsafeName as error:
                reason = str(error)
                continue
            except SmeltError as error:
                reason = error.message
                continue
            if not reason:
                return placed
        return self._given_up(part, placing, reason)

    def _given_up(self, part: PartRead, placing: Placing, reason: str) -> Placed:
        at = min(read.start for reading in part.readings for read in reading.bound.reads)
        names = ", ".join(f"`{self.plan.targets[key].column}`" for key in sorted(placing.wanted()))
        return Placed(questions=((at, f"{names} cannot be had again here by an edit of this file: {reason}"),))

    def _objection(self, part: PartRead, placed: Placed, node: str | None) -> str:
        """Why the edited part is not right; "" if it is."""
        if not placed.edits:
            return ""
        text = apply_edits(part.template.text, list(placed.edits))
        template = Template(text)
        number = part.template.parts.index(part.part)
        if len(template.pieces) != len(part.template.pieces) or len(template.parts) <= number:
            return "its Jinja would change"
        again = self.read(template, template.parts[number], node, lambda plan, _: after_relation(plan))
        if len(again.readings) != len(part.readings):
            return again.error or "it could not be read afterwards"
        for old, new in zip(part.readings, again.readings, strict=True):
            unknown = new.bound.unknown - old.bound.unknown
            if unknown:
                return f"nothing gives {', '.join(f'`{name}`' for name in sorted(unknown))} afterwards"
            objection = _outputs_differ(self.plan, old.bound.output, new.bound.output)
            if objection:
                return objection
        return ""


def _outputs_differ(plan: TablePlan, old: Relation, new: Relation) -> str:
    before = [name for name in old.columns if not name.startswith(("_j", "_col_"))]
    lost = [name for name in before if name not in new.columns]
    if lost:
        return f"it would no longer give {', '.join(f'`{name}`' for name in lost)}"
    hidden = {name.lower() for name in plan.hidden}
    more = [name for name in new.columns if name not in old.columns and name in hidden]
    if more:
        return f"it would also give {', '.join(f'`{name}`' for name in more)}"
    return ""


def without_added(plan: TablePlan) -> TablePlan:
    """The plan without what only comes along."""
    return replace(plan, added={})
