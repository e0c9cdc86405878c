"""`smelt ask --html`: one page that loads nothing, in which nothing of the data is markup or code."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import BREAKOUT, TEMPLATE, TEXTS, hostile_lines, hostile_page

from plugins.nl_models.page import AnswerPage, PageColumn, render_page, write_page

COUNTRY = PageColumn("country", "VARCHAR", "dimension", "Country")
SALES = PageColumn("sales", "BIGINT", "measure", "Sales", "EUR", is_additive=True)


class _Markup(HTMLParser):
    """Elements with their attributes, texts by the element that they stand in, and the title."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._inside, []).append(data)


@pytest.mark.parametrize("page", [hostile_page(), hostile_lines()], ids=["bars", "lines"])
def test_nothing_of_the_data_becomes_markup(page: AnswerPage) -> None:
    markup = _Markup(render_page(page))
    assert sum(tag == "script" for tag, _ in markup.elements) == 1
    assert not any(
        tag in ("img", "a", "iframe", "object", "link") and a.get("href") != "#answer"
        for tag, a in markup.elements
    )
    assert not any(
        name.startswith("on") or name == "style" for _, attributes in markup.elements for name in attributes
    )
    assert not any(name in attributes for _, attributes in markup.elements for name in ("src", "xlink:href"))


def test_the_title_is_text() -> None:
    markup = _Markup(render_page(hostile_page()))
    assert markup.texts["title"][0] == f"{BREAKOUT} {TEMPLATE}"


def test_the_policy_admits_the_pages_own_script_and_style_and_nothing_else() -> None:
    html = render_page(hostile_page())
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    [script] = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    for text in (script, style):
        assert f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}" in policy.replace(
            "&#43;", "+"
        )
    assert policy.startswith("default-src &#39;none&#39;;")


def test_every_value_is_in_the_table() -> None:
    cells = "".join(_Markup(render_page(hostile_page())).texts["bdi"])
    for text in TEXTS:
        assert text.replace("\x00", "\ufffd") in cells


def test_a_page_is_written_where_no_folder_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "page.html"
    assert write_page(file, AnswerPage("\udcff?", (COUNTRY,), [("Chad",)])) == file
    assert '<h1 dir="auto">??</h1>' in file.read_text(encoding="utf-8")


def test_an_answer_without_rows_says_so() -> None:
    html = render_page(AnswerPage("?", (COUNTRY, SALES), [], confidence=0.8))
    assert "No rows: nothing in the data is like this." in html
    assert "<table" not in html
    assert "<figure" not in html


def test_a_question_that_was_declined_has_no_answer() -> None:
    html = render_page(AnswerPage("drop it", question_back="what do you want to know?", confidence=0.0))
    assert "what do you want to know?" in html
    assert 'id="answer"' not in html
    assert "Confidence" not in html


def test_a_truncated_answer_says_so() -> None:
    rows = [(f"c{n}", n) for n in range(1000)]
    html = render_page(AnswerPage("?", (COUNTRY, SALES), rows, is_truncated=True))
    assert "The first 1,000 rows; there are more" in html


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.95, "sure (0.95)"), (0.8, "fairly sure (0.80)"), (0.6, "not quite sure (0.60)"), (0.2, "unsure (0.20)")],
)
def test_confidence_is_in_words_and_a_number(confidence: float, words: str) -> None:
    assert f"Confidence: {words}" in render_page(AnswerPage("?", (COUNTRY,), [("Chad",)], confidence=confidence))
