"""The lineage page of a thousand models stays usable. Bounds are loose: they tell usable from unusable."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from statistics import median

import pytest
from conftest import LineagePage, write_page
from page_reader import Reader, check_column, load, reading
from playwright.sync_api import Browser, expect

from bench.lineage import compile_project
from plugins.lineage import Loaded

pytestmark = pytest.mark.full

MODELS = 1_000


@pytest.fixture(scope="module")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> LineagePage:
    folder = tmp_path_factory.mktemp("large")
    compile_project(folder / "project", MODELS, with_catalog=False)
    return write_page(folder / "project", folder / "lineage.html")


@pytest.fixture(scope="module")
def loaded(large_page: LineagePage) -> Loaded:
    return load(large_page.folder)


@pytest.fixture
def reader(browser: Browser, large_page: LineagePage) -> Iterator[Reader]:
    with reading(browser, large_page.url, 1440, 900) as reader:
        yield reader


def _seconds(since: float) -> float:
    return time.perf_counter() - since


def test_it_opens(reader: Reader, large_page: LineagePage) -> None:
    begun = time.perf_counter()
    reader.open(large_page.url)
    opened = _seconds(begun)
    print(f"opened in {opened:.2f} s, {large_page.file.stat().st_size / 1e6:.2f} MB")
    assert opened < 10
    expect(reader.page.locator("#counts")).to_contain_text("1,100 tables")
    expect(reader.page.locator("#minimap-label")).to_have_text("All 1,120 nodes")
    # What is off screen is not in the document, or it would be slow.
    assert reader.page.locator("*").count() < 1_000


def test_search_responds(reader: Reader) -> None:
    begun = time.perf_counter()
    found = reader.search("amount")
    searched = _seconds(begun)
    print(f"searched in {searched:.2f} s")
    assert searched < 3
    assert {title.rpartition(".")[2] for title in found} == {"amount"}
    assert len(found) < 60  # only the rows that are on screen
    reader.page.locator("#results-scroll").evaluate("(list) => (list.scrollTop = list.scrollHeight)")
    reader.settle()
    last = reader.results.last
    expect(last).to_be_visible()
    last.click()
    reader.settle()
    assert reader.heading().endswith(".amount")


def test_a_column_lights_its_path(reader: Reader, loaded: Loaded) -> None:
    reader.choose("stg_raw__3.amount")
    begun = time.perf_counter()
    reader.choose("stg_raw__0.id")
    selected = _seconds(begun)
    print(f"searched and selected in {selected:.2f} s")
    assert selected < 5
    reader.page.get_by_role("button", name="Path").click()
    for _ in range(20):
        reader.press("-")
        if reader.camera()[0] < 0.5:
            break
    graph = loaded.graph
    start = ("model.generated.stg_raw__0", "id")
    up, down = graph.upstream([start]), graph.downstream([start])
    names = {node: resource.name for node, resource in loaded.manifest.resources.items()}
    expected = {(names[n], c): "direct" for n, c in up.direct | down.direct} | {
        (names[start[0]], "id"): "selected"
    }
    shown = reader.lit()
    direct = {place: how for place, how in shown.items() if how != "indirect"}
    assert direct.items() <= expected.items()
    assert len(direct) > 20
    assert {how for place, how in shown.items() if place not in expected} <= {"indirect"}


def test_columns_are_told_as_the_graph_has_them(reader: Reader, large_page: LineagePage, loaded: Loaded) -> None:
    places = [(node, column) for node in loaded.graph.nodes.values() for column in node.columns]
    for node, column in random.Random(1).sample(places, 25):
        name = f"{loaded.manifest.resources[node.id].name}.{node.columns[column]}"
        reader.open(large_page.url, f"#{name}")
        assert reader.heading() == name
        check_column(reader, loaded, node.id, column)


@pytest.mark.parametrize("place", ["", "#stg_raw__0.id"])
def test_panning_and_zooming_keep_up(reader: Reader, large_page: LineagePage, place: str) -> None:
    reader.open(large_page.url, place)
    reader.page.get_by_role("button", name="All", exact=True).click()
    reader.settle()
    reader.page.get_by_role("button", name="Fit").click()
    reader.settle()
    mouse = reader.page.mouse
    mouse.move(700, 100)
    # From far enough away not to come to the nearest that it gets.
    for _ in range(6):
        mouse.wheel(0, 120)
        reader.settle()
    reader.count_frames()
    before = reader.camera()
    for _ in range(10):
        mouse.wheel(0, -120)
        reader.settle()
    zoomed = reader.camera()
    mouse.down()
    mouse.move(300, 400, steps=30)
    mouse.up()
    reader.settle()
    panned = reader.camera()
    for _ in range(10):
        mouse.wheel(0, 120)
        reader.settle()
    frames = reader.frames()
    print(f"{len(frames)} frames, median {median(frames):.0f} ms, worst {frames[-1]:.0f} ms")
    assert zoomed[0] > before[0] * 3
    assert panned == pytest.approx((zoomed[0], zoomed[1] - 400, zoomed[2] + 300), abs=0.01)
    assert reader.camera()[0] == pytest.approx(before[0])
    assert median(frames) < 500


def test_everything_around_one_model_is_on_stage(reader: Reader) -> None:
    reader.choose("stg_raw__0")
    label = reader.page.locator("#minimap-label")
    shown = []
    for depth in ("1", "2", "3", "All"):
        reader.page.get_by_role("button", name=depth, exact=True).click()
        reader.settle()
        shown.append(label.inner_text())
    assert len(set(shown)) >= 3
    assert shown[-1] == "All 1,120 nodes"
