"""`smelt lineage --html`: one page that loads nothing, in which no name or description is markup or code."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import BREAKOUT, LINES, MODEL, SLOTS, SOURCE, TABLE, LineagePage

from plugins.lineage.page import render_page

SMELT = str(Path(sys.executable).with_name("smelt"))


class _Markup(HTMLParser):
    """The elements of a page with their attributes, and the text of each `<style>` and `<script>`."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.title = ""
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag in ("style", "script"):
            self.raw.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("style", "script"):
            tag, before = self.raw[-1]
            self.raw[-1] = (tag, before + data)
        elif self._inside == "title":
            self.title += data

    @property
    def policy(self) -> dict[str, str]:
        [content] = [a["content"] for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert content
        parts = [part.strip().partition(" ") for part in content.split(";")]
        return {directive: value for directive, _, value in parts}

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]


def _data(page: str) -> dict[str, Any]:
    return json.loads(_Markup(page).raw[1][1])


def _document(text: str) -> dict[str, Any]:
    """A lineage document with `text` wherever a user's word can be."""
    columns = [{"name": text, "type": text, "description": text}]
    words = dict.fromkeys(("name", "kind", "path", "materialized", "description"), text)
    nodes = [{"id": n + text, **words, "columns": columns, "unparsed": text} for n in ("a", "b")]
    edge = {"from_node": "a" + text, "from_column": text, "to_node": "b" + text}
    return {
        "project": text,
        "nodes": nodes,
        "edges": [{**edge, "to_column": text, "kind": "identity"}, {**edge, "to_column": None, "kind": "join"}],
        "depends_on": [["a" + text, "b" + text]],
    }


def test_the_page_loads_nothing_from_anywhere(shop_page: LineagePage) -> None:
    markup = _Markup(shop_page.html)
    addresses = [a[key] for _, a in markup.elements for key in ("src", "href", "srcset", "action") if key in a]
    assert addresses == ["#"]
    assert not {tag for tag, _ in markup.elements} & {"link", "img", "iframe", "object", "embed", "base", "form"}
    style, script = markup.raw[0][1], markup.raw[-1][1]
    assert not re.search(r"url\(|@import|@font-face|image-set", style)
    assert not re.search(r"\b(https?:|fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|import\s*\()", script)


def test_its_policy_admits_only_its_own_style_and_script(shop_page: LineagePage) -> None:
    markup = _Markup(shop_page.html)
    assert [tag for tag, _ in markup.raw] == ["style", "script", "script"]

    def hash_of(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert markup.policy == {
        "default-src": "'none'",
        "style-src": hash_of(markup.raw[0][1]),
        "script-src": hash_of(markup.raw[2][1]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_in_it_runs_or_styles_against_that_policy(shop_page: LineagePage) -> None:
    attributes = {name for _, attributes in _Markup(shop_page.html).elements for name in attributes}
    assert not {name for name in attributes if name.startswith("on")} | (attributes & {"style"})


def test_the_script_makes_no_markup_of_text(shop_page: LineagePage) -> None:
    script = _Markup(shop_page.html).raw[-1][1]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(", script)


def test_hostile_names_of_a_project_arrive_as_they_were_written(shop_page: LineagePage) -> None:
    data = _data(shop_page.html)
    nodes = {node[0]: node for node in data["nodes"]}
    reader = nodes["model.shop.reader"]
    assert reader[3] == "models/<svg onload=alert(4)>/reader.sql"
    assert reader[5] == f"{BREAKOUT} {SLOTS} {LINES}"
    assert [column[2] for column in reader[7]] == [f"{SLOTS} {BREAKOUT}", LINES]
    assert [column[0] for column in nodes[f"model.shop.{MODEL}"][7]] == [BREAKOUT, "dots.and#hash%25", "plain"]
    source = nodes[f"source.shop.{SOURCE}.{TABLE}"]
    assert source[1] == f"{SOURCE}.{TABLE}"
    assert source[7][0][0] == BREAKOUT


def test_hostile_names_of_a_project_add_no_markup(shop_page: LineagePage) -> None:
    assert _Markup(shop_page.html).shape == _Markup(render_page(_document("plain"))).shape
    assert not re.search("[<>&\u2028\u2029]", _Markup(shop_page.html).raw[1][1])


@pytest.mark.parametrize(
    "text",
    [
        BREAKOUT,
        "</title></style></noscript><script>alert(1)</script>",
        "<!-- <script>",
        "]]><![CDATA[",
        SLOTS + " {{title}} {{style}} {{nothing}}",
        "\u2028\u2029",
        "\ud800 half a pair",
        "\x00\x1f\r\n\t\x7f",
        '" onload="alert(1)',
        "'; alert(1); '",
        "\\u003cscript\\u003e \\1 \\g<0>",
        "&lt;script&gt; &amp; &#60;",
        "‮ right to left",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 名前",
        "",
    ],
    ids=lambda text: ascii(text)[1:-1][:24],
)
def test_no_text_in_any_place_is_markup_or_code(text: str) -> None:
    page = render_page(_document(text))
    benign = _Markup(render_page(_document("plain")))
    markup = _Markup(page.encode("utf-8").decode("utf-8"))
    assert markup.shape == benign.shape
    assert [raw for n, (_, raw) in enumerate(markup.raw) if n != 1] == [
        raw for n, (_, raw) in enumerate(benign.raw) if n != 1
    ]
    assert markup.policy == benign.policy
    data = _data(page)
    assert data["project"] == text
    assert data["nodes"][1] == ["b" + text, *[text] * 5, text, [[text, text, text]]]
    assert (data["edges"], data["kinds"], data["depends"]) == ([0, 1, 0, 0, -2, 1], ["identity", "join"], [[0, 1]])


def test_columns_that_only_an_edge_knows_are_there_too() -> None:
    document = _document("x")
    for edge in document["edges"]:
        edge["from_column"] = "Unlisted"
    document["edges"][0]["to_column"] = "X"  # another case of a listed one
    data = _data(render_page(document))
    assert [column[0] for column in data["nodes"][0][7]] == ["x", "Unlisted"]
    assert [column[0] for column in data["nodes"][1][7]] == ["x"]
    assert data["edges"] == [1, 2, 0, 1, -2, 1]


def test_edges_to_what_is_not_in_the_document_are_left_out() -> None:
    document = _document("x")
    document["edges"][0]["to_node"] = "gone"
    document["depends_on"].append(["ax", "gone"])
    data = _data(render_page(document))
    assert (data["edges"], data["depends"]) == ([0, -2, 0], [[0, 1]])


def test_a_project_of_nothing_has_a_page() -> None:
    data = _data(render_page({"project": "empty", "nodes": [], "edges": [], "depends_on": []}))
    assert data == {"project": "empty", "kinds": [], "nodes": [], "edges": [], "depends": []}


def test_without_a_file_the_page_goes_to_target_and_to_a_pipe(shop_page: LineagePage) -> None:
    run = subprocess.run([SMELT, "lineage", "--html"], cwd=shop_page.folder, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    written = shop_page.folder / "target" / "smelt" / "lineage.html"
    assert str(written.relative_to(shop_page.folder)) in run.stderr.decode()
    assert run.stdout.decode() == written.read_text(encoding="utf-8") == shop_page.html


def test_a_manifest_alone_has_a_page(shop_page: LineagePage, tmp_path: Path) -> None:
    shutil.copy(shop_page.folder / "target" / "manifest.json", tmp_path / "manifest.json")
    page = tmp_path / "new" / "folder" / "page.html"
    arguments = [SMELT, "lineage", "--html", "--manifest", "manifest.json", "-o", str(page)]
    run = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert _Markup(page.read_text(encoding="utf-8")).title == "shop · column lineage"
