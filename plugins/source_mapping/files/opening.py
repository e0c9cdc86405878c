"""Files as bytes and as text, whatever they are compressed with and written in."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from plugins.core.errors import SmeltError

KINDS = "csv, tsv, json, ndjson and parquet files are read, also as .gz"
# Bytes that are looked at to know what a file is.
HEAD = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"PK\x03\x04", "a zip or Excel file"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
)
# Controls that text may hold: separators of fields and lines, and an escape.
_FINE = frozenset((1, 9, 10, 12, 13, 27, 28, 29, 30, 31))


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes in a file, unpacked if it is compressed with gzip. Raises SmeltError if it can't be read."""
    try:
        with open(path, "rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if is_packed:
                with gzip.open(file) as unpacked:
                    yield unpacked  # pyright: ignore[reportReturnType]
            else:
                yield file
    except FileNotFoundError as error:
        raise SmeltError(f"there is no file {path}", "check the path") from error
    except IsADirectoryError as error:
        raise SmeltError(f"{path} is a folder", "name one file in it") from error
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, getattr(error, "strerror", None) or error) from error


@contextmanager
def decoded(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    """The text in a file, with its line ends; what is no letter in this encoding is replaced."""
    with opened(path) as raw, io.TextIOWrapper(raw, encoding, "replace", newline="") as file:
        yield file


def unreadable(path: Path, reason: object) -> SmeltError:
    """The error for a file that is broken or not ours to read."""
    short = str(reason).strip().splitlines() or ["for no stated reason"]
    return SmeltError(
        f"{path} cannot be read: {short[0][:300]}", "check that the file is whole, and yours to read"
    )


def start_of(path: Path) -> bytes:
    """The first bytes of a file. Raises SmeltError if there are none, or if it is of a kind that is not read."""
    with opened(path) as file:
        start = file.read(HEAD)
    if not start:
        raise empty(path)
    for magic, what in _OTHERS:
        if start.startswith(magic):
            raise SmeltError(f"{path} is {what}", f"export it: {KINDS}")
    return start


def empty(path: Path) -> SmeltError:
    """The error for a file with nothing in it."""
    return SmeltError(f"{path} is empty", "give it at least a header line")


def encoding_of(path: Path, start: bytes) -> str:
    """What a text is written in, by its first bytes. Raises SmeltError if it is no text."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    zeros = start.count(0)
    if zeros > len(start) // 4:
        # Latin letters in two bytes each: one of them is zero, and never both.
        encoding = "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        if "\0" not in start.decode(encoding, "replace"):
            return encoding
    controls = sum(start.count(code) for code in range(32) if code not in _FINE)
    if zeros or controls > len(start) // 50:
        raise SmeltError(f"{path} is no text, and no Parquet file", KINDS)
    try:
        # Incremental, since the head may end in the middle of a letter.
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return _guessed(start)
    return "utf-8"


def _guessed(start: bytes) -> str:
    from charset_normalizer import from_bytes

    # Whole lines, since a torn letter spoils a guess; then fewer of them: one odd letter in many lines does, too.
    for length in (len(start), 4_096):
        whole = start[: start.rfind(b"\n", 0, length) + 1] or start
        if (best := from_bytes(whole).best()) is not None:
            return best.encoding
    return "cp1252"
