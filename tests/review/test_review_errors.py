"""What `smelt review` says when it can't do its work: one message, what to do, and no stack trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from dbt_shop import Shop

ORDERS = "models/marts/orders.sql"


def _fails(run: subprocess.CompletedProcess[str], *said: str) -> None:
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    for text in said:
        assert text in run.stderr.replace("\n", " "), run.stderr


@pytest.fixture
def edited(shop: Shop) -> Shop:
    shop.edit(ORDERS, "o.amount,", "o.amount * 2 as amount,")
    shop.commit()
    return shop


def test_a_branch_that_does_not_exist(shop: Shop) -> None:
    _fails(shop.smelt("review", "--base", "mian"), "no branch, tag or commit 'mian'", "main")


def test_a_project_that_does_not_compile(shop: Shop) -> None:
    shop.edit(ORDERS, "ref('stg_orders')", "ref('stg_ordres')")
    shop.commit()
    _fails(shop.smelt("review", "--base", "main"), "stg_ordres")


@pytest.mark.full
def test_an_unmerged_index(edited: Shop) -> None:
    edited.git("switch", "-q", "main")
    edited.edit(ORDERS, "o.amount,", "o.amount * 3 as amount,")
    edited.commit()
    with pytest.raises(subprocess.CalledProcessError):
        edited.git("merge", "feature")
    _fails(edited.smelt("review", "--base", "main"), "merge", "orders.sql", "--abort")


@pytest.mark.full
def test_a_shallow_clone(edited: Shop, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    edited.git("clone", "-q", "--depth", "1", "--branch", "feature", f"file://{edited.folder}", str(clone))
    _fails(edited.smelt("review", "--base", "main", cwd=clone), "git fetch --unshallow")


@pytest.mark.full
def test_a_missing_profile(edited: Shop) -> None:
    (edited.folder / "profiles.yml").unlink()
    _fails(edited.smelt("review", "--base", "main", HOME=str(edited.folder)), "--profiles-dir")


def test_no_repository(shop: Shop, tmp_path: Path) -> None:
    _fails(shop.smelt("review", "--base", "main", cwd=tmp_path), "is not in a git repository")


def test_a_database_that_is_being_written(edited: Shop) -> None:
    with duckdb.connect(str(edited.folder / "shop.duckdb")):
        _fails(edited.smelt("review", "--base", "main"), "another program is writing", "again")


def test_an_unknown_way_to_fail(shop: Shop) -> None:
    _fails(shop.smelt("review", "--base", "main", "--fail-on", "always"), "not-checked")


@pytest.mark.full
def test_no_production_says_how_to_make_it(edited: Shop) -> None:
    (edited.folder / "shop.duckdb").unlink()
    run = edited.smelt("review", "--base", "main", "--max-not-checked", "0.5")
    _fails(run, "was not checked")
    assert "dbt build" in run.stdout


def test_nothing_to_review(shop: Shop) -> None:
    run = shop.smelt("review", "--base", "main")
    assert run.returncode == 0
    assert "Nothing in the dbt project differs" in run.stdout


def test_an_unknown_target(edited: Shop) -> None:
    _fails(edited.smelt("review", "--base", "main", "--target", "nowhere"), "nowhere", "dev", "--profiles-dir")


@pytest.mark.full
def test_a_model_that_is_not_utf_8(shop: Shop) -> None:
    (shop.folder / "models" / "marts" / "latin.sql").write_bytes("select 'café' as c".encode("latin-1"))
    shop.commit()
    _fails(
        shop.smelt("review", "--base", "main"), "head (", "models/marts/latin.sql is not UTF-8", "text in UTF-8"
    )


@pytest.mark.full
def test_sql_that_cannot_run_fails_the_review_and_not_the_command(shop: Shop) -> None:
    shop.edit(ORDERS, "o.amount,", "o.amount + as amount,")
    shop.commit()
    review = shop.json("review", "--base", "main")
    (broken,) = [f for f in review["findings"] if f["outcome"] == "failed"]
    assert (broken["kind"], broken["subject"]) == ("compile", "orders")
    assert "syntax error" in broken["detail"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_review_that_is_ended_leaves_nothing(edited: Shop, tmp_path: Path, number: int, code: int) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [str(Path(sys.executable).with_name("smelt")), "review", "--base", "main"]
    run = subprocess.Popen(
        command,
        cwd=edited.folder,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores SIGINT, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(scratch.glob("*/head/repository")):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(number)
    assert "Traceback" not in run.communicate()[1]
    assert run.returncode == code
    assert list(scratch.iterdir()) == []
    assert len(edited.git("worktree", "list").splitlines()) == 1
