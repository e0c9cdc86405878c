"""Names of what a process writes into the lake: they tell files of a living writer from those of a dead one.

A name carries batch, host and process. Files that compaction writes have a prefix of their own: their rows are
committed already, elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time

from ulid import ULID

COMPACTED = "compact-"
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_NAME = re.compile(
    r"^(?P<prefix>compact-)?(?P<batch>[0-9A-Z]{26})-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)(\.parquet)?$"
)
# A writer on another host can't be looked at: its files are left alone for longer than any load takes.
_SAFE_AGE_SECONDS = 7 * 24 * 3600


def file_stem(batch_id: str) -> str:
    """The name, without suffix, of what this process writes for `batch_id`."""
    return f"{batch_id}-{_HOST}-{os.getpid()}"


def is_loaded(name: str) -> bool:
    """Whether this is the name of something that a load wrote."""
    match = _NAME.match(name)
    return match is not None and match["prefix"] is None


def is_written(name: str) -> bool:
    """Whether this is the name of something that a load, or compaction, wrote."""
    return _NAME.match(name) is not None


def may_be_written(name: str) -> bool:
    """Whether the process that wrote something of this name may still be at it; ValueError for other names."""
    match = _NAME.match(name)
    if match is None:
        raise ValueError(f"{name} says nothing of its writer")
    if match["host"] != _HOST:
        return time.time() - ULID.from_str(match["batch"]).timestamp < _SAFE_AGE_SECONDS
    try:
        os.kill(int(match["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
