"""The token reaches the forge and git, and nothing else: no output, file, ledger row, argument or git config."""

from __future__ import annotations

import base64
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.core.errors import SmeltError
from plugins.review.forge.push import Token, split_remote
from tests.review.forge.server import TOKEN, Fault
from tests.review.forge.world import World, git

_CLI = """
import sys
import typer
from plugins.core.errors import SmeltError
from plugins.review.proposals import command
app = typer.Typer()
command.register(app)
try:
    app()
except SmeltError as error:
    sys.exit(str(error))
"""
USERS = {"github": "x-access-token", "gitlab": "oauth2"}


def _spellings(kind: str) -> list[bytes]:
    return [TOKEN.encode(), base64.b64encode(f"{USERS[kind]}:{TOKEN}".encode())]


def _leaks(world: World, *outputs: bytes) -> list[str]:
    # SQLite deletes its -wal and -shm files when the last connection is closed, which may be now.
    gc.collect()
    files = [path for path in world.checkout.parent.rglob("*") if path.is_file()]
    texts = {str(path): path.read_bytes() for path in files}
    texts |= {f"output {number}": output for number, output in enumerate(outputs)}
    return [name for name, text in texts.items() for spelling in _spellings(world.kind) if spelling in text]


def _smelt(world: World, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", _CLI, *arguments, "--project-dir", str(world.project)]
    return subprocess.run(command, check=False, capture_output=True)


def test_push_over_http_with_the_token_leaves_it_nowhere(world: World, tmp_path: Path) -> None:
    world.push_over_http()
    # A git that writes down how it was called, before the real one.
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments.log\nexec {real} "$@"\n')
    spy.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(spy.parent), prepend=":")
        patch.setenv("GIT_TRACE_CURL", str(tmp_path / "trace.log"))
        patch.setenv("GIT_CURL_VERBOSE", "1")
        patch.setenv("GIT_TRACE_REDACT", "0")
        opened = _smelt(world, "proposals", "open", world.proposal.id)
        shown = _smelt(world, "proposals", "show", world.proposal.id, "--json")
    assert opened.returncode == 0, opened.stderr
    assert world.hub.tip(world.proposal.branch) is not None
    assert "push" in (tmp_path / "arguments.log").read_text()
    assert _leaks(world, opened.stdout, opened.stderr, shown.stdout, shown.stderr) == []


@pytest.mark.parametrize("status", [422, 500])
def test_refusals_do_not_show_the_token(world: World, status: int) -> None:
    world.push_over_http()
    world.configure(wait_seconds=0.5)
    world.forge.faults.append(
        Fault("POST", r".*(pulls|merge_requests)", status=status, message=f"bad {TOKEN}", times=100)
    )
    done = _smelt(world, "proposals", "open", world.proposal.id)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert _leaks(world, done.stdout, done.stderr) == []


def test_git_that_is_refused_names_the_permission_and_not_the_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.push_over_http()
    world.forge.needs_token = False
    monkeypatch.setenv("FORGE_TOKEN", "another-token-canary")
    monkeypatch.setenv("GIT_CURL_VERBOSE", "1")
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")
    with pytest.raises(SmeltError, match="git may not write to") as raised:
        world.proposals.open(world.proposal.id)
    assert "the token needs" in (raised.value.hint or "")
    sent = base64.b64encode(f"{USERS[world.kind]}:another-token-canary".encode()).decode()
    assert "another-token-canary" not in str(raised.value)
    assert sent not in str(raised.value)


def test_credentials_in_the_remotes_url_are_not_shown(world: World) -> None:
    address = world.forge.address.removeprefix("http://")
    git(world.checkout, "remote", "set-url", "origin", f"http://ghp_secretuser@{address}/acme/nowhere.git")
    with pytest.raises(SmeltError, match="git may not write to") as raised:
        world.proposals.open(world.proposal.id)
    assert "ghp_secretuser" not in str(raised.value)
    assert f"****@{address}" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "is_sent"),
    [
        ("https://forge.example/acme/shop.git", True),
        ("https://user:old@forge.example/acme/shop.git", True),
        ("https://forge.example.evil.test/acme/shop.git", False),
        ("https://forge.example:8443/acme/shop.git", False),
        ("git@forge.example:acme/shop.git", False),
        ("ssh://git@forge.example/acme/shop.git", False),
        ("/srv/git/shop.git", False),
        ("file:///srv/git/shop.git", False),
    ],
)
def test_token_goes_to_the_forges_own_host_only(url: str, is_sent: bool) -> None:
    configuration = Token(TOKEN, "env:T", "x-access-token").for_git(url, "forge.example")
    assert bool(configuration) is is_sent
    if is_sent:
        assert configuration["credential.helper"] == ""
        assert "http.https://forge.example/.extraHeader" in configuration


def test_token_is_not_sent_in_the_clear_over_a_network() -> None:
    with pytest.raises(SmeltError, match="unencrypted"):
        Token(TOKEN, "env:T", "oauth2").for_git("http://forge.example/acme/shop.git", "forge.example")


def test_api_without_encryption_is_refused(world: World) -> None:
    settings = (world.project / "smelt.toml").read_text().replace(world.forge.address, "http://forge.example")
    (world.project / "smelt.toml").write_text(settings)
    with pytest.raises(SmeltError, match="no https:// address"):
        world.proposals.open(world.proposal.id)


def test_token_with_a_line_break_inside_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "one\r\nX-Header: two")
    with pytest.raises(SmeltError, match="is no token") as raised:
        world.proposals.open(world.proposal.id)
    assert "two" not in str(raised.value)


def test_representation_hides_the_token() -> None:
    assert TOKEN not in repr(Token(TOKEN, "env:T", "oauth2"))


@pytest.mark.parametrize(
    ("url", "split"),
    [
        ("https://github.com/acme/shop.git", ("github.com", "acme/shop")),
        ("https://token@github.com/acme/shop", ("github.com", "acme/shop")),
        ("git@github.com:acme/shop.git", ("github.com", "acme/shop")),
        ("ssh://git@gitlab.example:2222/group/sub/shop.git", ("gitlab.example:2222", "group/sub/shop")),
        ("/srv/git/shop.git", ("", "")),
        ("../shop.git", ("", "")),
        ("file:///srv/shop.git", ("", "")),
    ],
)
def test_repository_is_read_from_the_remotes_url(url: str, split: tuple[str, str]) -> None:
    assert split_remote(url) == split
