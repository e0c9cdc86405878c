"""One build: pins → silver → gate → gold → gate → publish. What fails stops what is downstream of it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from plugins.build.accounting import row_accounts
from plugins.build.artifacts import keep_results, merge_results
from plugins.build.asof import as_of_profiles
from plugins.build.failing import of_gate, of_nodes
from plugins.build.holding import ACCOUNTING, TAG, Holding, find_holding, held_streams, hold_pins
from plugins.build.publish import as_built, newest, publish
from plugins.build.result import BuildResult, Failure, HeldStream, RowAccount
from plugins.build.unchanged import layers_left, spare
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import Lake, Pin, pin_namespace
from plugins.core.lake.saved_pins import pins_folder, save_pins
from plugins.core.ledger import Ledger, Run, new_id, open_holds, open_run
from plugins.core.project import Built, Project
from plugins.core.settings import Settings
from plugins.core.warehouse.dbt_plugin import PINS_VARIABLE
from plugins.core.warehouse.lock import queue_for
from plugins.core.warehouse.published import PublishedRun, current_run
from plugins.observability import emit_run
from plugins.quality import (
    Contract,
    GateResult,
    RuleCount,
    count_by_rule,
    count_rows,
    find_contracts,
    load_soda,
    record,
    run_gate,
    write_scores,
)

LAYERS = ("silver", "gold")
SILVER = ("path:models/silver", "path:sources", "resource_type:seed")


@dataclass(frozen=True)
class Listener:
    """What a caller may want to hear while a build goes on: a new phase, a finished node, a wait."""

    on_phase: Callable[[str], None] = lambda _phase: None
    on_node: Callable[[str, str], None] = lambda _name, _status: None
    on_wait: Callable[[Path], None] = lambda _warehouse: None


class _Stopped(Exception):
    """Something failed: the build ends here, and what is published stays."""

    def __init__(self, failures: tuple[Failure, ...]) -> None:
        super().__init__("; ".join(f"{failure.what}: {failure.message}" for failure in failures))
        self.failures = failures


@dataclass
class _Progress:
    """What a build has come to so far."""

    layers: dict[str, Built] = field(default_factory=dict)
    gates: list[GateResult] = field(default_factory=list)
    quarantined: tuple[RuleCount, ...] = ()
    quarantined_rows: int = 0
    accounts: tuple[RowAccount, ...] = ()
    scores: int = 0
    published: PublishedRun | None = None
    failures: tuple[Failure, ...] = ()
    holding: Holding = field(default_factory=Holding)
    held: tuple[HeldStream, ...] = ()
    stale: tuple[str, ...] = ()
    # Nodes that nothing new reaches, id → `schema.table`.
    spared: Mapping[str, str] = field(default_factory=dict)


def build(
    settings: Settings,
    *,
    target: str | None = None,
    as_of: datetime | None = None,
    full_refresh: bool = False,
    is_published: bool = True,
    is_followed: bool = False,
    parent: str | None = None,
    listener: Listener | None = None,
) -> BuildResult:
    """Build the project and publish it.

    as_of: build from the bronze snapshots of that time (UTC), in full, into a file of its own; never published.
    is_followed: sources are being followed meanwhile: only what newer rows reach is built, without unit tests,
    whose rows are given, and readers get what came during the build with it.
    parent: ledger id of the run that this build is part of.
    Streams that are held back are read as they were; what is made from them stays as it is (`stale`).
    A failing model, test or check is in the result (`failures`, exit code 1).
    Raises SmeltError if the build cannot begin: an empty lake, a project or contract that cannot be read.
    """
    started = time.monotonic()
    listener = listener or Listener()
    pinned = pins_folder(settings) / f"{new_id()}.json"
    project = Project(
        settings.project_dir,
        target,
        profiles_dir=as_of_profiles(settings, as_of) if as_of else None,
        environment={PINS_VARIABLE: str(pinned)},
    )
    contracts = find_contracts(settings.project_dir / "contracts")
    with queue_for(project.warehouse, lambda: listener.on_wait(project.warehouse)):
        progress = _Progress()
        ledger = Ledger(settings)
        run_id = ""
        with contextlib.suppress(_Stopped), _opened(ledger, parent, target, as_of) as run:
            run_id = run.id
            listener.on_phase("pin")
            pins = _pin(settings, project, run, as_of)
            if as_of is None:
                progress.holding = find_holding(ledger, project, target)
                progress.stale = tuple(sorted(progress.holding.datasets(project.manifest)))
            if is_followed:
                progress.spared = spare(settings, project, pins)
            save_pins(pinned, pins)
            try:
                without = ("unit_test",) if is_followed else ()
                full_refresh = full_refresh or as_of is not None
                _refine(settings, project, contracts, run, progress, listener, full_refresh, without)
                if is_followed and not progress.layers:
                    progress.published = current_run(settings)
                elif is_published and not as_of:
                    listener.on_phase("publish")
                    with project.cursor() as cursor:
                        stale = progress.holding.datasets(project.manifest)
                        progress.published = publish(
                            settings, project, cursor, run, project.target_name, pins, stale,
                            unchanged=set(progress.spared.values()),
                            newer=newest if is_followed else as_built,
                        )  # fmt: skip
            except _Stopped as stop:
                progress.failures = stop.failures
                raise
            finally:
                project.release()
                pinned.unlink(missing_ok=True)
    progress.held = held_streams(settings, progress.holding.holds)
    warnings = (
        emit_run(settings, run_id, project.artifacts if progress.layers else None),
        _unpublished(project, progress.published),
    )
    return _result(
        run_id, project, as_of, progress, time.monotonic() - started, tuple(one for one in warnings if one)
    )


def _result(
    run_id: str,
    project: Project,
    as_of: datetime | None,
    progress: _Progress,
    seconds: float,
    warnings: tuple[str, ...],
) -> BuildResult:
    outcome: Literal["published", "built", "failed"] = "published" if progress.published else "built"
    return BuildResult(
        run_id=run_id,
        target=project.target_name,
        warehouse=project.warehouse,
        as_of=as_of,
        outcome="failed" if progress.failures else outcome,
        seconds=seconds,
        layers=progress.layers,
        gates=tuple(progress.gates),
        quarantined=progress.quarantined,
        quarantined_rows=progress.quarantined_rows,
        accounts=progress.accounts,
        unaccounted=_unaccounted(project, progress.accounts),
        scores=progress.scores,
        published=progress.published,
        failures=progress.failures,
        warnings=warnings,
        held=progress.held,
        stale=progress.stale,
    )


def _unpublished(project: Project, published: PublishedRun | None) -> str | None:
    """What to tell where a run has no table: readers get the schemas silver and gold, and dbt prefixes schemas."""
    models = [node for node in project.manifest.nodes.values() if str(node.resource_type) == "model"]
    if published is None or published.tables or not models:
        return None
    schemas = ", ".join(sorted({str(node.schema) for node in models}))
    return (
        f"nothing is published: models of the schemas silver and gold are, and yours are in {schemas}; "
        "macros/dbt/generate_schema_name.sql in Smelt's repository keeps dbt from prefixing `+schema: silver`"
    )


def _unaccounted(project: Project, accounts: Sequence[RowAccount]) -> tuple[str, ...]:
    """Streams that models read and `row_accounting` leaves out; none in a project that accounts for no rows."""
    used = {name.replace("__", ".", 1) for name in _bronze_tables_used(project)} if accounts else set()
    return tuple(sorted(used - {account.stream for account in accounts}))


def _opened(
    ledger: Ledger, parent: str | None, target: str | None, as_of: datetime | None
) -> contextlib.AbstractContextManager[Run]:
    detail = {"target": target} | ({"as_of": as_of.isoformat()} if as_of else {})
    return open_run(ledger, "build", parent, **detail)


def _pin(settings: Settings, project: Project, run: Run, as_of: datetime | None) -> list[Pin]:
    """One set of bronze snapshots for the whole build, in the ledger so that it can be repeated."""
    lake = Lake(settings)
    pins = pin_namespace(lake, "bronze", as_of) if lake.exists() else []
    present = {pin.table for pin in pins}
    missing = sorted(_bronze_tables_used(project) - present)
    if missing and not present:
        raise SmeltError("the lake is empty: no bronze table was loaded yet", "run `smelt ingest` first")
    if missing:
        streams = " ".join(name.replace("__", ".", 1) for name in missing)
        raise SmeltError(
            f"models read bronze tables that were never loaded: {', '.join(missing)}",
            f"run `smelt ingest {streams}`",
        )
    if as_of and not any(pin.snapshot_id for pin in pins):
        raise SmeltError(f"no bronze table had any rows at {as_of:%Y-%m-%d %H:%M:%S %Z}", "choose a later time")
    live = sorted(pin.table for pin in pins if pin.in_place and pin.table in _bronze_tables_used(project))
    if as_of and live:
        raise SmeltError(
            f"nobody knows what {', '.join(live)} held at {as_of:%Y-%m-%d %H:%M:%S %Z}: it is read in place",
            "set `sync_mode: full` or `incremental` for streams whose past you need",
        )
    pins = _held_back(run, pins, as_of)
    run.append(
        "pins",
        *(
            {
                "namespace": pin.namespace,
                "table_name": pin.table,
                "snapshot_id": pin.snapshot_id,
                "metadata_location": pin.metadata_location,
            }
            for pin in pins
        ),
    )
    return pins


def _held_back(run: Run, pins: list[Pin], as_of: datetime | None) -> list[Pin]:
    """Streams that are held back as they were before; models as they are can read nothing newer of them."""
    holds = [one for one in open_holds(run.ledger) if one.is_blocking and (as_of is None or one.since <= as_of)]
    return hold_pins(pins, holds)


def _bronze_tables_used(project: Project) -> set[str]:
    manifest = project.manifest
    used = {parent for node in manifest.nodes.values() for parent in node.depends_on_nodes}
    return {
        source.identifier for key, source in manifest.sources.items() if key in used and source.schema == "bronze"
    }


def _refine(
    settings: Settings,
    project: Project,
    contracts: Sequence[Contract],
    run: Run,
    progress: _Progress,
    listener: Listener,
    full_refresh: bool,
    without: Sequence[str],
) -> None:
    """Silver, its gate, gold, its gate. Raises _Stopped at the first that fails."""
    # Soda takes a second to import; the warehouse is busy with silver meanwhile.
    threading.Thread(target=load_soda, daemon=True).start()
    holding = progress.holding
    # What is not built is not judged anew: it was, when it was built.
    left_alone = {*progress.stale, *progress.spared.values()}
    judged = [one for one in contracts if one.dataset not in left_alone]
    layers = layers_left(project.manifest, {*holding.stale, *progress.spared}) if progress.spared else LAYERS
    for layer in layers:
        listener.on_phase(layer)
        select, exclude = (SILVER, ()) if layer == "silver" else ((), SILVER)
        left_out = (f"tag:{TAG}",) if holding.stale or progress.spared else ()
        built = project.build(
            select=select,
            exclude=(*exclude, *left_out),
            full_refresh=full_refresh,
            without=without,
            on_node=listener.on_node,
        )
        progress.layers[layer] = built
        keep_results(project.artifacts, layer)
        _record_nodes(run, built)
        _require_nodes(project, layer, built, {*holding.stale, *progress.spared})
        with project.cursor() as cursor:
            if built.broken:
                raise _Stopped(of_nodes(built.broken, cursor))
            if layer == "silver":
                progress.quarantined, progress.quarantined_rows = count_by_rule(cursor), count_rows(cursor)
                progress.accounts = () if ".".join(ACCOUNTING) in progress.stale else row_accounts(cursor)
                run.append("row_accounts", *(vars(account) for account in progress.accounts))
            listener.on_phase(f"{layer} gate")
            gate = run_gate(cursor, layer, [c for c in judged if c.schema == layer], settings.project_dir)
            progress.gates.append(gate)
            record(run, gate)
            if not gate.is_open:
                raise _Stopped(of_gate(gate))
        reach(f"after-{layer}")
    if not layers:
        return
    merge_results(project.artifacts, layers)
    with project.cursor() as cursor:
        nodes = [node for built in progress.layers.values() for node in built.nodes]
        progress.scores = len(write_scores(settings, project, cursor, run, judged, progress.gates, nodes))


def _require_nodes(project: Project, layer: str, built: Built, left_out: Collection[str]) -> None:
    """A selection that matches nothing succeeds in dbt: no silver models would mean no gate and no data."""
    expected = any(
        str(node.resource_type) == "model" and node.schema == layer and key not in left_out
        for key, node in project.manifest.nodes.items()
    )
    if expected and not built.count("model"):
        raise SmeltError(
            f"dbt built no {layer} model, though the project has some",
            f"keep models of the schema {layer} below models/{layer}",
        )


def _record_nodes(run: Run, built: Built) -> None:
    run.append(
        "node_runs",
        *(
            {
                "unique_id": node.unique_id,
                "resource_type": node.resource_type,
                "status": node.status,
                "seconds": node.seconds,
                "rows_affected": node.rows_affected,
                "message": node.message or None,
            }
            for node in built.nodes
        ),
    )
