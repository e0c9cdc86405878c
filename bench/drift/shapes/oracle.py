"""Judges what a tool made of a case: builds the project with plain dbt, and compares gold with DuckDB.

What gold should be comes from the original project, built by dbt on the same rows without the drift. So rows that
came, changed or went meanwhile count as well, and not only those that were there before.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.drift.shapes.answer import Answer, Asked, Edits, Outcome, Verdict
from bench.drift.shapes.cases import WAREHOUSE, Case, drift, fill, go_on
from bench.drift.shapes.gold import Difference, compare, gold_models
from bench.drift.shapes.projects import Shape, write
from plugins.core.errors import SmeltError
from plugins.core.project import Built, Project

_TARGET = Path("target/oracle")
_PARSED = _TARGET / "partial_parse.msgpack"
_KEPT_BY_TOOLS = ("target", "logs", ".git", ".smelt", ".user.yml")


@dataclass
class Workbench:
    """One shape's project in a folder, in which case after case is tried; and what gold should be."""

    shape: Shape
    folder: Path
    originals: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    tests: dict[str, int] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """The dbt project that is tried; its warehouse is in it."""
        return self.folder / "project"

    @property
    def before(self) -> Path:
        """The warehouse before anything happened, with what dbt built of it."""
        return self.folder / "before.duckdb"

    def prepare(self) -> None:
        """Write the project and build it; raises SmeltError if it does not build as it is."""
        self.project.mkdir(parents=True)
        write(self.shape, self.project)
        fill(self.shape, self.project / WAREHOUSE)
        _built(self.project)
        shutil.copyfile(self.project / WAREHOUSE, self.before)
        shutil.copyfile(self.project / _PARSED, self.folder / _PARSED.name)
        for path in _files(self.project):
            found = self.project / path
            self.originals[path] = (found.read_bytes(), found.stat().st_mtime)

    def gold(self, activity: str) -> Path:
        """The warehouse with gold as it should be, where `expect` made it."""
        return self.folder / f"{activity}.duckdb"

    def expect(self, activity: str) -> None:
        """Build what gold should be after what goes on at the source without any drift; once."""
        if activity not in self.tests:
            self.restore()
            shutil.copyfile(self.before, self.project / WAREHOUSE)
            go_on(self.shape, self.project / WAREHOUSE, activity)
            self.tests[activity] = _built(self.project).count("test", "unit_test")
            shutil.copyfile(self.project / WAREHOUSE, self.gold(activity))

    def happen(self, case: Case) -> None:
        """Let a case happen to the warehouse; the project is as it was."""
        self.expect(case.activity)
        self.restore()
        shutil.copyfile(self.before, self.project / WAREHOUSE)
        go_on(self.shape, self.project / WAREHOUSE, case.activity)
        drift(case, self.project / WAREHOUSE)

    def restore(self) -> None:
        """Put every file back as it was, with the time it was written: dbt and tools go by it."""
        for path in _files(self.project):
            if path not in self.originals:
                (self.project / path).unlink()
        for path, (content, time) in self.originals.items():
            found = self.project / path
            if not found.is_file() or found.read_bytes() != content:
                found.parent.mkdir(parents=True, exist_ok=True)
                found.write_bytes(content)
            os.utime(found, (time, time))
        # What dbt keeps of a parse goes wrong over many edits; each case is one edit away from the original.
        shutil.copyfile(self.folder / _PARSED.name, self.project / _PARSED)

    def apply(self, files: Mapping[str, str | None]) -> None:
        """Write what a tool wrote."""
        for path, text in files.items():
            found = self.project / path
            if not found.resolve().is_relative_to(self.project.resolve()):
                raise SmeltError(f"{path} is outside the project", "a tool may write inside it only")
            if text is None:
                found.unlink(missing_ok=True)
            else:
                found.parent.mkdir(parents=True, exist_ok=True)
                found.write_bytes(text.encode())

    def original(self, path: str) -> str:
        """A file as it was; empty if there was none."""
        return self.originals[path][0].decode() if path in self.originals else ""


def judge(bench: Workbench, case: Case, answer: Answer) -> Verdict:
    """What became of a case that happened on the bench."""
    files = {path: text for path, text in answer.files.items() if text != _known(bench, path)}
    questions = [one for one in answer.questions if names_it(case, one)]
    did = "patched" if files else "asked" if answer.questions else "nothing"
    accepts = case.happening.accepts

    def verdict(outcome: Outcome, *why: str, builds: bool | None = None, equal: bool | None = None) -> Verdict:
        return Verdict(
            case=case.name,
            kind=case.happening.name,
            shape=case.shape.name,
            activity=case.activity,
            outcome=outcome,
            did=did,
            accepts=accepts,
            builds=builds,
            equal=equal,
            is_asked=bool(questions),
            understood=_understood(case, answer),
            edits=_edits(bench, case, files),
            why=why,
            seconds=answer.seconds,
        )

    if answer.error:
        return verdict(Outcome.CRASHED, answer.error)
    if accepts == ("nothing",):
        is_left_alone = did == "nothing"
        return verdict(Outcome.RIGHT if is_left_alone else Outcome.FALSE, *_texts(answer))
    if did == "asked":
        if not questions:
            return verdict(Outcome.VAGUE, *_texts(answer))
        return verdict(Outcome.RIGHT if "asked" in accepts else Outcome.HANDED, *_texts(answer))
    bench.apply(files)
    problems, differences = _try(bench, case)
    builds, equal = not problems, None if problems else not differences
    why = (*problems, *map(str, differences))
    if builds and equal and did in accepts:
        return verdict(Outcome.RIGHT, builds=builds, equal=equal)
    if did == "nothing":
        return verdict(Outcome.MISSED, *(why or ("it should be asked about",)), builds=builds, equal=equal)
    if questions:
        # Somebody will look before it is merged, and knows where.
        outcome = Outcome.RIGHT if "asked" in accepts else Outcome.HANDED
        return verdict(outcome, *why, *_texts(answer), builds=builds, equal=equal)
    if answer.failed:
        return verdict(Outcome.CAUGHT, *why, builds=builds, equal=equal)
    if problems:
        return verdict(Outcome.BROKEN, *why, builds=builds, equal=equal)
    return verdict(Outcome.SILENT, *(why or ("it should be asked about",)), builds=builds, equal=equal)


def names_it(case: Case, asked: Asked) -> bool:
    """Whether a question says what it is about: a column (or table) that drifted, and of which table or file."""
    text = asked.text.lower()
    columns = [name.lower().split(".")[-1] for name in case.happening.asks]
    whole = f"{text} {asked.path.lower()}"
    return any(column in text for column in columns) and case.happening.table.lower() in whole


def _try(bench: Workbench, case: Case) -> tuple[list[str], list[Difference]]:
    """What fails when the project is built as it is now, and what gold then holds that it should not."""
    problems, tests = _build(bench.project)
    if problems or tests < bench.tests[case.activity]:
        # Even so it is wrong at times; a whole parse decides.
        (bench.project / _PARSED).unlink(missing_ok=True)
        problems, tests = _build(bench.project)
    if problems:
        return problems, []
    lost = bench.tests[case.activity] - tests
    differences = compare(
        bench.gold(case.activity),
        bench.project / WAREHOUSE,
        gold_models(case.shape),
        case.happening.loses,
        case.happening.exempt,
    )
    if lost > 0 and not case.happening.loses:
        differences.append(Difference("tests", "", lost, "that there were before are gone"))
    return [], differences


def _built(project: Path) -> Built:
    """Build a project that must build."""
    tried = Project(project, target_path=_TARGET, writes_artifacts=False)
    try:
        built = tried.build()
    finally:
        tried.release()
    if built.broken:
        raise SmeltError(f"{project} does not build: {built.broken[0].message}", "correct the shape's templates")
    return built


def _build(project: Path) -> tuple[list[str], int]:
    """What failed, and how many tests ran."""
    tried = Project(project, target_path=_TARGET, writes_artifacts=False)
    try:
        built = tried.build()
    except SmeltError as error:
        return [error.message], 0
    finally:
        tried.release()
    failed = [f"{node.name}: {' '.join(node.message.split())[:300]}" for node in built.broken]
    return failed, built.count("test", "unit_test")


def _files(project: Path) -> list[str]:
    """The project's own files, without what dbt, git and tools keep there."""
    found = []
    for path in sorted(project.rglob("*")):
        relative = path.relative_to(project)
        is_kept = relative.parts[0] in _KEPT_BY_TOOLS or relative.name.startswith(WAREHOUSE)
        if path.is_file() and not is_kept:
            found.append(relative.as_posix())
    return found


def _known(bench: Workbench, path: str) -> str | None:
    return bench.originals[path][0].decode() if path in bench.originals else None


def _texts(answer: Answer) -> tuple[str, ...]:
    return tuple(f"{one.path}: {one.text}" if one.path else one.text for one in answer.questions)


def _understood(case: Case, answer: Answer) -> float | None:
    """The share of the changes that the tool told as they are; None where it told none, and there are none."""
    wanted = case.happening.changes
    if not wanted:
        return None
    schema = case.shape.domain.source
    told = {(kind, _plain(before, schema), _plain(after, schema)) for kind, before, after in answer.found}
    # What is about all columns at once names none here.
    told |= {(kind, frozenset(), frozenset()) for kind, _, _ in answer.found}
    found = [
        any((kind, _plain(one.before, schema), _plain(one.after, schema)) in told for kind in one.kind.split("|"))
        for one in wanted
    ]
    return sum(found) / len(found)


def _plain(names: tuple[str, ...], schema: str) -> frozenset[str]:
    """Columns in any case and without their fields; tables without their schema."""
    lowered = (name.lower().removeprefix(f"{schema}.") for name in names)
    return frozenset(name.split(".")[0] for name in lowered)


def _edits(bench: Workbench, case: Case, files: Mapping[str, str | None]) -> Edits:
    about = re.compile("|".join(re.escape(name.split(".")[-1]) for name in case.names), re.IGNORECASE)
    added = removed = needless = 0
    for path, text in files.items():
        old, new = bench.original(path).splitlines(), (text or "").splitlines()
        for tag, start, end, there, until in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                added, removed = added + until - there, removed + end - start
                needless += sum(_is_needless(old, number, about) for number in range(start, end))
    return Edits(added, removed, needless)


def _is_needless(lines: list[str], number: int, about: re.Pattern[str]) -> bool:
    """Whether neither the line nor an entry of a list that it belongs to, as in YAML, names what drifted."""
    line = lines[number]
    indent = len(line) - len(line.lstrip())
    if not line.strip() or about.search(line):
        return False
    for above in reversed(lines[:number]):
        depth = len(above) - len(above.lstrip())
        if above.strip() and depth < indent:
            # Of a list in YAML it is the entry with a name that says what it is about.
            if above.lstrip().startswith("- name:"):
                return about.search(above) is None
            indent = depth
    return True
