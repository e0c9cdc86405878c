"""Writes docs/reference pages and the JSON schema of `source.yml` and `smelt.toml`.

usage: python -m ingest.spec.reference [DOCS_REFERENCE_FOLDER]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ingest.spec.model import SourceSpec
from plugins.core.settings import Settings
from plugins.core.settings.reference import to_markdown

_SOURCE = (
    "`sources/<name>/source.yml` says what Smelt loads from a source system. "
    "Editors check it against [source.schema.json](source.schema.json): "
    "start the file with `# yaml-language-server: $schema=../../docs/reference/source.schema.json`."
)
_SETTINGS = (
    "`smelt.toml` in the project's folder. Every key has a default; an environment variable "
    "`SMELT_SECTION__KEY` wins over the file. Secrets are references: `env:NAME` or `file:PATH`."
)


def pages() -> dict[str, str]:
    """File names and contents of the generated reference pages."""
    return {
        "source.schema.json": json.dumps(SourceSpec.model_json_schema(), indent=2) + "\n",
        "source.md": to_markdown(SourceSpec, "source.yml", _SOURCE),
        "settings.md": to_markdown(Settings, "smelt.toml", _SETTINGS),
    }


def main(folder: Path) -> None:
    """Write the pages into `folder`."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
