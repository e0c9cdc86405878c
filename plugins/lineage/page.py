"""Lineage as one self-contained HTML page. Names and descriptions are data: none can become markup or code."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FILES = Path(__file__).with_name("page")
_SCRIPTS = ("graph", "layout", "hash", "view", "camera", "boxes", "draw", "minimap", "search", "panel", "main")
_SLOT = re.compile(r"\{\{(\w+)\}\}")
# Inside <script> the parser looks for `<` only; the others are there for whoever copies the data elsewhere.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def render_page(document: Mapping[str, Any]) -> str:
    """The page for a lineage document (`plugins.lineage.document`): HTML that loads nothing from anywhere.

    A content security policy admits this page's own script and style by their hashes, and nothing else.
    """
    style = _read("page.css")
    parts = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{parts}}})();\n'
    slots = {
        "title": _as_text(f"{document['project']} · column lineage"),
        "policy": (
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "data": json.dumps(_packed(document), separators=(",", ":")).translate(_ESCAPES),
        "script": script,
    }
    # One pass: what is put into one slot is never searched for others.
    return _SLOT.sub(lambda slot: slots[slot[1]], _read("page.html"))


def _packed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with numbers for names: nodes by position, columns counted through all nodes.

    edges: flat triples (from column, to column, kind), or -1 - node where it decides about all rows.
    """
    nodes = [{**node, "columns": list(node["columns"])} for node in document["nodes"]]
    by_id = {node["id"]: node for node in nodes}
    known = {node["id"]: {c["name"].lower() for c in node["columns"]} for node in nodes}
    edges = [e for e in document["edges"] if e["from_node"] in by_id and e["to_node"] in by_id]
    for edge in edges:
        for node, column in ((edge["from_node"], edge["from_column"]), (edge["to_node"], edge["to_column"])):
            if column is not None and column.lower() not in known[node]:
                known[node].add(column.lower())
                by_id[node]["columns"].append({"name": column, "type": None, "description": ""})
    position = {node["id"]: n for n, node in enumerate(nodes)}
    number: dict[tuple[str, str], int] = {}
    count = 0
    for node in nodes:
        for column in node["columns"]:
            number.setdefault((node["id"], column["name"].lower()), count)
            count += 1
    kinds = sorted({edge["kind"] for edge in edges})
    flat: list[int] = []
    for edge in edges:
        to = edge["to_column"]
        end = -1 - position[edge["to_node"]] if to is None else number[edge["to_node"], to.lower()]
        flat += (number[edge["from_node"], edge["from_column"].lower()], end, kinds.index(edge["kind"]))
    return {
        "project": document["project"],
        "kinds": kinds,
        "nodes": [_packed_node(node) for node in nodes],
        "edges": flat,
        "depends": [[position[a], position[b]] for a, b in document["depends_on"] if a in by_id and b in by_id],
    }


def _packed_node(node: Mapping[str, Any]) -> list[Any]:
    columns = [[c["name"], c.get("type") or "", c.get("description") or ""] for c in node["columns"]]
    words = [node.get(key) or "" for key in ("id", "name", "kind", "path", "materialized", "description")]
    return [*words, node.get("unparsed"), columns]


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _as_text(text: str) -> str:
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
