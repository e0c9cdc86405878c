"""What `smelt doctor` says of the log of a source whose tables are captured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ByteSize

from ingest.mysql.describing import require_capturable, table_of
from ingest.mysql.following import lost
from ingest.mysql.gtid import gtids
from ingest.mysql.server import Server, ask, log_files, read_gtids, require_binlog, variables
from ingest.mysql.transactions import transactions_table
from ingest.spec import SourceSpec
from plugins.core.lake import Lake, read_state
from plugins.core.settings import Settings

if TYPE_CHECKING:
    import pymysql


def log_state(settings: Settings, server: Server, session: pymysql.Connection, source: SourceSpec) -> str:
    """How far bronze is behind the server's log, and for how long that is kept; '' if nothing is captured.

    Raises SmeltError if the log can't be followed, or no longer has what bronze hasn't.
    """
    captured = [stream for stream in source.streams if stream.sync_mode == "cdc"]
    if not captured:
        return ""
    kind = require_binlog(session, server.where)
    for stream in captured:
        require_capturable(session, source, stream, table_of(stream, server))
    lake = Lake(settings)
    table = lake.find(transactions_table(source.name)) if lake.exists() else None
    position = read_state(table).position if table is not None else {}
    if "gtid" not in position:
        return f"; its log is followed from the first `smelt ingest {source.name}` on"
    known, now = gtids(position["gtid"], is_mariadb=kind.is_mariadb), read_gtids(session, kind)
    if not now.covers(known):
        raise lost(source.name, f"{server.where} has it up to {now.text or 'nothing'}, bronze up to {known.text}")
    if not kind.is_mariadb:
        ((is_kept,),) = ask(session, "select gtid_subset(@@global.gtid_purged, %s)", known.text)
        if not is_kept:
            raise lost(source.name, "it was deleted")
    files = log_files(session)
    names = list(files)
    if position["file"] not in files:
        held = ByteSize(sum(files.values())).human_readable()
        return f"; bronze is up to {known.text}, of a file of the log that is no longer there (it has {held})"
    behind = sum(files[name] for name in names[names.index(position["file"]) :]) - position["end"]
    kept = variables(session, ["binlog_expire_logs_seconds"]).get("binlog_expire_logs_seconds", "0")
    limit = f"deleted after {int(kept) // 3600} h" if int(kept) else "never deleted by itself"
    return f"; bronze is {ByteSize(max(0, behind)).human_readable()} behind the log, which is {limit}"
