"""The lineage page as a person uses it, in Debian's chromium: search, select, follow a path, share a link."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import BREAKOUT, LINES, MODEL, SLOTS, SOURCE, TABLE, LineagePage
from page_reader import Reader, check_column, load, reading
from playwright.sync_api import Browser, expect

from plugins.lineage import Loaded

pytestmark = pytest.mark.full

# Made from one source column; then its value flows on, and nothing is decided by it.
AMOUNT_PATH = {
    ("raw.orders", "cents"): "direct",
    ("stg_orders", "amount"): "selected",
    ("orders", "amount"): "direct",
    ("revenue_by_country", "revenue"): "direct",
    ("revenue_by_region", "revenue"): "direct",
}
# In no model below is it a value; it decides which rows there are, as keys of a join do for itself.
STATUS_VALUES = {
    ("raw.orders", "status"): "direct",
    ("stg_orders", "status"): "direct",
    ("orders", "status"): "selected",
}
STATUS_PATH = {
    **STATUS_VALUES,
    ("stg_orders", "customer_id"): "indirect",
    ("stg_customers", "customer_id"): "indirect",
    ("open_orders", "order_id"): "indirect",
    ("revenue_by_country", "country"): "indirect",
    ("revenue_by_country", "revenue"): "indirect",
    ("revenue_by_region", "region"): "indirect",
    ("revenue_by_region", "revenue"): "indirect",
}


@pytest.fixture
def reader(browser: Browser, shop_page: LineagePage) -> Iterator[Reader]:
    """The shop's page, in a window that has room for all of it."""
    with reading(browser, shop_page.url, 2600, 1400) as reader:
        yield reader


@pytest.fixture(scope="module")
def loaded(shop_page: LineagePage) -> Loaded:
    return load(shop_page.folder)


def test_the_page_opens_with_every_model_and_column(reader: Reader) -> None:
    expect(reader.page).to_have_title("shop · column lineage")
    expect(reader.page.locator(".box")).to_have_count(15)
    assert reader.lit() == {}
    assert ("orders", "country") in reader.rows()
    assert "not read" in reader.page.locator("#counts").inner_text()
    assert "open_order_count" in reader.panel.inner_text()


def test_search_finds_models_and_columns(reader: Reader) -> None:
    assert reader.search("revenue") == [
        "revenue_by_country.revenue",
        "revenue_by_region.revenue",
        "revenue_by_country",
        "revenue_by_region",
    ]
    assert reader.search("ORDERS.am") == ["orders.amount", "stg_orders.amount"]
    assert reader.search("no such thing") == []
    expect(reader.page.locator("#found")).to_have_text("Nothing is named like this")


def test_a_click_on_what_was_found_selects_it(reader: Reader) -> None:
    reader.choose("orders")
    assert reader.heading() == "orders"
    assert reader.headline() == "4 nodes above, 6 nodes below"
    reader.choose("orders.amount")
    assert reader.heading() == "orders.amount"


def test_a_column_lights_its_path_and_no_other(reader: Reader) -> None:
    reader.row("stg_orders", "amount").click()
    reader.settle()
    assert reader.heading() == "stg_orders.amount"
    assert reader.lit() == AMOUNT_PATH
    assert len(reader.rows()) > 30  # all others are on screen, and not lit
    assert reader.headline() == "4 of 6 downstream models use this column"


def test_without_indirect_only_values_are_followed(reader: Reader) -> None:
    reader.row("orders", "status").click()
    reader.settle()
    assert reader.lit() == STATUS_PATH
    assert reader.headline() == "4 of 5 downstream models use this column"
    indirect = reader.page.get_by_role("button", name="Indirect")
    indirect.click()
    reader.settle()
    expect(indirect).to_have_attribute("aria-pressed", "false")
    assert reader.lit() == STATUS_VALUES
    assert reader.headline() == "1 of 5 downstream models use its values"
    indirect.click()
    reader.settle()
    assert reader.lit() == STATUS_PATH


def test_every_column_is_told_as_the_graph_has_it(reader: Reader, shop_page: LineagePage, loaded: Loaded) -> None:
    for node in loaded.graph.nodes.values():
        for column in node.columns:
            place = f"{loaded.manifest.resources[node.id].name}.{node.columns[column]}"
            reader.choose(place)
            assert reader.heading() == place
            check_column(reader, loaded, node.id, column)


def test_a_path_is_drawn_between_its_columns(reader: Reader) -> None:
    accent = """() => {
      const canvas = document.getElementById("edges");
      const { width, height } = canvas;
      const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      let count = 0; // of pixels in #3b52d9, the colour of identity
      for (let n = 0; n < data.length; n += 4) {
        if (data[n] === 0x3b && data[n + 1] === 0x52 && data[n + 2] === 0xd9) count += 1;
      }
      return count;
    }"""
    assert reader.page.evaluate(accent) == 0
    reader.row("stg_orders", "amount").click()
    reader.settle()
    assert reader.page.evaluate(accent) > 100


def test_links_in_the_panel_lead_on(reader: Reader) -> None:
    reader.choose("stg_orders.amount")
    reader.panel.get_by_role("link", name="cents").click()
    reader.expect_selected("raw.orders.cents")
    reader.page.go_back()
    reader.expect_selected("stg_orders.amount")


def test_the_address_brings_a_selection_back(reader: Reader, shop_page: LineagePage) -> None:
    reader.choose("stg_orders.amount")
    assert reader.page.url == f"{shop_page.url}#stg_orders.amount"
    reader.page.reload()
    reader.settle()
    assert reader.heading() == "stg_orders.amount"
    assert reader.lit() == AMOUNT_PATH
    reader.open(shop_page.url, "#orders")
    assert reader.heading() == "orders"
    reader.press("Escape")
    assert reader.page.url == shop_page.url
    reader.open(shop_page.url, "#raw.orders.cents")
    assert reader.heading() == "raw.orders.cents"


def test_the_way_back_leads_through_what_was_selected(reader: Reader) -> None:
    for place in ("orders", "orders.amount", "stg_orders"):
        reader.choose(place)
    reader.page.go_back()
    reader.expect_selected("orders.amount")
    reader.page.go_back()
    reader.expect_selected("orders")
    reader.page.go_back()
    reader.expect_selected("shop")
    reader.page.go_forward()
    reader.expect_selected("orders")


def test_search_by_keyboard(reader: Reader) -> None:
    reader.press("/")
    expect(reader.search_box).to_be_focused()
    reader.page.keyboard.type("revenue")
    reader.press("ArrowDown", "ArrowDown", "ArrowUp")
    expect(reader.page.locator(".result.active")).to_have_attribute("title", "revenue_by_region.revenue")
    reader.press("Enter")
    assert reader.heading() == "revenue_by_region.revenue"
    reader.press("Escape")
    expect(reader.search_box).to_have_value("")
    reader.press("Escape")
    expect(reader.search_box).not_to_be_focused()
    assert reader.heading() == "revenue_by_region.revenue"
    reader.press("Escape")
    assert reader.heading() == "revenue_by_region"
    reader.press("Escape")
    assert reader.heading() == "shop"
    assert reader.lit() == {}


def test_arrows_follow_the_path(reader: Reader) -> None:
    reader.row("stg_orders", "amount").focus()
    reader.press("Enter")
    assert reader.heading() == "stg_orders.amount"
    assert reader.focused() == "amount"
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowUp"):
        reader.press(key)
        walked.append(reader.focused())
    assert walked == ["amount", "revenue", "amount", "amount", "cents", "status", "cents"]
    reader.press("Enter")
    assert reader.heading() == "raw.orders.cents"
    assert reader.focused() == "cents"


def test_the_stage_is_reached_by_tab(reader: Reader) -> None:
    reader.press("/")
    for _ in range(4):
        reader.press("Tab")
        if reader.page.evaluate("document.activeElement.closest('#world') !== null"):
            break
    assert reader.page.evaluate("document.activeElement.matches('#world button')")


def test_zoom_and_pan(reader: Reader) -> None:
    scale, *_ = reader.camera()
    reader.press("+", "+")
    assert reader.camera()[0] == pytest.approx(scale * 1.25**2)
    reader.press("-")
    assert reader.camera()[0] == pytest.approx(scale * 1.25)
    reader.press("0")
    _, x, y = reader.camera()
    assert reader.camera()[0] == pytest.approx(scale)
    reader.page.mouse.move(500, 1200)
    reader.page.mouse.down()
    reader.page.mouse.move(560, 1180, steps=3)
    reader.page.mouse.up()
    reader.settle()
    assert reader.camera() == pytest.approx((scale, x + 60, y - 20), abs=0.01)
    reader.page.mouse.wheel(0, -200)
    reader.settle()
    assert reader.camera()[0] > scale
    assert reader.heading() == "shop"


def test_dragging_on_a_column_does_not_select_it(reader: Reader) -> None:
    box = reader.row("orders", "amount").bounding_box()
    assert box
    reader.page.mouse.move(box["x"] + 20, box["y"] + 10)
    reader.page.mouse.down()
    reader.page.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    reader.page.mouse.up()
    reader.settle()
    assert reader.heading() == "shop"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", "#orders.status", "#stg_orders.amount", "#open_order_count", "#nobody"])
def test_everything_is_legible(reader: Reader, shop_page: LineagePage, scheme: str, place: str) -> None:
    reader.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    reader.open(shop_page.url, place)
    background = reader.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(14, 16, 22)") == (scheme == "dark")
    assert [(round(ratio, 2), text) for ratio, text in reader.contrasts() if ratio < 4.5] == []


def test_hostile_names_are_shown_as_text(reader: Reader, shop_page: LineagePage) -> None:
    reader.choose("reader")
    assert f"{BREAKOUT} {SLOTS} one" in reader.panel.locator(".description").inner_text()
    assert reader.panel.locator(".description").text_content() == f"{BREAKOUT} {SLOTS} {LINES}"
    assert "models/<svg onload=alert(4)>/reader.sql" in reader.panel.inner_text()
    reader.choose("reader.copied")
    assert f"{SLOTS} {BREAKOUT}" in reader.panel.inner_text()
    reader.panel.get_by_role("link", name=BREAKOUT).click()
    reader.expect_selected(f"{MODEL}.{BREAKOUT}")
    assert reader.lit() == {(MODEL, BREAKOUT): "selected", ("reader", "copied"): "direct"}
    reader.page.reload()
    reader.expect_selected(f"{MODEL}.{BREAKOUT}")
    reader.choose(f"{MODEL}.dots.and#hash%25")
    reader.page.reload()
    reader.expect_selected(f"{MODEL}.dots.and#hash%25")
    reader.choose(f"{SOURCE}.{TABLE}")
    reader.page.reload()
    reader.expect_selected(f"{SOURCE}.{TABLE}")
    assert reader.page.locator("img, svg, iframe, b, script:not([id]) ~ script").count() == 0


def test_a_hostile_address_is_shown_as_text(reader: Reader, shop_page: LineagePage) -> None:
    for hash in ("<img src=x onerror=alert(5)>", "%3Cimg src=x onerror=alert(6)%3E", "%", "%FF", "__proto__", "."):
        reader.open(shop_page.url, f"#{hash}")
        expect(reader.panel.locator(".notice").first).to_contain_text("Nothing here is named")
        assert reader.page.locator("img").count() == 0


def test_the_browser_holds_the_page_to_its_policy(browser: Browser, shop_page: LineagePage) -> None:
    page = browser.new_page()
    page.goto(shop_page.url)
    page.evaluate("""() => {
      const script = Object.assign(document.createElement("script"), { textContent: "window.ran = true" });
      const style = Object.assign(document.createElement("style"), { textContent: "body { opacity: 0.5 }" });
      document.body.append(script, style);
      document.body.insertAdjacentHTML("beforeend", "<b onclick='window.ran = true'>b</b>");
      document.querySelector("b").click();
    }""")
    assert page.evaluate("window.ran ?? null") is None
    assert page.evaluate("getComputedStyle(document.body).opacity") == "1"
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    page.close()
