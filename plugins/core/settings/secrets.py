"""References to secrets, their resolution, and their masking in whatever is printed or stored."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plugins.core.errors import SmeltError

_MASK = "****"
# Shorter values are words of any message; masking them would hide everything else.
_SHORTEST = 6
# From this length on, letters and digits are no part of a word by chance: masked wherever they stand.
_NO_WORD = 16
# What ends in a letter or digit, and yet a word begins after it: `%3A`, an escaped line break or quote, a colour.
_ENCODED = (
    r"%[0-9A-Fa-f]{2}",
    r"\\[nrt]",
    r"\\x[0-9A-Fa-f]{2}",
    r"\\u[0-9A-Fa-f]{4}",
    r"\x1b\[\dm",
    r"\x1b\[\d\dm",
)
_STARTS = f"(?:(?<![^\\W_])|{'|'.join(f'(?<={before})' for before in _ENCODED)})"
_ENDS = r"(?![^\W_])"
_resolved: set[str] = set()
# The scheme is bounded, or a long word would be tried from each of its letters.
_URL_PASSWORD = re.compile(r"(\b\w[\w+.-]{0,30}://[^:/@\s]*:)[^@/\s]+(@)")
_KEY_VALUE = re.compile(r"(?i)\b(password|passwd|pwd|token|secret|api[_-]?key)(\s*[=:]\s*)('[^']*'|[^\s&;,]+)")


def resolve(reference: str, project_dir: Path, what: str) -> str:
    """The value behind `env:NAME` or `file:PATH`; any other text stands for itself.

    `what` names the setting in the error message, such as `connections.shop.dsn`.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(rest)
        if not value:
            raise SmeltError(
                f"{what} refers to the environment variable {rest}, which is not set",
                f"export {rest}=… , or change {what} in smelt.toml",
            )
    elif scheme == "file":
        path = project_dir / rest
        try:
            value = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SmeltError(
                f"{what} refers to the file {rest}, which cannot be read ({error.strerror})",
                f"write the value to {rest} (`smelt demo up` does so for the demo), or change {what}",
            ) from error
    else:
        return reference
    remember(value)
    return value


def remember(value: str) -> None:
    """Mask what is secret of `value` from now on: all of it, or the password if it is a URL that has one."""
    if "://" in value:
        # Where something is may be told; the password of the URL is masked wherever it stands.
        if password := urlsplit(value).password:
            _resolved.update((password, unquote(password)))
    elif len(value) >= _SHORTEST:
        _resolved.add(value)


def mask(text: str) -> str:
    """`text` with every resolved secret, URL password and `password=…` pair replaced by asterisks.

    A short secret of letters and digits alone is left where it is a part of a longer word: the password `right`
    says nothing in `copyright`.
    """
    for value in sorted(_resolved, key=len, reverse=True):
        if value.isalnum() and len(value) < _NO_WORD:
            text = re.sub(f"{_STARTS}{re.escape(value)}{_ENDS}", _MASK, text)
        else:
            text = text.replace(value, _MASK)
    text = _URL_PASSWORD.sub(rf"\1{_MASK}\2", text)
    return _KEY_VALUE.sub(rf"\1\2{_MASK}", text)


def forget() -> None:
    """Mask nothing that was resolved so far any more; for processes that serve several projects in turn."""
    _resolved.clear()
