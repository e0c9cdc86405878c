"""An answer's page as a person uses it, in Debian's chromium: on a desk, on a telephone, by keyboard, on paper."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hostile import TEXTS, hostile_lines, hostile_page
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from plugins.nl_models.page import AnswerPage, PageColumn, write_page

pytestmark = pytest.mark.full

MONTH = PageColumn("month", "DATE", "time", "Month", grain="month")
COUNTRY = PageColumn("country", "VARCHAR", "dimension", "Country")
SALES = PageColumn("sales", "BIGINT", "measure", "Sales", "EUR", is_additive=True)
BEFORE = PageColumn("before", "BIGINT", "comparison", "Sales, the year before", "EUR", of="sales")
BY_MONTH = [(date(2011, n, 1), n * 1000, n * 900) for n in range(1, 13)]

Opened = Callable[..., Page]

# Contrast of each visible text with the nearest background that is painted, worst first (WCAG 2.2).
_CONTRASTS = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !holder.checkVisibility()) continue;
    if (holder.closest("script, .sr, .skip, title, desc")) continue;
    let at = holder;
    while (at && (parse(getComputedStyle(at).backgroundColor)[3] ?? 1) === 0) at = at.parentElement;
    const style = getComputedStyle(holder);
    const ink = luminance(parse(holder.closest("svg") ? style.fill : style.color));
    const paper = luminance(parse(getComputedStyle(at).backgroundColor));
    found.push([(Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05), texts.currentNode.data]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is not installed: `make test-full` installs it (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens an answer's page in a window of this width; nothing may go wrong in it, or be asked of the network."""
    troubles: list[str] = []

    def note_dialog(dialog: Dialog) -> None:
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open_page(answer: AnswerPage, width: int = 1000, *, dark: bool = False) -> Page:
        url = write_page(tmp_path / "answer.html", answer).as_uri()
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("dialog", note_dialog)
        page.on(
            "request", lambda request: troubles.append(f"request: {request.url}") if request.url != url else None
        )
        page.goto(url)
        return page

    yield open_page
    assert troubles == []


def is_wider_than_its_window(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [1000, 390, 320])
@pytest.mark.parametrize("answer", [hostile_page(), hostile_lines()], ids=["bars", "lines"])
def test_hostile_texts_do_nothing_and_stay_where_they_belong(
    opened: Opened, answer: AnswerPage, width: int
) -> None:
    page = opened(answer, width)
    assert not is_wider_than_its_window(page)
    assert page.locator("img").count() == 0
    cells = page.locator("tbody td:first-child, tbody td:nth-child(2)").all_text_contents()
    assert {text.replace("\x00", "\ufffd") for text in TEXTS if text} <= set(cells)
    names = page.locator(".plot:visible text").evaluate_all(
        "(texts) => texts.map((text) => [text.getBoundingClientRect().left, text.getBoundingClientRect().right])"
    )
    assert all(left >= 0 and right <= width for left, right in names)
    for mark in page.locator(".bar, .label, .plot").all():
        mark.dispatch_event("mouseover")


def test_the_pointer_reads_a_line(opened: Opened) -> None:
    page = opened(AnswerPage("?", (MONTH, SALES, BEFORE), BY_MONTH))
    box = page.locator(".plot.wide").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 100)
    tip = page.locator(".tip")
    assert tip.locator("strong").inner_text() == "Jan 2011"
    assert tip.locator("b").all_inner_texts() == ["1,000", "900"]
    page.mouse.move(0, 0)
    assert tip.is_hidden()


@pytest.mark.parametrize("width", [1000, 390])
def test_arrow_keys_read_a_line_aloud(opened: Opened, width: int) -> None:
    page = opened(AnswerPage("?", (MONTH, SALES, BEFORE), BY_MONTH), width)
    page.locator(".plot:visible").focus()
    status = page.locator("#status")
    page.keyboard.press("Home")
    assert status.inner_text() == "Jan 2011: Sales 1,000, Sales, the year before 900"
    page.keyboard.press("ArrowRight")
    assert status.inner_text().startswith("Feb 2011: Sales 2,000")
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert status.inner_text().startswith("Dec 2011: Sales 12,000")
    tip = page.locator(".tip").bounding_box()
    assert tip is not None
    assert tip["x"] >= 0
    assert tip["x"] + tip["width"] <= width
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


def test_a_screen_reader_finds_the_plot_and_the_table(opened: Opened) -> None:
    page = opened(AnswerPage("?", (MONTH, SALES), [row[:2] for row in BY_MONTH]))
    plot = page.get_by_role("img", name="Sales (EUR) by month")
    assert plot.count() == 1
    assert "highest 12,000 (Dec 2011)" in (plot.locator("desc").text_content() or "")
    assert page.get_by_role("row").count() == 13
    assert page.get_by_role("columnheader", name="Sales (EUR)").count() == 1
    assert page.get_by_role("cell", name="12,000").count() == 1


def test_sql_is_copied(opened: Opened) -> None:
    sql = "select '<b>' as \"a&b\" -- why\nfrom t"
    page = opened(AnswerPage("?", (COUNTRY,), [("Chad",)], sql=sql))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == sql


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read(opened: Opened, dark: bool) -> None:
    rows = [(date(2011, m, 1), f"c{n}", m * n) for m in (1, 2, 3) for n in range(12)]
    answer = AnswerPage(
        "?",
        (MONTH, COUNTRY, SALES),
        rows,
        confidence=0.5,
        question_back="which?",
        choices=("a",),
        sql="select 'a', 1 -- c",
    )
    worst, text = opened(answer, dark=dark).evaluate(_CONTRASTS)[0]
    assert worst >= 4.5, text


def test_on_paper_the_whole_table_is_there(opened: Opened) -> None:
    rows = [(f"c{n}", n) for n in range(200)]
    page = opened(AnswerPage("?", (COUNTRY, SALES), rows, sql="select 1"), dark=True)
    page.emulate_media(media="print")
    table = page.locator(".table").first
    assert table.evaluate("(element) => element.scrollHeight <= element.clientHeight")
    assert page.get_by_role("button").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_ten_thousand_rows_are_read_at_once(opened: Opened) -> None:
    day = PageColumn("day", "DATE", "time", "Day", grain="day")
    rows = [(date(2008, 1, 1) + timedelta(days=n // 10), f"c{n % 10}", n % 977) for n in range(10_000)]
    page = opened(AnswerPage("?", (day, COUNTRY, SALES), rows, is_truncated=True))
    assert page.get_by_text("The first 10,000 rows").count() == 1
    assert page.locator("tbody tr").count() == 10_000
    assert page.evaluate("document.documentElement.scrollHeight") < 3_000
    assert page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive") < 5_000
