"""Which parse of a commit dbt can go on from at another one.

dbt parses a snapshot that is defined in YAML once more when what it takes its rows from is described otherwise or
is gone, and then forgets all else in the snapshot's file: other snapshots, exposures and unit tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from plugins.review.git import GitError, Repository

_YAML = (".yml", ".yaml")
_RELATION = re.compile(rb"^[\s{-]*relation:.*?['\"]([\w.$-]+)['\"]\s*\)", re.MULTILINE)


def can_go_on(repository: Repository, before: str, after: str) -> bool:
    """Whether dbt, with its parse of one commit, parses another one as it would with none."""
    if repository.find_commit(before) is None:
        return False
    taken = _snapshotted(repository, before)
    if not taken:
        return True
    changed = repository.changed_files(before, after)
    left = [file.old_path or file.path for file in changed if file.status in ("D", "R")]
    gone = {PurePosixPath(path).stem.encode() for path in left}
    paths = [*left, *(file.path for file in changed)]
    return taken.isdisjoint(gone) and not any(
        re.search(rb"(?<![\w$])" + re.escape(name) + rb"(?![\w$])", text)
        for text in _texts(repository, (before, after), [path for path in paths if path.endswith(_YAML)])
        for name in taken
    )


def _snapshotted(repository: Repository, commit: str) -> frozenset[bytes]:
    """Names of what snapshots in YAML take their rows from."""
    try:
        found = repository.git("grep", "-lz", "-E", "^ *-? *relation:", commit, "--", "*.yml", "*.yaml")
    except GitError:
        # git says so too where nothing is found.
        return frozenset()
    paths = [line.removeprefix(f"{commit}:") for line in found.split("\0") if line]
    return frozenset(name for text in _texts(repository, (commit,), paths) for name in _RELATION.findall(text))


def _texts(repository: Repository, commits: Sequence[str], paths: Sequence[str]) -> list[bytes]:
    return [text for commit in commits for text in repository.blobs(commit, paths).values()]
