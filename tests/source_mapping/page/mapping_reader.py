"""Somebody who reviews a mapping in Debian's chromium: what they press and see, and everything that went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, expect, sync_playwright

_TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

# Contrast of each visible text with what is behind it (WCAG 2.2, relative luminance), worst first.
_CONTRASTS = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext(
    "2d", { willReadFrequently: true });
  const parse = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, alpha], under) => [r, g, b].map((v, n) => v * alpha + under[n] * (1 - alpha));
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (!text || !holder.checkVisibility()) continue;
    if (holder.closest("script, style, noscript, .sr, .skip, :disabled")) continue;
    const styles = [];
    for (let at = holder; at; at = at.parentElement) styles.unshift(getComputedStyle(at));
    const behind = styles.reduce((under, style) => over(parse(style.backgroundColor), under), [255, 255, 255]);
    const opacity = styles.reduce((product, style) => product * Number(style.opacity), 1);
    const [r, g, b, alpha] = parse(styles.at(-1).color);
    const both = [luminance(over([r, g, b, alpha * opacity], behind)), luminance(behind)].sort((x, y) => y - x);
    found.push([(both[0] + 0.05) / (both[1] + 0.05), text]);
  }
  return found.sort((x, y) => x[0] - y[0]);
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


class MappingReader:
    """One tab. `troubles` are errors, dialogs, and requests to anything but the page's own server."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.troubles: list[str] = []
        self.dialogs: list[str] = []
        self._home = ""
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("dialog", self._note_dialog)
        page.on("console", lambda message: self.troubles.append(f"console {message.type}: {message.text}"))
        page.on("request", lambda request: self._note_request(request.url))
        self.detail = page.locator("#detail")
        self.notice = page.locator("#notice")
        self.progress = page.locator("#progress")
        self.picker = page.locator(".picker")

    def _note_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            self.dialogs.append(dialog.type)
            dialog.accept()
            return
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, url: str) -> None:
        if not url.startswith((self._home, "blob:")):
            self.troubles.append(f"request: {url}")

    def open(self, url: str) -> None:
        """Load the page."""
        self._home = url
        self.page.goto(url)
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.page.evaluate(_TWO_FRAMES)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def type(self, text: str) -> None:
        """Type letter by letter into what has the focus."""
        self.page.keyboard.type(text)
        self.settle()

    def save(self) -> None:
        """Press s, and wait for the server's answer."""
        with self.page.expect_response("**/save") as answer:
            self.press("s")
        answer.value.finished()
        self.settle()

    def cursor(self) -> str:
        """What the details are about: `entity.target`, `stream → entity`, `stream.column`."""
        return self.detail.locator("h2").inner_text()

    def go_to(self, heading: str) -> None:
        """Walk down with j from the top until the details are about it."""
        self.press("g")
        for _ in range(60):
            if self.cursor() == heading:
                return
            self.press("j")
        raise AssertionError(f"{heading} is not in the list")

    def rows(self) -> list[str]:
        """The texts of the rows that are drawn, their lines joined."""
        return [" | ".join(row.inner_text().split("\n")) for row in self.page.locator(".row").all()]

    def chips(self) -> dict[str, str]:
        """How the target columns stand that are drawn, by name."""
        drawn = self.page.locator(".row.column").all()
        return {row.locator(".name").first.inner_text(): row.locator(".chip").inner_text() for row in drawn}

    def options(self) -> Locator:
        """What the editor offers."""
        return self.picker.get_by_role("option")

    def worst_contrast(self) -> tuple[float, str]:
        """The text that is hardest to read, and its contrast."""
        ratio, text = self.page.evaluate(_CONTRASTS)[0]
        return ratio, text


@contextmanager
def reviewing(
    browser: Browser, url: str, *, scheme: str = "light", width: int = 1440, height: int = 900, wrong: int = 0
) -> Iterator[MappingReader]:
    """A reader of the page; at the end nothing may have gone wrong, but `wrong` answers that the console tells."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    with tab(context) as reader:
        reader.open(url)
        yield reader
        told = [trouble for trouble in reader.troubles if "Failed to load resource" in trouble]
        assert len(told) == wrong
        assert [trouble for trouble in reader.troubles if trouble not in told] == []
    context.close()


@contextmanager
def tab(context: BrowserContext) -> Iterator[MappingReader]:
    """A tab in a browser that keeps what its tabs stored."""
    context.set_default_timeout(10_000)
    page = context.new_page()
    yield MappingReader(page)
    page.close()


__all__ = ["MappingReader", "expect", "open_browser", "reviewing", "tab"]
