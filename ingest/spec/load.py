"""Reading `source.yml`: every error names the file, the line and the fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ingest.spec.model import SourceSpec
from plugins.core.errors import SmeltError


def load_sources(project_dir: Path) -> list[SourceSpec]:
    """All sources of a project, by name. Raises SmeltError on the first bad file, or if there is none."""
    paths = sorted((project_dir / "sources").glob("*/source.yml"))
    if not paths:
        raise SmeltError(
            f"there is no source in {project_dir / 'sources'}",
            "write sources/<name>/source.yml; docs/how-to/add-a-source.md shows one",
        )
    return [load_source(path) for path in paths]


def load_source(path: Path) -> SourceSpec:
    """One source. Raises SmeltError."""
    try:
        tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise SmeltError(f"{path}:{line}: not valid YAML: {error.problem}", "correct that line") from error
    except (OSError, YAMLError, ValueError) as error:
        raise SmeltError(f"{path}: cannot be read: {error}", "store it as YAML in UTF-8") from error
    if not isinstance(tree, dict):
        raise SmeltError(
            f"{path}:1: a source is a mapping (name, kind, connection, streams, …)",
            "see docs/reference/source.md",
        )
    try:
        return SourceSpec.model_validate({"name": path.parent.name, **_plain(tree), "folder": path.parent})
    except ValidationError as error:
        problems = [f"{path}:{_line(tree, item['loc'])}: {_problem(item)}" for item in error.errors()]
        raise SmeltError("\n".join(problems), "see docs/reference/source.md for every key") from error


def _plain(node: Any) -> Any:
    """ruamel's round-trip containers as plain dicts and lists."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node] if isinstance(node, list) else node


def _line(tree: Any, location: tuple[int | str, ...]) -> int:
    """1-based line of the deepest part of `location` that the file has."""
    line, node = 1, tree
    for part in location:
        try:
            marks = node.lc  # ruamel keeps (line, column) of every key and item
            mark = marks.key(part) if isinstance(node, dict) else marks.item(part)
            line, node = mark[0] + 1, node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def _problem(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "source"
    if item["type"] == "extra_forbidden":
        return f"unknown key {where}; remove it or correct its spelling"
    if item["type"] == "missing":
        return f"{where} is missing; add it"
    return f"{where}: {item['msg']}"
