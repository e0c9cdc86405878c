"""A proposal's changes as commits, made from plumbing: checkout, index and HEAD are never touched.

The commits are a pure function of the proposal and its base (author, dates and messages come from it),
so making them again gives the same ids, and an interrupted push can be recognised.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence, Set
from pathlib import Path, PurePosixPath

from plugins.core.errors import SmeltError
from plugins.review.git import Repository, run_git
from plugins.review.proposal import FileChange, Proposal

_FILE, _EXECUTABLE = "100644", "100755"
TRAILER = "Smelt-Proposal"


def build_commits(repository: Repository, prefix: PurePosixPath, proposal: Proposal, committer: str) -> str:
    """Make the proposal's commits on its base and return the last one's id.

    prefix: the dbt project's folder inside the repository. committer: `Name <address>`.
    Raises SmeltError if a file's content at the base isn't what the proposal was made against.
    """
    parent = base = repository.resolve(proposal.base)
    changes = {change.path: change for change in proposal.changes}
    full = {path: (prefix / path).as_posix() for path in changes}
    modes = _modes(repository, parent, full.values())
    _check_before(repository, parent, proposal, full, modes)
    if not changes:
        # Nothing to merge but an answer; forges open a pull request of a commit that changes no file.
        tree = repository.git("rev-parse", f"{parent}^{{tree}}")
        return build_merge(repository, tree, (parent,), proposal, committer)
    for message, paths in planned_commits(proposal):
        tree = _tree(repository, parent, [(full[path], changes[path]) for path in paths], modes)
        parent = _commit(repository, tree, (parent,), _signed(message, proposal), committer, proposal)
    if not repository.changed_files(base, parent):
        raise SmeltError(f"proposal {proposal.id} changes nothing", "make the proposal again")
    return parent


def keep_tip(repository: Repository, proposal: Proposal, there: str | None, known: Set[str], tip: str) -> str:
    """The branch's tip `there` if it is Smelt's and differs from `tip` only in when it was made; else `tip`.

    Whoever has looked at a commit need not look at another one that holds the same.
    """
    base = repository.resolve(proposal.base)
    if there is None or there not in known or repository.find_commit(there) is None:
        return tip
    if not repository.is_ancestor(base, there):
        return tip
    told = {repository.git("log", "--format=%T %B", f"{base}..{one}", "--") for one in (there, tip)}
    return there if len(told) == 1 else tip


def build_merge(
    repository: Repository, tree: str, parents: Sequence[str], proposal: Proposal, committer: str
) -> str:
    """Make a commit of the proposal that has this tree, and return its id."""
    return _commit(repository, tree, parents, _signed(_clean(proposal.title), proposal), committer, proposal)


def planned_commits(proposal: Proposal) -> list[tuple[str, tuple[str, ...]]]:
    """Messages and paths of the commits: as the proposal splits them, and what it left over as the last one."""
    changed = [change.path for change in proposal.changes]
    seen: set[str] = set()
    for message, paths in proposal.commits:
        for path in paths:
            if path not in changed or path in seen:
                raise SmeltError(
                    f"proposal {proposal.id}: the commit {message!r} names {path}, which is not among its changes "
                    "or is in another commit",
                    "name each changed file in one commit",
                )
            seen.add(path)
    planned = [(_clean(message), paths) for message, paths in proposal.commits if paths]
    left = tuple(path for path in changed if path not in seen)
    return [*planned, (_clean(proposal.title), left)] if left else planned


def blob_ids(repository: Repository, proposal: Proposal, prefix: PurePosixPath) -> dict[str, str | None]:
    """The git id of each changed file's content as proposed, by its path in the repository; None: deleted."""
    return {
        (prefix / change.path).as_posix(): None
        if change.after is None
        else repository.git("hash-object", "--stdin", stdin=change.after.encode())
        for change in proposal.changes
    }


def _clean(message: str) -> str:
    """A message that git takes: no control characters, not empty."""
    kept = "".join(char for char in message if char in "\n\t" or char.isprintable()).strip()
    return kept or "Change the project"


def _signed(message: str, proposal: Proposal) -> str:
    return f"{message}\n\n{TRAILER}: {proposal.id}"


def _modes(repository: Repository, commit: str, paths: Iterable[str]) -> dict[str, str]:
    listed = repository.git("--literal-pathspecs", "ls-tree", "-z", commit, "--", *paths)
    entries = (entry.partition("\t") for entry in listed.split("\0") if entry)
    return {path: meta.split(" ")[0] for meta, _, path in entries}


def _check_before(
    repository: Repository, commit: str, proposal: Proposal, full: dict[str, str], modes: dict[str, str]
) -> None:
    found = repository.blobs(commit, list(full.values()))
    for change in proposal.changes:
        path = full[change.path]
        if modes.get(path, _FILE) not in (_FILE, _EXECUTABLE):
            raise SmeltError(
                f"proposal {proposal.id}: {path} is not a plain file in the repository",
                "make it a file: proposals do not write through links",
            )
        expected = None if change.before is None else change.before.encode()
        if found.get(path) != expected:
            raise SmeltError(
                f"proposal {proposal.id}: {path} at {commit[:12]} is not what the proposal was made against",
                "commit your changes, and make the proposal again",
            )


def _tree(
    repository: Repository, parent: str, changes: list[tuple[str, FileChange]], modes: dict[str, str]
) -> str:
    """The id of `parent`'s tree with `changes`, made in an index of its own."""
    with tempfile.TemporaryDirectory(prefix="smelt-index-") as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        repository.git("read-tree", parent, environment=environment)
        entries = []
        for path, change in changes:
            if change.after is None:
                entries.append(f"0 {'0' * 40}\t{path}")
            else:
                blob = repository.git("hash-object", "-w", "--stdin", stdin=change.after.encode())
                entries.append(f"{modes.get(path, _FILE)} {blob}\t{path}")
        repository.git(
            "update-index",
            "-z",
            "--index-info",
            stdin="".join(f"{entry}\0" for entry in entries).encode(),
            environment=environment,
        )
        return repository.git("write-tree", environment=environment)


def _commit(
    repository: Repository, tree: str, parents: Sequence[str], message: str, committer: str, proposal: Proposal
) -> str:
    name, _, address = committer.rstrip(">").partition(" <")
    when = f"{int(proposal.created_at.timestamp())} +0000"
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", name), ("EMAIL", address), ("DATE", when))
    }
    # Signing would ask for a passphrase, and Smelt has no key of its own.
    arguments = ("commit-tree", "--no-gpg-sign", tree, *(word for parent in parents for word in ("-p", parent)))
    output = run_git(repository.root, *arguments, stdin=message.encode(), environment=who)
    return output.decode().strip()
