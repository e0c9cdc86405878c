"""Globs over keys of a bucket, as pathlib reads them over folders."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[*?\[]")
# Half-written by convention: hidden names, and the endings that downloads and transfers use until they are done.
_UNFINISHED = re.compile(r"(^|/)\.[^/]*$|\.(tmp|part|partial|filepart|crdownload|inprogress)$", re.IGNORECASE)


def folder_of(glob: str) -> str:
    """The folders that a glob begins with before its first wildcard, without a slash at the end."""
    fixed = []
    for part in glob.split("/")[:-1]:
        if _SPECIAL.search(part):
            break
        fixed.append(part)
    return "/".join(fixed)


def has_wildcard(glob: str) -> bool:
    """Whether the glob may stand for more than one path."""
    return _SPECIAL.search(glob) is not None


def matcher(glob: str) -> re.Pattern[str]:
    """A pattern for whole paths: `*` and `?` stay within a folder, `**` stands for any folders, also for none."""
    parts = glob.strip("/").split("/")
    pattern = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            pattern += ".*" if is_last else "(?:[^/]+/)*"
        else:
            pattern += _within(part) + ("" if is_last else "/")
    return re.compile(f"{pattern}\\Z", re.DOTALL)


def is_unfinished(path: str) -> bool:
    """Whether the file's name says that it is being written."""
    return _UNFINISHED.search(path) is not None


def _within(part: str) -> str:
    pattern, rest = "", part
    while rest:
        sign, rest = rest[0], rest[1:]
        if sign == "*":
            pattern += "[^/]*"
        elif sign == "?":
            pattern += "[^/]"
        elif sign == "[" and "]" in rest[1:]:
            end = rest.index("]", 1)
            inside, rest = rest[:end], rest[end + 1 :]
            inverted = inside.startswith("!")
            escaped = re.escape(inside[1:] if inverted else inside).replace(r"\-", "-")
            pattern += f"[{'^/' if inverted else ''}{escaped}]"
        else:
            pattern += re.escape(sign)
    return pattern
