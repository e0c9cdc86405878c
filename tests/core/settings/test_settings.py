"""smelt.toml: bad input gives one message with the place and the fix; secrets are references and stay hidden."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.core.errors import SmeltError
from plugins.core.ledger import Ledger
from plugins.core.settings import load_settings, mask, resolve


def _project(folder: Path, toml: str) -> Path:
    (folder / "smelt.toml").write_text(toml)
    return folder


def test_everything_has_a_default(tmp_path: Path) -> None:
    settings = load_settings(_project(tmp_path, ""))
    assert settings.lake_root == str(tmp_path / "lake")
    assert settings.ledger_url == f"sqlite:///{tmp_path}/lake/ledger.db"


def test_project_without_smelt_toml_keeps_its_state_in_one_folder_that_git_does_not_see(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    Ledger(load_settings(tmp_path)).append("run_events", [{"kind": "review", "event": "start"}])
    assert [path.name for path in tmp_path.iterdir() if path.name != ".git"] == [".smelt"]
    assert (tmp_path / ".smelt" / "ledger.db").is_file()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True)
    assert status.stdout == b""


def test_project_with_smelt_toml_gets_no_gitignore_in_its_lake(tmp_path: Path) -> None:
    assert list(load_settings(_project(tmp_path, "")).make_local_root().iterdir()) == []


def test_environment_wins_without_smelt_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMELT_LAKE__ROOT", str(tmp_path / "elsewhere"))
    assert load_settings(tmp_path).lake_root == str(tmp_path / "elsewhere")


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
        ('[forge]\ntoken = "ghp_abcdef"', "a token is a reference"),
        ('[forge]\ncommitter = "nobody"', "forge.committer"),
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
