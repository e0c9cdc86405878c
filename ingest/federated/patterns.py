"""Globs of source.yml as DuckDB reads them, over a folder, a bucket, or the one file of a web server."""

from __future__ import annotations

import re
from urllib.parse import quote

from ingest.extract.globs import has_wildcard, is_unfinished
from plugins.core.errors import SmeltError

_SPECIAL = re.compile(r"[*?\[]")
_AFTER_WILDCARDS = re.compile(r"[^*?\]]*\Z")
_ENDING = re.compile(r"\.[A-Za-z0-9]+\Z")
# `?` begins the options of an S3 URL; a set that leaves out a sign which no key has stands for any sign, too.
_ANY_SIGN = "[!\x01]"


def pattern(root: str, glob: str) -> str:
    """What DuckDB's readers take for the files of `glob` below `root`, without hidden ones.

    Raises SmeltError for a glob that may stand for half-written files, or that `root` can't be asked for.

    >>> pattern("s3://bucket/in", "orders/*.csv")
    's3://bucket/in/orders/[!.]*.csv'
    """
    glob = glob.strip("/")
    if root.startswith(("http://", "https://")):
        if has_wildcard(glob):
            raise SmeltError(
                f"{root}: a web server lists no files, so `glob: {glob}` can't be looked up",
                "give each stream the path of one file",
            )
        return f"{root}/{quote(glob)}"
    *folders, name = glob.split("/")
    if has_wildcard(name) and not _is_whole(name):
        raise SmeltError(
            f"`glob: {glob}` may stand for files that are half-written, and in place nothing can pass them over",
            "let it end in the files' ending, such as *.parquet, or load them (sync_mode: incremental)",
        )
    if name[0] in "*?":
        name = f"[!.]{name.removeprefix('?')}"
    below = "/".join([*folders, name])
    if "://" in root:
        below = below.replace("?", _ANY_SIGN)
    escaped = _SPECIAL.sub(r"[\g<0>]", root)
    return f"{escaped}/{below}"


def exactly(root: str, path: str) -> str:
    """What DuckDB's readers take for the one file `path` below `root`, whatever signs its name has."""
    if root.startswith(("http://", "https://")):
        return f"{root}/{quote(path)}"
    escaped = _SPECIAL.sub(r"[\g<0>]", f"{root}/{path}")
    return escaped.replace("[?]", _ANY_SIGN) if "://" in root else escaped


def _is_whole(name: str) -> bool:
    """Whether what the name matches ends as whole files do.

    A filter on the file's name in the view would be the other way, but where it meets an aggregate over Parquet,
    DuckDB 1.5 ends with an internal error.
    """
    found = _AFTER_WILDCARDS.search(name)
    tail = found.group() if found else ""
    return _ENDING.search(tail) is not None and not is_unfinished(f"x{tail}")
