"""A model between a table and what reads it as a whole: it gives the columns of before."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ruamel.yaml.nodes import MappingNode

from plugins.core.editing.yaml_editor import YamlEditor
from plugins.core.editing.yaml_places import child, items, text_of
from plugins.core.errors import SmeltError
from plugins.schema_drift.patching.sql.base_model import base_name, base_path, pointed
from plugins.schema_drift.patching.sql.partfile import Circumstances, FilePatching
from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.work import Work


@dataclass(frozen=True)
class Between:
    """The model between one source table and some of its readers; it is written when the first one needs it."""

    work: Work
    plan: TablePlan

    @property
    def path(self) -> str:
        """The model's file."""
        return base_path(self.work.project, self.plan.table.id)

    def model(self) -> str | None:
        """The model's name; None: it can't give every column of before again."""
        table = self.plan.table.id
        if not table.startswith("source.") or not self.plan.targets or self.plan.failed or "'" in table:
            return None
        if self.path not in self.work.texts:
            source, name = table.split(".")[2:4]
            text = (
                "{{ config(materialized='view') }}\n\n"
                "-- The columns of before, for what reads the table as a whole.\n"
                f"select *\nfrom {{{{ source('{source}', '{name}') }}}}\n"
            )
            # What a star also hands on is seen by those alone who come here.
            plan = replace(self.plan, added={})
            made = FilePatching(self.work.project, plan, table).patch(text, Circumstances())
            if made.questions or made.stuck or set(made.columns) != set(self.plan.targets):
                return None
            self.work.keep(self.path, made.text, [f"gives the columns of {self.plan.table.name} as they were"])
        return PurePosixPath(self.path).stem

    def point(self, path: str) -> bool:
        """Let a file of SQL or Python read the model; False: it does not say plainly that it reads the table."""
        table = self.plan.table.id
        if not table.startswith("source."):
            return False
        source, name = table.split(".")[2:4]
        wanted, text = base_name(self.work.project, table), self.work.text(path)
        after = pointed(text, source, name, wanted)
        # A name that is made elsewhere may be this table's, too.
        is_doubtful = re.search(
            rf"\bsource\((?!\s*['\"])|\bsource\(\s*['\"]{re.escape(source)}['\"]\s*,(?!\s*['\"])", after
        )
        if after == text or is_doubtful or self._reads_it(path, after) or not self.model():
            return False
        self.work.keep(path, after, [f"reads `{wanted}`"])
        for node in self.work.files.by_path.get(path, ()):
            self._given(node)
        return True

    def _reads_it(self, path: str, text: str) -> bool:
        """Whether SQL reads the table by its name in the warehouse."""
        patching = FilePatching(self.work.project, self.plan, self.plan.table.id)
        return path.endswith(".sql") and patching.patch(text, Circumstances()).reads_it

    def _given(self, node: str) -> None:
        """Rows of unit tests that stood for the table stand for the model, and stay as they are."""
        model = str(self.work.files.nodes[node].get("name"))
        for path in self.work.project.paths:
            if not path.endswith((".yml", ".yaml")):
                continue
            text = self.work.text(path)
            if "unit_tests" not in text or model not in text:
                continue
            try:
                editor = YamlEditor(text)
                self._inputs(editor, model)
                after = editor.result()
            except SmeltError:
                # Whoever edits documents says that this one can't be read.
                continue
            if after != text:
                self.work.keep(path, after, ["gives rows of the model between"])

    def _inputs(self, editor: YamlEditor, model: str) -> None:
        source, name = self.plan.table.id.split(".")[2:4]
        for test in items(child(editor.root, "unit_tests")):
            if not isinstance(test, MappingNode) or text_of(child(test, "model")) != model:
                continue
            for given in items(child(test, "given")):
                node = child(given, "input")
                after = pointed(text_of(node), source, name, base_name(self.work.project, self.plan.table.id))
                if node is not None and after != text_of(node):
                    editor.set_text(node, after)
