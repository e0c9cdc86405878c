"""Puts what was drafted into the project."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.core.settings import remember
from plugins.onboard.drafted import Drafted


def write_source(project: Path, drafted: Drafted, secrets: dict[str, str], *, force: bool) -> list[str]:
    """Write files, secrets and the connection; returns the paths to commit.

    Raises SmeltError if a file is there with another text, or a connection of that name says something else.
    """
    paths = []
    for path, text in drafted.files.items():
        there = project / path
        if there.exists() and there.read_text("utf-8") != text and not force:
            raise SmeltError(
                f"{path} is there already, and says something else",
                "onboard under another --name, or overwrite it with --force",
            )
        _write(there, text)
        paths.append(path)
    for path, text in secrets.items():
        remember(text)
        _write(project / path, text, mode=0o600)
    _connect(project / "smelt.toml", drafted)
    return [*paths, "smelt.toml"]


def _connect(path: Path, drafted: Drafted) -> None:
    """Add the connection to smelt.toml, unless it is there."""
    text = path.read_text("utf-8") if path.is_file() else ""
    known = tomllib.loads(text).get("connections", {}).get(drafted.name)
    wanted = tomllib.loads(drafted.connection)["connections"][drafted.name]
    if known == wanted:
        return
    if known is not None:
        raise SmeltError(
            f"smelt.toml has a connection {drafted.name} that says something else",
            f"change [connections.{drafted.name}] yourself, or onboard under another --name",
        )
    _write(path, with_section(text, drafted.connection))


def with_section(text: str, section: str) -> str:
    """The text of a smelt.toml with a connection's section at its end."""
    return f"{text.rstrip()}\n\n{section}" if text.strip() else section


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f".{path.name}.new")
    with open(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(whole, path)
