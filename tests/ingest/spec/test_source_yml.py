"""source.yml: every mistake is named with its line and the fix; the reference pages are current."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.spec import load_source, load_sources
from ingest.spec.reference import pages
from plugins.core.errors import SmeltError

GOOD = """\
kind: postgres
connection: shop
owner: me
streams:
  - name: orders
    primary_key: [id]
    sync_mode: incremental
    cursor: {column: updated_at, lag: PT1H}
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "shop" / "source.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_source_is_named_after_its_folder(tmp_path: Path) -> None:
    source = load_source(_write(tmp_path, GOOD))
    assert (source.name, source.identifier("orders")) == ("shop", "bronze.shop__orders")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("kind: postgres", "kind: postgras", 1, "kind"),
        ("owner: me", "ownr: me", 3, "unknown key ownr"),
        ("owner: me\n", "", 1, "owner is missing"),
        ("    primary_key: [id]", "    primary_keys: [id]", 6, "unknown key streams.0.primary_keys"),
        ("sync_mode: incremental", "sync_mode: sometimes", 7, "'full', 'incremental', 'cdc' or 'federated'"),
        ("lag: PT1H", "lag: soon", 8, "lag"),
        ("    cursor: {column: updated_at, lag: PT1H}\n", "", 5, "needs a cursor"),
        ("- name: orders", "- name: Orders!", 5, "name"),
        ("connection: shop", "connection: [shop", None, "not valid YAML"),
    ],
)
def test_mistakes_name_their_line(tmp_path: Path, old: str, new: str, line: int | None, says: str) -> None:
    path = _write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(SmeltError) as caught:
        load_source(path)
    assert says in caught.value.message
    assert caught.value.hint
    if line is not None:
        assert f"{path}:{line}:" in caught.value.message


@given(st.text(max_size=200))
def test_no_text_makes_a_stack_trace(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "source.yml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(SmeltError):
        load_source(path)


def test_a_project_without_sources_says_how_to_add_one(tmp_path: Path) -> None:
    with pytest.raises(SmeltError, match="no source"):
        load_sources(tmp_path)


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_reference_is_current(name: str) -> None:
    committed = Path(__file__).parents[3] / "docs" / "reference" / name
    assert committed.read_text() == pages()[name], "run `make reference`"
