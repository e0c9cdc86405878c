"""How a project's own models are written, so that another one is written alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from plugins.core.project.resources import Manifest, Resource
from plugins.nl_models.catalog.project import AskedProject, is_gold
from plugins.nl_models.models.style import SqlStyle, learn_style

T = TypeVar("T")
_SQL_CONFIG = re.compile(r"config\([^)]*materialized\s*=\s*['\"](\w+)")
_AGGREGATES = ("agg_", "rpt_", "mart_", "summary_")


@dataclass(frozen=True)
class Conventions:
    """folder: of the new model. yaml: the file that describes it; is_shared: together with others.

    materialized: None where the folder's own setting decides. data_tests: what the project calls tests.
    uniqueness: the generic test on a combination of columns; None: there is none. tests: folder of singular tests.
    """

    folder: PurePosixPath
    yaml: str
    is_shared: bool
    has_version: bool
    materialized: str | None
    group: str | None
    access: str | None
    is_contracted: bool
    owner: str | None
    model_keys: tuple[str, ...]
    column_keys: tuple[str, ...]
    data_tests: str
    has_arguments: bool
    uniqueness: str | None
    prefix: str
    tests: str
    style: SqlStyle
    types: Mapping[str, Counter[str]]


def learn(project: AskedProject, name: str, facts: Sequence[str], owner: str | None) -> Conventions:
    """What a model called `name` that aggregates `facts` (node ids) is like here. owner: of what is asked for."""
    manifest = project.manifest
    own = [r for r in manifest.resources.values() if r.kind == "model" and r.package == manifest.project_name]
    folder = _folder(manifest, facts, own)
    near = [r for r in own if PurePosixPath(r.path).parent == folder] or own
    files = _yaml_files(project.folder, manifest, near)
    entries = [entry for document in files.values() for entry in document.get("models") or ()]
    alike = [r for r in own if r.name.startswith(_AGGREGATES)] or near
    is_shared = _is_shared(manifest, near)
    nodes = [manifest.document["nodes"][r.id] for r in near]
    configs = [entry.get("config") or {} for entry in entries]
    return Conventions(
        folder=folder,
        yaml=_shared_file(files) if is_shared and files else str(folder / f"{name}.yml"),
        is_shared=is_shared and bool(files),
        has_version=any("version" in document for document in files.values()),
        materialized=_materialized(configs, near),
        group=_most([c["group"] for c in configs if "group" in c], len(configs)),
        access=_most([c["access"] for c in configs if "access" in c], len(configs)),
        is_contracted=_is_most(r.is_contracted for r in near),
        owner=_owner(nodes, owner) if any((c.get("meta") or {}).get("owner") for c in configs) else None,
        model_keys=_order(entries, ("name", "description", "config", "data_tests", "columns")),
        column_keys=_order(
            [column for entry in entries for column in entry.get("columns") or ()],
            ("name", "description", "data_type", "data_tests"),
        ),
        data_tests=_tests_key(entries),
        has_arguments=_has_arguments(entries),
        uniqueness=_uniqueness(manifest),
        prefix=_prefix(alike),
        tests=_tests_folder(project.folder),
        style=learn_style(r.raw_sql for r in near),
        types=_types(alike),
    )


def _folder(manifest: Manifest, facts: Sequence[str], own: Sequence[Resource]) -> PurePosixPath:
    """Where the facts live; where most of what people ask does, if those are no models."""
    models = [r for node in facts if (r := manifest.resources[node]).kind == "model"] or [
        r for r in own if is_gold(r)
    ]
    folders = [PurePosixPath(model.path).parent for model in models or own]
    return folders[0] if facts and models and models[0].id == facts[0] else Counter(folders).most_common(1)[0][0]


def _yaml_files(folder: Path, manifest: Manifest, models: Iterable[Resource]) -> dict[str, Mapping[str, Any]]:
    """The YAML that describes models, by path."""
    found: dict[str, Mapping[str, Any]] = {}
    for model in models:
        path = _patch(manifest, model)
        if path and path not in found:
            try:
                document = YAML(typ="safe", pure=True).load((folder / path).read_text(encoding="utf-8"))
            except (OSError, UnicodeError, YAMLError):
                continue
            if isinstance(document, Mapping):
                found[path] = document
    return found


def _patch(manifest: Manifest, model: Resource) -> str:
    path = manifest.document["nodes"][model.id].get("patch_path") or ""
    return path.partition("://")[2]


def _is_shared(manifest: Manifest, models: Sequence[Resource]) -> bool:
    """Whether most models that are described share their file with another."""
    paths = [path for model in models if (path := _patch(manifest, model))]
    return _is_most(count > 1 for path in paths for count in [paths.count(path)]) if paths else False


def _shared_file(files: Mapping[str, Mapping[str, Any]]) -> str:
    return max(files, key=lambda path: len(files[path].get("models") or ()))


def _config(node: Mapping[str, Any], key: str) -> Any:
    return (node.get("config") or {}).get(key) or node.get(key)


def _materialized(configs: Sequence[Mapping[str, Any]], near: Sequence[Resource]) -> str | None:
    """What most models say for themselves, in YAML or SQL."""
    said = [c["materialized"] for c in configs if "materialized" in c]
    said += [found[1] for r in near if (found := _SQL_CONFIG.search(r.raw_sql))]
    return _most([one for one in said if one in ("table", "view")], len(near))


def _tests_folder(folder: Path) -> str:
    """Where singular tests are."""
    try:
        document = YAML(typ="safe", pure=True).load((folder / "dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeError, YAMLError):
        document = {}
    return str(((document or {}).get("test-paths") or ["tests"])[0])


def _owner(nodes: Sequence[Mapping[str, Any]], wanted: str | None) -> str | None:
    """Who is asked about the model: of the facts' folder, since that is where it lives."""
    owners = [owner for node in nodes if (owner := ((_config(node, "meta") or {}).get("owner")))]
    return Counter(owners).most_common(1)[0][0] if owners else wanted


def _order(entries: Iterable[Mapping[str, Any]], default: tuple[str, ...]) -> tuple[str, ...]:
    """The commonest order of keys, by their average place."""
    places: dict[str, list[int]] = {}
    for entry in entries:
        for place, key in enumerate(entry):
            places.setdefault("data_tests" if key == "tests" else str(key), []).append(place)
    known = [key for key in default if key in places]
    ranked = sorted(known, key=lambda key: sum(places[key]) / len(places[key]))
    for key in reversed([key for key in default if key not in places]):
        # What nobody has written yet comes before what it comes before elsewhere.
        behind = [ranked.index(other) for other in default[default.index(key) + 1 :] if other in ranked]
        ranked.insert(min(behind, default=len(ranked)), key)
    return tuple(ranked)


def _tests_key(entries: Iterable[Mapping[str, Any]]) -> str:
    everything = [*entries, *(column for entry in entries for column in entry.get("columns") or ())]
    old, new = (sum(key in entry for entry in everything) for key in ("tests", "data_tests"))
    return "tests" if old > new else "data_tests"


def _has_arguments(entries: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the arguments of tests stand under `arguments`, as dbt 1.11 wants it."""
    tests = [
        arguments
        for entry in entries
        for holder in (entry, *(entry.get("columns") or ()))
        for test in holder.get("data_tests") or holder.get("tests") or ()
        if isinstance(test, Mapping)
        for arguments in test.values()
        if isinstance(arguments, Mapping)
    ]
    return _is_most("arguments" in arguments for arguments in tests) if tests else True


def _uniqueness(manifest: Manifest) -> str | None:
    """The project's own generic test on a combination of columns, else dbt_utils' if it is installed."""
    macros = manifest.document.get("macros") or {}
    for macro in macros.values():
        name = macro.get("name") or ""
        if name.startswith("test_") and macro.get("package_name") == manifest.project_name:
            arguments = {argument.get("name") for argument in macro.get("arguments") or ()}
            signature = macro.get("macro_sql") or ""
            if "unique" in name and ("columns" in arguments or "columns" in signature.partition("%}")[0]):
                return name.removeprefix("test_")
    installed = "macro.dbt_utils.test_unique_combination_of_columns" in macros
    return "dbt_utils.unique_combination_of_columns" if installed else None


def _prefix(alike: Sequence[Resource]) -> str:
    """What names of aggregates begin with; "" if with nothing of their own."""
    found = [prefix for r in alike for prefix in _AGGREGATES if r.name.startswith(prefix)]
    return Counter(found).most_common(1)[0][0] if found else ""


def _types(models: Iterable[Resource]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for model in models:
        for column, kind in model.columns.items():
            if kind:
                found.setdefault(column, Counter())[kind.lower()] += 1
    return found


def _most(values: Sequence[T], of: int) -> T | None:
    """The commonest value, if at least half have one."""
    if not values or len(values) * 2 < of:
        return None
    return Counter(values).most_common(1)[0][0]


def _is_most(answers: Iterable[bool]) -> bool:
    found = list(answers)
    return bool(found) and sum(found) * 2 >= len(found)
