"""Text files in any of the usual encodings, compressed or not, as UTF-8 that DuckDB reads."""

from __future__ import annotations

import codecs
import gzip
import shutil
from pathlib import Path

from plugins.core.errors import SmeltError

_HEAD = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_BUFFER = 1 << 20


def as_utf8(path: Path, folder: Path) -> tuple[Path, str | None]:
    """The file itself, if it is UTF-8, or a copy that is, in `folder`; and a note on what it was written in.

    Raises SmeltError if it can't be read, or if it is no text.
    """
    try:
        plain = _unpacked(path, folder)
        encoding = _encoding(plain, path)
        if encoding == "utf-8":
            return plain, None
        copy = folder / f"{len(list(folder.iterdir()))}.utf8"
        with open(plain, encoding=encoding, errors="replace", newline="") as source, \
                open(copy, "w", encoding="utf-8", newline="") as target:  # fmt: skip
            shutil.copyfileobj(source, target, _BUFFER)
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        reason = getattr(error, "strerror", None) or str(error)
        raise SmeltError(
            f"{path} cannot be read: {reason}", "check that the file is whole, and yours to read"
        ) from error
    return copy, None if encoding == "utf-8-sig" else f"written in {encoding}"


def encoding_of(path: Path, folder: Path) -> str:
    """The encoding of a file, as Python calls it; what is unpacked goes to `folder`. Raises SmeltError if it
    is no text."""
    return _encoding(_unpacked(path, folder), path)


def _unpacked(path: Path, folder: Path) -> Path:
    with open(path, "rb") as file:
        start = file.read(2)
    if start != b"\x1f\x8b":
        return path
    plain = folder / f"{len(list(folder.iterdir()))}.plain"
    with gzip.open(path, "rb") as source, open(plain, "wb") as target:
        shutil.copyfileobj(source, target, _BUFFER)
    return plain


def _encoding(path: Path, called: Path) -> str:
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    zeros = head.count(0)
    if zeros > len(head) // 4:
        # Text of Latin letters in two bytes each: one of them is zero.
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    if zeros:
        raise SmeltError(
            f"{called} is no text: it has zero bytes", "csv, tsv, json, ndjson and parquet files are read"
        )
    return "utf-8" if _is_utf8(path) else "cp1252"


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open(path, "rb") as file:
            while block := file.read(_BUFFER):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
