"""Somebody who reads the lineage page in a browser: what they see, and everything that went wrong meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect, sync_playwright

from plugins.core.project import Project
from plugins.lineage import Loaded, find_impact, load_lineage

# After two frames everything that was queued is drawn.
_TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

_LIT = """() => [...document.querySelectorAll(".box")].flatMap((box) =>
  [...box.querySelectorAll(".col")].map((row) => [
    box.querySelector(".head .name").textContent,
    row.querySelector(".name").textContent,
    ["selected", "direct", "indirect"].find((how) => row.classList.contains(`lit-${how}`)) ?? null,
  ]))"""

_CAMERA = """() => {
  const { a, e, f } = new DOMMatrix(document.getElementById("world").style.transform);
  return [a, e, f];
}"""

# Contrast of each visible text with what is behind it (WCAG 2.2, relative luminance), worst first.
# What is dimmed on purpose, beside a lit path, does not count.
_CONTRASTS = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, alpha = 1], under) => [r, g, b].map((v, n) => v * alpha + under[n] * (1 - alpha));
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (!text || !holder.checkVisibility()) continue;
    if (holder.closest("script, style, noscript, .sr, .skip, .dim")) continue;
    const styles = [];
    for (let at = holder; at; at = at.parentElement) styles.unshift(getComputedStyle(at));
    const behind = styles.reduce((under, style) => over(parse(style.backgroundColor), under), [255, 255, 255]);
    const opacity = styles.reduce((product, style) => product * Number(style.opacity), 1);
    const [r, g, b, alpha = 1] = parse(styles.at(-1).color);
    const both = [luminance(over([r, g, b, alpha * opacity], behind)), luminance(behind)].sort((x, y) => y - x);
    found.push([(both[0] + 0.05) / (both[1] + 0.05), text]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}"""

_COUNT_FRAMES = """() => {
  window.between = [];
  let last = performance.now();
  const tick = (now) => {
    window.between.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's chromium. Without it a test fails: a browser that is skipped proves nothing."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is not installed: `make test-full` installs it (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        try:
            yield browser
        finally:
            browser.close()


class Reader:
    """One person with one tab. `troubles` are errors, dialogs, and requests for anything but the page itself."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.troubles: list[str] = []
        self._url = ""
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("dialog", self._note_dialog)
        page.on("console", lambda message: self.troubles.append(f"console {message.type}: {message.text}"))
        page.on("request", lambda request: self._note_request(request.url))
        self.panel = page.locator("#panel")
        self.search_box = page.get_by_role("combobox")
        self.results = page.get_by_role("option")
        self.stage = page.locator("#stage")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, url: str) -> None:
        if url.partition("#")[0] != self._url:
            self.troubles.append(f"request: {url}")

    def open(self, url: str, hash: str = "") -> None:
        """Load the page anew, by its address and what a link to a place in it adds."""
        self._url = url
        self.page.goto("about:blank")
        self.page.goto(f"{url}{hash}")
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.page.evaluate(_TWO_FRAMES)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def search(self, text: str) -> list[str]:
        """Type into the search box; what is found, as far as it is on screen: `model` or `model.column`."""
        self.search_box.fill(text)
        self.settle()
        return [result.get_attribute("title") or "" for result in self.results.all()]

    def choose(self, place: str) -> None:
        """Search for `model` or `model.column`, and click on it."""
        self.search(place)
        self.results.and_(self.page.get_by_title(place, exact=True)).click()
        self.settle()

    def heading(self) -> str:
        """What is selected, as the panel calls it."""
        return self.panel.locator("h2").inner_text()

    def headline(self) -> str:
        """The sentence that says how much is reached."""
        return self.panel.locator(".headline").inner_text()

    def listed(self, section: str) -> set[str]:
        """The places that a section of the panel links to: ids of nodes, or of columns if it has columns."""
        found = self.panel.locator(f"[data-section='{section}']")
        if more := found.get_by_role("button", name="Show all").all():
            more[0].click()
        links = found.locator("a:not(.model)").all()
        return {(link.get_attribute("data-link") or "").lower() for link in links}

    def rows(self) -> dict[tuple[str, str], str | None]:
        """The columns on screen, and how each is lit: selected, direct, indirect or not at all."""
        return {(model, column): how for model, column, how in self.page.evaluate(_LIT)}

    def lit(self) -> dict[tuple[str, str], str]:
        """The columns on screen that are lit."""
        return {place: how for place, how in self.rows().items() if how}

    def row(self, model: str, column: str) -> Locator:
        """A column in its box on the stage."""
        box = self.page.locator(".box").filter(has=self.page.locator(f".head[title='{model}']"))
        return box.locator(".col").filter(has=self.page.get_by_text(column, exact=True))

    def focused(self) -> str:
        """The text of what has the keyboard's focus: its first line."""
        return self.page.evaluate("document.activeElement.querySelector('.name')?.textContent ?? ''")

    def camera(self) -> tuple[float, float, float]:
        """Scale, and where the stage's origin is on screen."""
        scale, x, y = self.page.evaluate(_CAMERA)
        return scale, x, y

    def contrasts(self) -> list[tuple[float, str]]:
        """Contrast of each visible text with its background, worst first."""
        return [(ratio, text) for ratio, text in self.page.evaluate(_CONTRASTS)]

    def count_frames(self) -> None:
        """Start to note the milliseconds between frames."""
        self.page.evaluate(_COUNT_FRAMES)

    def frames(self) -> list[float]:
        """Milliseconds between frames since `count_frames`, shortest first."""
        return sorted(self.page.evaluate("window.between"))

    def expect_selected(self, name: str) -> None:
        """The panel and the address agree on what is selected."""
        expect(self.panel.locator("h2")).to_have_text(name)


def load(folder: Path) -> Loaded:
    """The lineage of a project, read as the page's was."""
    project = Project(folder)
    try:
        return load_lineage(project)
    finally:
        project.release()


def check_column(reader: Reader, loaded: Loaded, node: str, column: str) -> None:
    """The panel lists what the graph says of the selected column, and counts like `smelt impact`."""

    def ids(places: frozenset[tuple[str, str]]) -> set[str]:
        # The page has no row for the columns of a table that nobody knows.
        return {f"{n}.{c}".lower() for n, c in places if c != "*"}

    up = loaded.graph.upstream([(node, column)])
    down = loaded.graph.downstream([(node, column)])
    impact = find_impact(loaded, [(node, column)])
    assert reader.listed("up-direct") == ids(up.direct)
    assert reader.listed("up-indirect") == ids(up.indirect)
    assert reader.listed("down-direct") == ids(down.direct)
    assert reader.listed("down-indirect") == ids(down.indirect)
    assert reader.listed("up-possible") == {n.lower() for n in up.possible}
    assert reader.listed("down-possible") == {
        *(n.lower() for n in down.possible),
        *(exposure.id.lower() for exposure in impact.exposures),
    }
    using = sum(model.id.startswith(("model.", "snapshot.")) for model in impact.models)
    total = impact.downstream_models
    noun = "downstream model" if total == 1 else "downstream models"
    assert reader.headline() == f"{using} of {total} {noun} use this column"


@contextmanager
def reading(browser: Browser, url: str, width: int, height: int) -> Iterator[Reader]:
    """A reader of the page in a window of this size; nothing may go wrong while they read."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(10_000)
    reader = Reader(context.new_page())
    reader.open(url)
    yield reader
    context.close()
    assert reader.troubles == []
