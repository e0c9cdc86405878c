"""Authorities that DuckDB trusts: it takes one file of them for all its connections, so they are put together."""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from functools import cache
from pathlib import Path

import duckdb

from plugins.core.duck import literal
from plugins.core.errors import SmeltError

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def trust(con: duckdb.DuckDBPyConnection, authority: Path, what: str) -> None:
    """Let `con` trust the PEM file `authority`, beside those that it trusts already, at first the machine's.

    Raises SmeltError if the file can't be read; `what` names the setting.
    """
    wanted = authority_of(authority, what)
    ((in_use,),) = con.execute("select current_setting('ca_cert_file')").fetchall()
    trusted = Path(in_use or ssl.get_default_verify_paths().cafile or "")
    others = trusted.read_text(encoding="utf-8", errors="replace") if trusted.is_file() else ""
    if in_use and wanted in others:
        return
    whole = f"{wanted}\n{others}"
    file = Path(_folder().name) / f"{hashlib.sha256(whole.encode()).hexdigest()[:16]}.pem"
    file.write_text(whole, encoding="utf-8")
    con.execute(f"set global ca_cert_file = {literal(str(file))}")


def authority_of(path: Path, what: str) -> str:
    """The text of a `ca_file`. Raises SmeltError if it is no PEM."""
    try:
        text = path.read_text(encoding="ascii")
        if _CERTIFICATE not in text:
            raise ValueError("it has no certificate")
    except (OSError, ValueError) as error:
        raise SmeltError(
            f"{what}.ca_file: {path} cannot be read as PEM", "put the authority's certificate there"
        ) from error
    return text


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where this process, and nobody else, puts authorities together; gone when it ends."""
    return tempfile.TemporaryDirectory(prefix="smelt-authorities-")
