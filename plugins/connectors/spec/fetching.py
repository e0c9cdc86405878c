"""The bytes of a spec: a file, or a URL within limits of size and time."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from plugins.core.errors import SmeltError

MAX_BYTES = 32 * 1024 * 1024
_SECONDS = 30
_REDIRECTS = 5


def fetch(location: str) -> str:
    """The text at a path or http(s) URL; raises SmeltError if it can't be had or is over 32 MB."""
    content = _download(location) if is_url(location) else _read(Path(location).expanduser())
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SmeltError(f"{location}: not UTF-8 text", "save it as UTF-8, or point at the spec itself") from error


def is_url(location: str) -> bool:
    """Whether this is an http(s) URL rather than a path."""
    return urlsplit(location).scheme.lower() in ("http", "https")


def _read(path: Path) -> bytes:
    try:
        # A device or a pipe has no size, and no end.
        if not path.is_file():
            raise SmeltError(f"{path}: no such file", "name a file (.yaml, .yml, .json) or an http(s) URL")
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(str(path))
        return path.read_bytes()
    except OSError as error:
        raise SmeltError(f"{path}: {error.strerror or error}", "check its permissions") from error


def _download(url: str) -> bytes:
    import requests

    session = requests.Session()
    session.max_redirects = _REDIRECTS
    content = bytearray()
    try:
        with session.get(
            url, stream=True, timeout=_SECONDS, headers={"Accept": "application/json, */*"}
        ) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_content(65536):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise _too_large(url)
    except (requests.RequestException, ValueError) as error:
        raise SmeltError(
            f"{url}: cannot be fetched: {error}", "open the URL, or download the spec first"
        ) from error
    return bytes(content)


def _too_large(location: str) -> SmeltError:
    return SmeltError(f"{location}: larger than {MAX_BYTES >> 20} MB", "cut it down to the paths you need")
