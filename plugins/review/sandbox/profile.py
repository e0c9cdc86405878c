"""The profile of one side of the sandbox: the user's target, with a scratch file or schema instead of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from plugins.core.project import Project
from plugins.review.sandbox.production import Production

# Of the user's target; everything else would let a build reach outside (secrets, remote, filesystems).
_KEPT = ("schema", "extensions", "settings", "plugins", "module_paths")


SCRATCH = "smelt_scratch.duckdb"


def write_profile(project: Project, folder: Path, project_dir: Path, production: Production) -> Path:
    """Write `folder`/profiles.yml for the worktree's `project_dir`, and return `folder`.

    Paths are relative to `project_dir`, where dbt runs: the profile is then the same on both sides and in
    every review, so that both compile to the same SQL, and dbt can go on from an earlier parse.
    """
    credentials = project.credentials
    attached = [_absolute(entry, project.folder) for entry in credentials.get("attach") or ()]
    if production.path is not None:
        path = os.path.relpath(production.path, project_dir)
        attached.append({"path": path, "alias": production.alias, "read_only": True})
    output: dict[str, Any] = {
        "type": "duckdb",
        "path": SCRATCH,
        "threads": project.threads,
        **{key: credentials[key] for key in _KEPT if credentials.get(key)},
        "attach": attached,
        "external_root": "external",
    }
    output["plugins"] = [{k: v for k, v in p.items() if v is not None} for p in output.get("plugins", ())]
    (project_dir / "external").mkdir(exist_ok=True)
    return _write(project, folder, output)


def write_server_profile(project: Project, folder: Path, schema: str | None = None) -> Path:
    """Write `folder`/profiles.yml with the user's target, with another `schema` if one is given; returns `folder`.

    It holds what the server asks for, secrets too: only the sandbox's user may read it.
    """
    output = {key: value for key, value in project.credentials.items() if value is not None}
    output |= {"type": project.adapter, "threads": project.threads, **({"schema": schema} if schema else {})}
    return _write(project, folder, output)


def _write(project: Project, folder: Path, output: dict[str, Any]) -> Path:
    target = project.target_name
    profile = {project.profile_name: {"target": target, "outputs": {target: output}}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "profiles.yml"
    path.touch(mode=0o600)
    with path.open("w") as file:
        YAML(typ="safe").dump(profile, file)
    return folder


def _absolute(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """An attached database of the user's, read-only."""
    path = str(entry["path"])
    absolute = path if "://" in path or ":" in path.split("/")[0] else str((folder / path).resolve())
    kept = {key: entry[key] for key in ("alias", "type") if entry.get(key)}
    return {**kept, "path": absolute, "read_only": True}
