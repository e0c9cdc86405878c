"""Puts a connector's files into a folder, and overwrites nothing that a person has edited."""

from __future__ import annotations

import os
from pathlib import Path

from plugins.connectors.connector import Connector
from plugins.connectors.manifest.text import is_untouched
from plugins.core.errors import SmeltError


def write(connector: Connector, folder: Path | None, force: bool = False) -> tuple[str, ...]:
    """Write the files to `folder`, by default `sources/<name>` of the project; returns their paths.

    Raises SmeltError if one of them is there and was not written by this command, or was edited since.
    """
    target = folder if folder is not None else _sources() / connector.name
    paths = {target / name: text for name, text in connector.files.items()}
    try:
        edited = [path for path in paths if path.exists() and not is_untouched(path.read_text(encoding="utf-8"))]
        if edited and not force:
            names = ", ".join(str(path) for path in edited)
            raise SmeltError(
                f"{names}: edited since it was written, or not written by smelt connect",
                "--out another folder and compare, or --force to overwrite it",
            )
        target.mkdir(parents=True, exist_ok=True)
        for path, text in paths.items():
            whole = path.with_name(f".{path.name}.new")
            whole.write_text(text, encoding="utf-8")
            os.replace(whole, path)
    except (OSError, UnicodeDecodeError) as error:
        raise SmeltError(f"{target}: cannot be written to: {error}", "choose another folder with --out") from error
    return tuple(str(path) for path in paths)


def _sources() -> Path:
    from plugins.core.settings import load_settings

    folder = load_settings().project_dir / "sources"
    return Path(os.path.relpath(folder)) if folder.is_relative_to(Path.cwd()) else folder
