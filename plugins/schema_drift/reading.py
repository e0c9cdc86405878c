"""The project as its last commit has it: files, manifest and lineage, whatever is being edited meanwhile."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from plugins.core.errors import SmeltError
from plugins.core.lineage import Columns, LineageCache, ProjectLineage, known_columns
from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import OWN_TARGET, compiled_manifest
from plugins.review.git import Repository
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.table import Table

_LARGEST = 2_000_000
_PROJECT = "dbt_project.yml"


@dataclass(frozen=True)
class Files:
    """The text files of one commit below the project's folder, by path relative to it."""

    texts: Mapping[str, str]

    @classmethod
    def at(cls, repository: Repository, folder: Path, commit: str) -> Files:
        """All of them, but for those of dbt projects inside of it; what is no text or very long is left out."""
        prefix = repository.prefix(folder)
        names = repository.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).split("\0")
        inside = [name for name in names if name and PurePosixPath(name).is_relative_to(prefix)]
        others = {path.parent for name in inside if (path := PurePosixPath(name)).name == _PROJECT} - {prefix}
        inside = [name for name in inside if others.isdisjoint(PurePosixPath(name).parents)]
        texts = {}
        for name, content in repository.blobs(commit, inside).items():
            if len(content) > _LARGEST or b"\0" in content:
                continue
            try:
                texts[str(PurePosixPath(name).relative_to(prefix))] = content.decode()
            except UnicodeDecodeError:
                continue
        return cls(texts)

    def read(self, path: str) -> str:
        """Raises SmeltError if the commit has no such text file."""
        try:
            return self.texts[path]
        except KeyError:
            raise SmeltError(f"{path} is not committed", "commit it, and check for drift again") from None


@contextmanager
def at_head(
    project: Project, before: Sequence[Table], after: Sequence[Table]
) -> Iterator[tuple[PatchedProject, str]]:
    """The project that is patched, and the commit it is of. before, after: tables that drifted.

    Raises SmeltError where there is no repository or no commit of the project, and where it does not compile.
    """
    repository = Repository.find(project.folder)
    commit = repository.resolve("HEAD")
    files = Files.at(repository, project.folder, commit)
    if _PROJECT not in files.texts:
        raise SmeltError(
            f"{project.folder} is not committed in the repository {repository.root}",
            "commit the project, which a pull request is made against, then propose again",
        )
    with _manifest(project, repository, commit, files) as manifest:
        known: dict[str, Columns] = known_columns(manifest, project.folder, project.artifacts / "catalog.json")
        # As they were: what the models say is about these columns.
        known |= {table.id: {column.name: column.type for column in table.columns} for table in before}
        cache = LineageCache(project.folder / OWN_TARGET / "lineage.db")
        try:
            graph = ProjectLineage(manifest, known, cache).read()
        finally:
            cache.close()
        paths = sorted(files.texts)
        yield PatchedProject(manifest, graph, paths, files.read, tuple(before), tuple(after)), commit


@contextmanager
def _manifest(project: Project, repository: Repository, commit: str, files: Files) -> Iterator[Manifest]:
    """That of the commit: of the folder itself if nothing in it differs, else of a work tree of the commit."""
    if not repository.uncommitted(project.folder):
        manifest = compiled_manifest(project)
        own = {r.path for r in manifest.resources.values() if r.package == manifest.project_name}
        if own <= files.texts.keys():
            yield manifest
            return
    folder = Path(tempfile.mkdtemp(prefix="smelt-drift-")).resolve()
    try:
        repository.add_worktree(folder / "repository", commit)
        checked_out = folder / "repository" / repository.prefix(project.folder)
        packages = project.folder / "dbt_packages"
        if packages.is_dir() and not (checked_out / "dbt_packages").exists():
            (checked_out / "dbt_packages").symlink_to(packages.resolve())
        profiles = project.folder / project.profiles
        yield compiled_manifest(replace(project, folder=checked_out, profiles_dir=profiles))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        repository.prune_worktrees()
