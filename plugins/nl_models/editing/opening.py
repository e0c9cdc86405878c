"""A model that is to be edited: its file, its YAML, and the tables that it reads or could be joined to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.project.resources import Resource
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.editing.tracing import Input
from plugins.nl_models.models.ground import lay_ground


@dataclass(frozen=True)
class Opened:
    """resource: of the manifest. on_disk, yaml_on_disk: the files as they are; yaml_path: None without one.

    inputs: by the Jinja that reads them.
    """

    resource: Resource
    on_disk: str
    yaml_path: str | None
    yaml_on_disk: str | None
    inputs: Mapping[str, Input]

    @property
    def text(self) -> str:
        """The model, with plain line ends."""
        return self.on_disk.replace("\r\n", "\n")

    @property
    def yaml(self) -> str | None:
        """Its YAML, with plain line ends."""
        return self.yaml_on_disk.replace("\r\n", "\n") if self.yaml_on_disk is not None else None


def with_line_ends(text: str, like: str) -> str:
    """A text with the line ends of another."""
    return text.replace("\n", "\r\n") if "\r\n" in like else text


def open_model(name: str, project: AskedProject) -> Opened:
    """The model and its surroundings. Raises SmeltError if there is none, or if it is not SQL of this project."""
    manifest = project.manifest
    own = [r for r in manifest.resources.values() if r.kind == "model" and r.name == name]
    resource = own[0] if len(own) == 1 else manifest.find(name)
    if resource.kind != "model":
        raise SmeltError(f"{name} is a {resource.kind}, and only models are edited", "name a model")
    if resource.language != "sql":
        raise SmeltError(
            f"{name} is a {resource.language} model: what it returns is not in its text", "change it by hand"
        )
    if resource.package != manifest.project_name:
        raise SmeltError(
            f"{name} belongs to the package {resource.package}", "change it there, or copy it into the project"
        )
    path = project.folder / resource.path
    text = _read(path)
    if text.replace("\r\n", "\n").strip() != resource.raw_sql.replace("\r\n", "\n").strip():
        raise SmeltError(
            f"{resource.path} is not what was last built", "build it first, so that its columns are known"
        )
    patch = manifest.document["nodes"][resource.id].get("patch_path") or ""
    yaml_path = patch.partition("://")[2] or None
    yaml = _read(project.folder / yaml_path) if yaml_path else None
    return Opened(resource, text, yaml_path, yaml, dict(_inputs(project, resource)))


def _inputs(project: AskedProject, resource: Resource) -> Iterator[tuple[str, Input]]:
    semantic = {m.relation: m for m in project.layer.models.values()} if project.layer is not None else {}
    known = set()
    below = _below(project, resource.id)
    for one in lay_ground(project).inputs.values():
        if one.node in below:
            continue
        known.add(one.node)
        table = Input(
            one.node,
            one.name,
            one.jinja,
            one.relation,
            one.types,
            one.required,
            semantic.get(one.relation),
            one.descriptions,
        )
        yield one.jinja, table
        package, name = project.manifest.resources[one.node].package, project.manifest.resources[one.node].name
        yield f"ref('{package}', '{name}')", table
    for parent in resource.parents:
        other = project.manifest.resources.get(parent)
        if other is not None and parent not in known:
            yield _unasked(project, other)


def _below(project: AskedProject, node: str) -> set[str]:
    """A model and all that is made from it, which it can't read itself."""
    found, pending = {node}, [node]
    children: dict[str, list[str]] = {}
    for resource in project.manifest.resources.values():
        for parent in resource.parents:
            children.setdefault(parent, []).append(resource.id)
    while pending:
        for child in children.get(pending.pop(), ()):
            if child not in found:
                found.add(child)
                pending.append(child)
    return found


def _unasked(project: AskedProject, other: Resource) -> tuple[str, Input]:
    """A table that nobody is to ask, such as a source: its columns are looked up."""
    relation = ".".join(other.relation[1:]) if other.relation is not None else ""
    types = _types(project.con, relation) if relation else {}
    if not types:
        relation = ""
        types = {name: kind or "" for name, kind in other.columns.items()}
    if other.kind == "source":
        source, _, table = other.name.partition(".")
        jinja = f"source('{source}', '{table}')"
    else:
        table, jinja = other.name, f"ref('{other.name}')"
    node = {**project.manifest.document["nodes"], **project.manifest.document.get("sources", {})}[other.id]
    described = {c["name"]: c.get("description") or "" for c in node.get("columns", {}).values()}
    return jinja, Input(other.id, table, jinja, relation, types, frozenset(), None, described)


def _types(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    try:
        rows = con.execute(f"describe {'.'.join(map(quote, relation.split('.')))}").fetchall()
    except duckdb.Error:
        return {}
    return {row[0]: row[1] for row in rows}


def _read(path: Path) -> str:
    try:
        # As they are: line ends are part of what a proposal was made against.
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeError) as error:
        raise SmeltError(f"{path} cannot be read: {error}", "make it readable, in UTF-8") from error
