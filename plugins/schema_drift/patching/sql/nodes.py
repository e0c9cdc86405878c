"""Every file that reads one node, patched; and, where new names go on, the files below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from plugins.schema_drift.change import Change, Kind, Restored, Severity
from plugins.schema_drift.patching.patch import Interface, Mode
from plugins.schema_drift.patching.sql.below import look_below
from plugins.schema_drift.patching.sql.between import Between
from plugins.schema_drift.patching.sql.boundary import RENAMES
from plugins.schema_drift.patching.sql.handing import Handed, find_handed
from plugins.schema_drift.patching.sql.partfile import Circumstances, FilePatching, PatchedFile
from plugins.schema_drift.patching.sql.passing import retyped
from plugins.schema_drift.patching.sql.plan import TablePlan, plan_table
from plugins.schema_drift.patching.sql.python import patch_python
from plugins.schema_drift.patching.sql.snapshots import is_snapshotted
from plugins.schema_drift.patching.sql.telling import told_of
from plugins.schema_drift.patching.sql.work import Work
from plugins.schema_drift.table import Column, Table

# A model of these kinds is made anew by every build, so that its columns can take other names.
_MADE_ANEW = {"view", "table", "ephemeral"}


@dataclass
class NodePatching:
    """The patching of everything that reads one node. drifted: its id."""

    work: Work
    plan: TablePlan
    drifted: str

    def patch(self, mode: Mode) -> dict[str, set[str]]:
        """Patch all files; columns (lower case) that were had again, by path."""
        done: dict[str, set[str]] = {}
        seen: set[str] = set()
        paths = [path for path, _ in self.work.files.naming(self.drifted, self.plan.table.relation)]
        for path in dict.fromkeys((*paths, *self._handed.sure)):
            file = self._file(path, mode)
            if file.reads_it:
                seen.add(path)
            if file.columns:
                done[path] = set(file.columns)
        seen |= self._looked_into
        for path in self.work.files.python_paths:
            columns = self._python(path)
            if columns is not None:
                seen.add(path)
                done |= {path: columns} if columns else {}
        self._ask_unseen(seen)
        self._retype()
        return done

    # --- SQL

    @cached_property
    def _handed(self) -> Handed:
        """Macros that get the node as an argument."""
        return find_handed(self.work.files, self.drifted) if self.plan.targets or self.plan.failed else Handed()

    @property
    def _between(self) -> Between:
        """The model that files read which can't be patched themselves."""
        return Between(self.work, self.plan)

    @property
    def _looked_into(self) -> set[str]:
        """Files that read the node by macros alone, the SQL of which was looked into."""
        return {path for path, _ in self._handed.calls}

    def _file(self, path: str, mode: Mode) -> PatchedFile:
        node = next(iter(self.work.files.by_path.get(path, [])), None)
        patching = FilePatching(self.work.project, self.plan, self.drifted)
        text = self.work.text(path)
        given = Circumstances(node, self.work.files.macros(node) if node else (), self._used(node))
        is_test = self.work.files.nodes.get(node or "", {}).get("resource_type") == "test"
        calls = frozenset(start for called, start in self._handed.calls if called == path)
        given = replace(given, is_test=is_test, handed=self._handed.sure.get(path, {}), seen=calls)
        reason = self._keeps(node) if mode == Mode.PROPAGATE else "its names are kept"
        file = patching.patch(text, replace(given, passes=not reason))
        if not reason and not self._is_free(node, file.renamed.values()):
            file, reason = patching.patch(text, given), "it has a column of the new name already"
        if mode == Mode.PROPAGATE and not is_test:
            self._say_kept(path, file, reason)
        file = self._added(path, node, patching, given, file)
        if file.stuck and not file.questions and self._between.point(path):
            # A file reads one table or the other: what was edited in it is not needed any more.
            return replace(file, text=self.work.text(path), columns=dict.fromkeys(self.plan.targets, "boundary"))
        self._ask_unread(path, file)
        line = file.parts[0].template.line if file.parts else None
        for at, question in (*file.questions, *file.stuck):
            self.work.ask(question, path, line(at) if line else 0)
        if file.text != text:
            phrases = told_of(self.plan, set(file.columns), frozenset(one.lower() for one in file.renamed))
            self.work.keep(path, file.text, phrases)
        if node is not None and file.renamed:
            self._go_on(node, file, mode)
        return file

    def _used(self, node: str | None) -> frozenset[str]:
        """Columns of the drifted node that another uses, by its compiled SQL."""
        graph = self.work.project.graph
        return frozenset(
            key
            for key in (self.plan.targets if node else ())
            if any(edge.to_node == node for edge in graph.out_of.get((self.drifted, key), ()))
        )

    # --- new columns

    def _added(
        self, path: str, node: str | None, patching: FilePatching, given: Circumstances, file: PatchedFile
    ) -> PatchedFile:
        """The file with new columns, as far as they are wanted in it and do no harm below."""
        entry = self.work.files.nodes.get(node or "", {})
        if node is None or entry.get("resource_type") not in ("model", "snapshot") or file.renamed:
            return file
        through, stars = file.passed
        names = frozenset(name.lower() for name in self.plan.added)
        if (not names and not self._shifts) or not file.reads_it:
            return file
        below = look_below(self.work.project, self.work.files, node, names)
        if below.positional and stars:
            again = patching.patch(self.work.text(path), replace(given, positional=True))
            self._say_kept_out(path, through & names, below.positional)
            return again
        wanted = [name for name in self.plan.added if name.lower() not in through]
        if wanted and not stars and not below.positional and self._is_staging(node):
            shown = [name for name in wanted if not self.plan.added[name].detail.get("pii")]
            self._ask_pii(path, set(wanted) - set(shown), is_passed=False)
            file = patching.patch(self.work.text(path), replace(given, adds=tuple(shown))) if shown else file
        came = {name for name in self.plan.added if name.lower() in through} | set(file.added)
        if came:
            self._passed_on(path, node, came, below.passed, set(file.added))
        return file

    @property
    def _shifts(self) -> bool:
        """Whether a star, told to give the old columns, may give them in another order."""
        can_rename = self.work.project.manifest.dialect in RENAMES
        moved = (one.is_gone and (one.plain is None or not can_rename) for one in self.plan.targets.values())
        return self.plan.is_reordered or any(moved)

    def _is_staging(self, node: str) -> bool:
        """Whether a model only prepares this one table; if any is called a staging model, only those are."""
        if not self.drifted.startswith("source.") or set(self._parents(node)) != {self.drifted}:
            return False
        readers = [one for one in self.work.files.readers(self.drifted) if one.startswith("model.")]
        staging = [one for one in readers if self._is_called_staging(one)]
        return node in (staging or readers)

    def _is_called_staging(self, node: str) -> bool:
        path = str(self.work.files.nodes[node].get("original_file_path", "")).lower()
        return re.search(r"(^|/)(stg|base|src)_|(^|/)(staging|base)/", path) is not None

    def _passed_on(
        self, path: str, node: str, names: set[str], below: Mapping[str, frozenset[str]], appended: set[str]
    ) -> None:
        types = {name: self.plan.types.get(name.lower(), "") for name in sorted(names)}
        self.work.differs(node, Interface(added=types))
        for child, through in below.items():
            self.work.differs(child, Interface(added={n: t for n, t in types.items() if n.lower() in through}))
        listed = ", ".join(f"`{name}`" for name in types)
        self.work.told.setdefault(path, []).append(f"passes {listed} through")
        self._ask_pii(path, {n for n in names - appended if self.plan.added[n].detail.get("pii")}, is_passed=True)

    def _ask_pii(self, path: str, names: set[str], *, is_passed: bool) -> None:
        for name in sorted(names):
            how = "passes it on already" if is_passed else "does not pass it on"
            self.work.ask(
                f"the new column `{name}` of {self.plan.table.name} looks like personal data; this model {how}. "
                "Shall it?",
                path,
                is_minor=not is_passed,
            )

    def _say_kept_out(self, path: str, names: frozenset[str], readers: Iterable[str]) -> None:
        if names:
            listed = ", ".join(f"`{name}`" for name in sorted(names))
            below = ", ".join(f"`{one.split('.')[-1]}`" for one in readers)
            self.work.ask(
                f"{listed} is new in {self.plan.table.name} and is left out here, because {below} takes all "
                "columns by their order. Shall it be there too?",
                path,
                is_minor=True,
            )

    # --- new names that go on

    def _keeps(self, node: str | None) -> str:
        """Why a file gives its columns under the names that they had; "" if it need not."""
        entry = self.work.files.nodes.get(node or "", {})
        materialized = (entry.get("config") or {}).get("materialized")
        if entry.get("resource_type") != "model":
            return "it is no model"
        if materialized not in _MADE_ANEW:
            return f"it is {materialized}, and its table goes on from what is there"
        if is_snapshotted(self.work.files, str(node)):
            return "a snapshot takes its columns"
        if not all(target.plain is not None and target.is_gone for target in self.plan.targets.values()):
            return "another column of what it reads is not only called otherwise"
        return ""

    def _say_kept(self, path: str, file: PatchedFile, reason: str) -> None:
        """Columns that a file still gives under their old names, though new names go on."""
        passed = {old.lower() for old in file.renamed}
        shown = {
            name
            for part in file.parts
            for reading in part.readings
            if reading.bound.reads
            for name in reading.bound.output.columns
        }
        kept = sorted((set(file.columns) & shown) - passed)
        if kept:
            why = reason or ("it is made of the old one there" if file.text != self.work.text(path) else "")
            listed = ", ".join(f"`{self.plan.targets[key].column}`" for key in kept if key in self.plan.targets)
            self.work.kept[path] = f"{listed} ({why or 'it can be had again only where the table is read'})"

    def _is_free(self, node: str | None, names: Iterable[str]) -> bool:
        known = self.work.project.graph.nodes.get(node or "")
        return known is None or not {name.lower() for name in names} & set(known.columns)

    def _go_on(self, node: str, file: PatchedFile, mode: Mode) -> None:
        """The node's own readers, now that it gives other names."""
        self.work.differs(node, Interface(renamed=dict(file.renamed)))
        resource = self.work.project.manifest.resources.get(node)
        known = self.work.project.graph.nodes.get(node)
        if resource is None:
            return
        names = list(known.columns.values()) if known is not None and known.columns else list(file.columns_before)
        new = {old.lower(): to for old, to in file.renamed.items()}
        relation = (resource.relation or ("", "", resource.identifier))[1:]
        before = Table(node, resource.name, relation, tuple(Column(name, "") for name in names))
        after = Table(
            node, resource.name, relation, tuple(Column(new.get(name.lower(), name), "") for name in names)
        )
        changes = [
            Change(Kind.COLUMN_RENAMED, node, (old,), (to,), 1.0, Severity.BREAKING, restores=(_plain(old, to),))
            for old, to in file.renamed.items()
        ]
        NodePatching(self.work, plan_table(before, after, changes), node).patch(mode)

    # --- Python, and what no text shows

    def _python(self, path: str) -> set[str] | None:
        nodes = self.work.files.by_path.get(path, [])
        if not any(self.drifted in self._parents(node) for node in nodes):
            return None
        parts = self.drifted.split(".")
        named = ("source", *parts[2:4]) if parts[0] == "source" else ("ref", parts[-1])
        text = self.work.text(path)
        done = patch_python(text, self.plan, named)
        if done.questions and self._between.point(path):
            return set(self.plan.targets)
        for line, question in done.questions:
            self.work.ask(question, path, line)
        if done.text != text:
            self.work.keep(path, done.text, told_of(self.plan, done.columns))
        return set(done.columns)

    def _parents(self, node: str) -> tuple[str, ...]:
        entry = self.work.files.nodes.get(node, {})
        return tuple((entry.get("depends_on") or {}).get("nodes", ()))

    def _ask_unseen(self, seen: set[str]) -> None:
        """Nodes that read the table, as dbt knows, while no file was found where they do."""
        wanted = {*self.plan.targets, *self.plan.failed}
        macros = self.work.project.manifest.document.get("macros", {})
        for node in self.work.files.readers(self.drifted):
            entry = self.work.files.nodes[node]
            path = entry.get("original_file_path", "")
            called = {macros[macro].get("original_file_path") for macro in self.work.files.macros(node)}
            shared = [macros[one]["name"] for one in self.work.files.macros(node)]
            if any(self._ask_shared(name, entry, path) for name in shared if name in self._handed.shared):
                continue
            if path in seen or called & seen or "test_metadata" in entry or not wanted:
                continue
            if entry.get("resource_type") == "snapshot" and not path.endswith(".sql"):
                # It was asked about before anything was patched.
                continue
            named = self._named_by(node)
            if named:
                listed = ", ".join(f"`{name}`" for name in named)
                self.work.ask(
                    f"`{entry['name']}` reads {self.plan.table.name} in a way that its text does not show; does "
                    f"it use {listed}?",
                    path,
                    1,
                )

    def _ask_shared(self, macro: str, entry: Mapping[str, Any], path: str) -> bool:
        """Whether a macro that reads other tables too names a column, so that it was asked about."""
        home, at = self._handed.shared[macro]
        template = self.work.files.template(home)
        part = next(one for one in template.parts if one.start == at)
        named = {}
        for key in {**self.plan.targets, **self.plan.failed}:
            found = re.search(rf"(?i)(?<![\w$]){re.escape(key)}(?![\w$])", template.text[at : part.end])
            if found is not None:
                named[key] = template.line(at + found.start())
        if not named or "test_metadata" in entry:
            return False
        if self._between.point(path):
            return True
        listed = ", ".join(f"`{key}`" for key in named)
        self.work.ask(
            f"the macro `{macro}` reads {listed} of {self.plan.table.name} for `{entry['name']}` (`{path}`), and "
            "it may read other tables as well, in which nothing changed. How shall it tell them apart?",
            home,
            min(named.values()),
        )
        return True

    def _ask_unread(self, path: str, file: PatchedFile) -> None:
        """Macros that get the node, and whose SQL cannot be read by itself."""
        for part in file.parts:
            if part.part.kind != "macro" or part.part.name not in self._handed.sure.get(path, {}):
                continue
            if part.reads_it or part.part.name in self._handed.through:
                continue
            callers = sorted({caller for caller, _ in self._handed.calls})
            if callers and all([self._between.point(caller) for caller in callers]):  # noqa: C419 - all are pointed
                continue
            listed = ", ".join(f"`{key}`" for key in {**self.plan.targets, **self.plan.failed})
            self.work.ask(
                f"the macro `{part.part.name}` gets {self.plan.table.name}, and its SQL cannot be read by itself "
                f"({part.error or 'no table of it is seen'}). What of it is {listed}?",
                path,
                part.template.line(part.part.start),
            )

    def _named_by(self, node: str) -> list[str]:
        """Columns that a node uses, or may use if its SQL could not be read."""
        graph = self.work.project.graph
        known = graph.nodes.get(node)
        used = [
            key
            for key in {**self.plan.targets, **self.plan.failed}
            if any(edge.to_node == node for edge in graph.out_of.get((self.drifted, key), ()))
        ]
        return used or (list(self.plan.targets) if known is None or known.unparsed else [])

    def _retype(self) -> None:
        """Types that come through to columns handed on as they are."""
        if not self.drifted.startswith("source."):
            return
        types = dict(self.plan.widened)
        for node, columns in retyped(self.work.project, self.drifted, types).items():
            self.work.differs(node, Interface(retyped={name: types[start] for name, start in sorted(columns)}))


def _plain(old: str, new: str) -> Restored:
    from plugins.core.duck import quote

    return Restored(old, quote(new), (new,))
