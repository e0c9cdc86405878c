"""One run of ingest: streams in parallel, each on its own; one that fails doesn't stop the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from rich.console import Console
from sqlalchemy.exc import DatabaseError

from ingest.connections import ConnectionPool
from ingest.load import Job, StreamResult, full_disk, load_stream
from ingest.load.history import record_load
from ingest.report import Progress
from ingest.spec import SourceSpec, StreamSpec, load_sources
from plugins.core.errors import SmeltError
from plugins.core.lake import Lake
from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import Settings, mask

_WORKERS = 3


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
    pool = ConnectionPool(settings)
    with open_run(ledger, "ingest", streams=[_name(*pair) for pair in chosen]) as record:
        jobs = []
        for source, stream in chosen:
            override = {} if _name(source, stream) in again else _start(stream, from_position)
            jobs.append(Job(lake, record, pool, source, stream, override))
        results = _run_all(jobs, pool, console)
        record.detail.update({r.name: r.outcome for r in results})
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
            pending: set[Future[StreamResult]] = {
                executor.submit(_guarded, progress.attached(job)) for job in jobs
            }
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                progress.refresh()
                for future in done:
                    if defect := future.exception():
                        defects.append(defect)
                        continue
                    result = future.result()
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


def _guarded(job: Job) -> StreamResult:
    try:
        return load_stream(job)
    except (SmeltError, OSError, DatabaseError) as found:
        error = found if isinstance(found, SmeltError) else full_disk(job, found)
        if error is None:
            raise
        hint = mask(error.hint) if error.hint else None
        failed = StreamResult(job.source.name, job.stream.name, "failed", error=mask(error.message), hint=hint)
    record_load(job.run, failed, None)
    return failed
