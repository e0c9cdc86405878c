"""A URL of a database, looked at before any library does: what they say of a malformed one quotes the password."""

from __future__ import annotations

import re

from plugins.core.errors import SmeltError

_AUTHORITY = re.compile(r"[^/?#]*")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ODD = re.compile(r"[\s\"<>\\^`{|}]")


def checked_url(url: str) -> str:
    """The URL as it is; other forms, too. Raises SmeltError, without it, if its password isn't percent-encoded."""
    scheme, found, rest = url.partition("://")
    if not found or "@" not in rest or not scheme.startswith("postgres"):
        return url
    authority = _AUTHORITY.match(rest)[0]  # type: ignore[index]
    user, _, host = authority.rpartition("@")
    is_odd = "@" in user or "@" in rest[len(authority) :] or "@" not in authority
    if is_odd or set(user) & set("[]") or _BAD_PERCENT.search(user) or _ODD.search(user):
        raise SmeltError(
            "the user or password in the database's URL has characters that a URL can't hold as they are",
            "write them percent-encoded: @ as %40, / as %2F, ? as %3F, # as %23, % as %25, a space as %20",
        )
    if not re.fullmatch(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::\d*)?(?:,.*)?", host):
        raise SmeltError(
            "the host in the database's URL can't be read", "write postgresql://user:password@host:port/database"
        )
    return url
