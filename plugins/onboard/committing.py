"""Commits what onboarding wrote, and nothing else: edits that the user has not committed stay uncommitted."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.onboard.drafted import Drafted
from plugins.onboard.writing import with_section
from plugins.review import Repository

_TOML = "smelt.toml"


def uncommitted(folder: Path, paths: Sequence[str]) -> list[str]:
    """Those of the written paths, relative to `folder`, that no commit has as they are."""
    repository = Repository.find(folder)
    above = repository.prefix(folder)
    return [path for path in paths if repository.git("status", "--porcelain", "--", str(above / path))]


def commit_source(folder: Path, drafted: Drafted, paths: Sequence[str]) -> str:
    """Commit the paths, of smelt.toml only the connection's section; returns a note on what was left out, or "".

    Raises SmeltError if git can't commit now, as in the middle of a merge.
    """
    repository = Repository.find(folder)
    above = repository.prefix(folder)
    message = f"Add the source {drafted.name}"
    files = [str(above / path) for path in paths if path != _TOML]
    toml = str(above / _TOML)
    committed = _committed(repository, toml)
    if _TOML not in paths or (committed and _has(committed, drafted)):
        return _whole(repository, message, files)
    if committed is None:
        left = "smelt.toml is in no commit yet, and stays uncommitted"
    elif with_section(committed, drafted.connection) == (folder / _TOML).read_text("utf-8"):
        return _whole(repository, message, [*files, toml])
    elif _takes(committed, drafted.connection):
        _with_lines(repository, message, files, toml, drafted.connection)
        return "of smelt.toml the new section alone; your other changes in it stay uncommitted"
    else:
        left = "smelt.toml stays uncommitted, as what is committed of it has no place for the new section"
    _whole(repository, message, files)
    return f"{left}: commit it before you merge the pull request"


def _whole(repository: Repository, message: str, paths: Sequence[str]) -> str:
    if paths:
        repository.git("add", "--", *paths)
        repository.git("commit", "--quiet", "-m", message, "--", *paths)
    return ""


def _committed(repository: Repository, path: str) -> str | None:
    if repository.find_commit("HEAD") is None:
        return None
    found = repository.show("HEAD", path)
    return None if found is None else found.decode("utf-8", "replace").replace("\r\n", "\n")


def _has(text: str, drafted: Drafted) -> bool:
    try:
        known = tomllib.loads(text).get("connections", {})
    except tomllib.TOMLDecodeError:
        return False
    return known.get(drafted.name) == tomllib.loads(drafted.connection)["connections"][drafted.name]


def _takes(text: str, section: str) -> bool:
    try:
        tomllib.loads(with_section(text, section))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _with_lines(repository: Repository, message: str, files: Sequence[str], toml: str, section: str) -> None:
    """Commit from an index of its own; the work tree stays, and the user's index gets the same section."""
    if repository.find_commit("MERGE_HEAD") is not None:
        raise SmeltError("a merge is not finished, so nothing was committed", "finish it, and run this again")
    staged = repository.git("ls-files", "--stage", "--", toml).partition("\t")[0].split()
    with tempfile.TemporaryDirectory() as aside:
        index = {"GIT_INDEX_FILE": str(Path(aside) / "index")}
        repository.git("read-tree", "HEAD", environment=index)
        if files:
            repository.git("add", "--", *files, environment=index)
        mode, _, blob = repository.git("ls-tree", "HEAD", "--", toml).partition("\t")[0].split()
        _append(repository, toml, mode, blob, section, index)
        repository.git("commit", "--quiet", "-m", message, environment=index)
    if files:
        repository.git("add", "--", *files)
    if staged and _takes(repository.git("cat-file", "blob", staged[1]), section):
        _append(repository, toml, staged[0], staged[1], section, {})


def _append(
    repository: Repository, path: str, mode: str, blob: str, section: str, environment: dict[str, str]
) -> None:
    """The index's entry of `path` with the section at its end, whatever the work tree has."""
    text = with_section(repository.git("cat-file", "blob", blob), section)
    made = repository.git("hash-object", "-w", "--stdin", stdin=text.encode(errors="surrogateescape"))
    repository.git("update-index", "--add", "--cacheinfo", f"{mode},{made},{path}", environment=environment)
