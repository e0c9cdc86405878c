"""Models that dbt has nothing special to do for are created in one statement.

For a plain table or view dbt runs a dozen macros: it makes the relation under another name, looks for old ones,
renames it, and looks for indexes, grants and hooks that are not there. In an empty scratch database that comes to
`create … as`. Compiling, order, results and errors stay dbt's; whatever is not plain is wholly left to it.
"""

from __future__ import annotations

import threading
from typing import Any

_INTERNAL = frozenset({"dbt", "dbt_duckdb"})
_PREFIXES = ("duckdb__", "default__")


def make_plain() -> None:
    """Change dbt in this process, and all that are forked from it."""
    from dbt.task.run import ModelRunner

    execute = ModelRunner.execute
    standards = _Standards()

    def execute_plainly(self: Any, model: Any, manifest: Any) -> Any:
        if type(self) is ModelRunner and _is_plain(self, model) and standards.hold(self, model, manifest):
            return _create(self, model)
        return execute(self, model, manifest)

    ModelRunner.execute = execute_plainly


def _is_plain(runner: Any, model: Any) -> bool:
    """Whether nothing of the model's configuration says more than what to create, and nothing is in its place."""
    config, adapter = model.config, runner.adapter
    if adapter.type() != "duckdb" or model.language != "sql" or config.materialized not in ("table", "view"):
        return False
    if config.pre_hook or config.post_hook or config.grants or config.persist_docs or config.contract.enforced:
        return False
    # What is not dbt's own: headers of SQL, indexes, sorting, and whatever an adapter may come to know.
    if config.extra or model.database != runner.config.credentials.database:
        return False
    return adapter.get_relation(model.database, model.schema, model.alias) is None


class _Standards:
    """Whether a project leaves dbt's macros for tables and views as they are."""

    def __init__(self) -> None:
        # Manifests are held: another one may not come to have the same id.
        self._known: dict[tuple[int, str], tuple[Any, bool]] = {}

    def hold(self, runner: Any, model: Any, manifest: Any) -> bool:
        """For this model's materialisation."""
        kind = model.config.materialized
        key = id(manifest), kind
        if key not in self._known:
            macro = manifest.find_materialization_macro_by_name(
                runner.config.project_name, kind, runner.adapter.type()
            )
            self._known[key] = manifest, macro is not None and _is_standard(manifest, macro)
        return self._known[key][1]


def _is_standard(manifest: Any, materialization: Any) -> bool:
    """Whether nobody but dbt has a macro of a name that the materialisation comes to call."""
    called, left = {}, [materialization.unique_id]
    while left:
        macro = manifest.macros.get(left.pop())
        if macro is not None and macro.unique_id not in called:
            called[macro.unique_id] = macro
            left += macro.depends_on.macros
    names = {_undispatched(macro.name) for macro in called.values()}
    return all(
        macro.package_name in _INTERNAL or _undispatched(macro.name) not in names
        for macro in manifest.macros.values()
    )


def _undispatched(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _create(runner: Any, model: Any) -> Any:
    """Create it, and answer as dbt would."""
    from dbt.artifacts.schemas.results import RunStatus
    from dbt.artifacts.schemas.run import RunResult

    adapter, kind = runner.adapter, model.config.materialized
    relation = adapter.Relation.create_from(runner.config, model, type=kind)
    response, _ = adapter.execute(
        f"create {kind} {relation} as (\n{model.compiled_code}\n);", auto_begin=True, fetch=False
    )
    adapter.connections.commit_if_has_connection()
    adapter.cache_added(relation.incorporate(dbt_created=True))
    return RunResult(
        node=model,
        status=RunStatus.Success,
        timing=[],
        thread_id=threading.current_thread().name,
        execution_time=0.0,
        message=str(response),
        adapter_response=response.to_dict(omit_none=True),
        failures=None,
        batch_results=None,
    )
