"""smelt.toml: bad input gives one message with the place and the fix; secrets are references and stay hidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings, mask, resolve


def _project(folder: Path, toml: str) -> Path:
    (folder / "smelt.toml").write_text(toml)
    return folder


def test_everything_has_a_default(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert settings.lake_root == str(tmp_path / "lake")
    assert settings.ledger_url == f"sqlite:///{tmp_path}/lake/ledger.db"


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _project(tmp_path, '[lake]\nroot = "here"\n[openlineage]\nnamespace = "mine"\n')
    monkeypatch.setenv("SMELT_LAKE__ROOT", "/elsewhere")
    settings = load_settings(tmp_path)
    assert settings.lake_root == "/elsewhere"
    assert settings.openlineage.namespace == "mine"


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("[lake\nroot = 1", "line 1"),
        ('[lake]\nroof = "x"', "lake.roof: unknown setting"),
        ('[connections.shop]\ntype = "oracle"', "connections.shop.type"),
        ("[retention]\nbronze_days = -1", "retention.bronze_days"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, toml: str, named: str) -> None:
    with pytest.raises(SmeltError) as caught:
        load_settings(_project(tmp_path, toml))
    assert named in caught.value.message
    assert "smelt.toml" in caught.value.message
    assert caught.value.hint


def test_an_unknown_connection_lists_the_known_ones(tmp_path: Path) -> None:
    settings = load_settings(_project(tmp_path, '[connections.a]\ntype = "files"\nurl = "x"\n'))
    with pytest.raises(SmeltError, match="known: a"):
        settings.connection("b")


def test_references_are_resolved_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DSN", "postgresql://me:hush@db/shop")
    (tmp_path / "secret").write_text("from a file\n")
    assert resolve("env:SHOP_DSN", tmp_path, "x") == "postgresql://me:hush@db/shop"
    assert resolve("file:secret", tmp_path, "x") == "from a file"
    assert resolve("plain", tmp_path, "x") == "plain"


@pytest.mark.parametrize("reference", ["env:SMELT_TEST_NOT_SET", "file:missing"])
def test_a_dangling_reference_says_what_to_do(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SmeltError) as caught:
        resolve(reference, tmp_path, "connections.shop.dsn")
    assert "connections.shop.dsn" in str(caught.value)
    assert caught.value.hint


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=6, max_size=30))
def test_a_resolved_secret_never_shows(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    folder = tmp_path_factory.mktemp("secret")
    (folder / "token").write_text(secret)
    resolve("file:token", folder, "x")
    assert f"<{secret}>" not in mask(f"could not log in with <{secret}>")


def test_passwords_in_urls_and_pairs_are_masked() -> None:
    text = mask("postgresql://me:hush-hush@db/shop failed; password=hunter22 token: abcdef")
    assert "hush-hush" not in text
    assert "hunter22" not in text
    assert "abcdef" not in text
    assert "postgresql://me:****@db/shop" in text
