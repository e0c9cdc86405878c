"""The page as one self-contained HTML document. What a source or a model wrote is data: none can become markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError

_FILES = Path(__file__).with_name("files")
_SCRIPTS = ("dom", "rows", "edits", "yaml", "list", "detail", "picker", "saving", "main")
_SLOT = re.compile(r"\{\{(\w+)\}\}")
# Inside <script> the parser looks for `<` only; the others are there for whoever copies the data elsewhere.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def write_page(document: Mapping[str, Any], path: Path) -> Path:
    """Write the page to a file that needs no server: what is decided there is downloaded, or copied.

    Raises SmeltError if the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_page(document), encoding="utf-8")
    except OSError as error:
        raise SmeltError(f"{path} cannot be written: {error.strerror}", "name another file") from error
    return path


def render_page(document: Mapping[str, Any], *, save_to: str = "") -> str:
    """The page for a document of `review_document`: HTML that loads nothing from anywhere.

    save_to: address that takes the decisions; "": the page offers the file itself. A content security policy
    admits this page's own script and style by their hashes, its own server if it has one, and nothing else.
    """
    style = _read("page.css")
    parts = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{parts}}})();\n'
    slots = {
        "title": _as_text(f"{document['source']} · source mapping"),
        "policy": _policy(style, script, is_served=bool(save_to)),
        "style": style,
        "data": json.dumps({**document, "save_to": save_to}, separators=(",", ":")).translate(_ESCAPES),
        "script": script,
    }
    # One pass: what is put into one slot is never searched for others.
    return _SLOT.sub(lambda slot: slots[slot[1]], _read("page.html"))


def _policy(style: str, script: str, *, is_served: bool) -> str:
    connect = "connect-src 'self'; " if is_served else ""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; {connect}"
        "base-uri 'none'; form-action 'none'"
    )


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _as_text(text: str) -> str:
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
