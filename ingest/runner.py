"""One run of ingest: streams in parallel, each on its own; one that fails doesn't stop the others."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DatabaseError

from ingest.connections import ConnectionPool
from ingest.load import Job, StreamResult, full_disk, load_stream, unreachable_lake
from ingest.load.history import record_load
from ingest.report import Progress
from ingest.spec import SourceSpec, StreamSpec, load_sources
from plugins.core.errors import SmeltError
from plugins.core.lake import LOG, Lake
from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import Settings, mask

_WORKERS = 4
# What loads all streams of a source in one go, by kind and sync mode or by one of them; each is imported only when
# it is needed.
_TOGETHER = {
    "mongodb/cdc": "ingest.mongo:capture",
    "mysql/cdc": "ingest.mysql:capture",
    "cdc": "ingest.cdc:capture",
    "webhooks": "ingest.webhooks.feed:drain",
    "kafka": "ingest.kafka:ingest_topics",
    "federated": "ingest.federated.looking:look",
}


def run(
    settings: Settings,
    selectors: Sequence[str] = (),
    reset: Sequence[str] = (),
    from_position: str | None = None,
    console: Console | None = None,
) -> list[StreamResult]:
    """Load the selected streams (`source` or `source.stream`; none: all) and return what became of each.

    reset: streams to read again from the start. from_position: a cursor value, or a position as JSON, to read
    all selected streams from. Raises SmeltError for a wrong selector or source.yml; a stream that cannot be
    loaded is a result with outcome `failed`.
    """
    sources = load_sources(settings.project_dir)
    chosen = select(sources, [*selectors, *(r for r in reset if selectors)])
    if reset and not selectors:
        chosen = select(sources, reset)
    again = {_name(source, stream) for source, stream in select(sources, reset)} if reset else set()
    lake, ledger = Lake(settings), Ledger(settings)
    pool = ConnectionPool(settings, at_once=min(len(chosen), _WORKERS) or 1)
    with open_run(ledger, "ingest", streams=[_name(*pair) for pair in chosen]) as record:
        jobs = []
        for source, stream in chosen:
            override = {} if _name(source, stream) in again else _start(stream, from_position)
            jobs.append(Job(lake, record, pool, source, stream, override))
        results = _run_all(jobs, pool, console)
        record.detail.update({r.name: r.outcome for r in results})
    _maintain(settings, results, console)
    return results


def select(sources: Sequence[SourceSpec], selectors: Sequence[str]) -> list[tuple[SourceSpec, StreamSpec]]:
    """The streams that the selectors name; raises SmeltError that lists the known ones."""
    known = [(source, stream) for source in sources for stream in source.streams]
    if not selectors:
        return known
    names = {_name(*pair) for pair in known}
    for selector in selectors:
        if selector not in names and selector not in {source.name for source in sources}:
            raise SmeltError(
                f"there is no source or stream {selector!r}",
                f"choose among: {', '.join(sorted(names))} (or a source: {', '.join(s.name for s in sources)})",
            )
    wanted = set(selectors)
    return [pair for pair in known if pair[0].name in wanted or _name(*pair) in wanted]


def _name(source: SourceSpec, stream: StreamSpec) -> str:
    return f"{source.name}.{stream.name}"


def _start(stream: StreamSpec, position: str | None) -> dict[str, Any] | None:
    if position is None:
        return None
    if position.lstrip().startswith("{"):
        try:
            return json.loads(position)
        except json.JSONDecodeError as error:
            raise SmeltError(f"--from is not valid JSON: {error}", 'write it as \'{"cursor": "…"}\'') from error
    if stream.kafka is not None:
        return {"timestamp": position}
    if stream.cursor is None:
        raise SmeltError(
            f"stream {stream.name} has no cursor to start from", f"leave --from away, or use --reset {stream.name}"
        )
    return {"cursor": position}


def _run_all(jobs: Sequence[Job], pool: ConnectionPool, console: Console | None) -> list[StreamResult]:
    progress = Progress(console)
    executor = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="ingest")
    results: dict[str, StreamResult] = {}
    defects: list[BaseException] = []
    try:
        with progress:
            pending: set[Future[list[StreamResult]]] = {
                executor.submit(work, [progress.attached(job) for job in group]) for work, group in _work(jobs)
            }
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                progress.refresh()
                for future in done:
                    if defect := future.exception():
                        defects.append(defect)
                        continue
                    for result in future.result():
                        results[result.name] = result
                        progress.finish(result)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        pool.interrupt()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        pool.close()
    if defects:
        # Not the user's mistake: shown as it is, once the other streams are through.
        raise defects[0]
    return [results[job.name] for job in jobs]


def _work(jobs: Sequence[Job]) -> list[tuple[Callable[[list[Job]], list[StreamResult]], list[Job]]]:
    """What is done in one go: each stream that is pulled, and all streams of a source that share its log."""
    shared: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        if kind := _shared(job):
            shared[kind, job.source.name].append(job)
    together = [(partial(_load_together, kind), group) for (kind, _), group in shared.items()]
    return [*together, *((_pull, [job]) for job in jobs if not _shared(job))]


def _maintain(settings: Settings, results: Sequence[StreamResult], console: Console | None) -> None:
    """Keep the tables small that were written to. What can't be done of it is told; what was loaded stays."""
    wrote = [result for result in results if result.outcome == "loaded" or result.dead_letters]
    if not wrote:
        return
    from plugins.core.warehouse.maintaining import maintain_on_the_way

    tables = {f"{result.source}__{result.stream}" for result in wrote}
    beside = {f"{result.source}{name}" for result in wrote for name in ("__dead_letters", LOG)}
    trouble = maintain_on_the_way(settings, sorted(tables | beside))
    if trouble and console:
        console.print(f"[yellow]note[/]   {escape(trouble)}", soft_wrap=True)


def _shared(job: Job) -> str | None:
    """The entry of `_TOGETHER` for the job, if there is one."""
    mode, kind = job.stream.sync_mode, job.source.kind
    return next((entry for entry in (f"{kind}/{mode}", mode, kind) if entry in _TOGETHER), None)


def _pull(jobs: list[Job]) -> list[StreamResult]:
    (job,) = jobs
    return _guarded(jobs, lambda: [load_stream(job)])


def _load_together(kind: str, jobs: list[Job]) -> list[StreamResult]:
    module, _, function = _TOGETHER[kind].partition(":")
    return _guarded(jobs, lambda: getattr(import_module(module), function)(jobs))


def _explained(job: Job, error: Exception) -> SmeltError | None:
    return error if isinstance(error, SmeltError) else full_disk(job, error) or unreachable_lake(job, error)


def _guarded(jobs: list[Job], work: Callable[[], list[StreamResult]]) -> list[StreamResult]:
    try:
        return work()
    except (SmeltError, OSError, DatabaseError) as found:
        error = _explained(jobs[0], found)
        if error is None:
            raise
        hint = mask(error.hint) if error.hint else None
        failed = [
            StreamResult(job.source.name, job.stream.name, "failed", error=mask(error.message), hint=hint)
            for job in jobs
        ]
    for job, result in zip(jobs, failed, strict=True):
        record_load(job.run, result, None)
    return failed
