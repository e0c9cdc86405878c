"""Ctrl-C while `smelt onboard` works: one line says what is kept, and the same command goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.onboard.conftest import Smelt, environment

ONBOARD = ("onboard", "exports", "--name", "crm", "--yes")


def _heed_interrupts() -> None:
    """Tests that run in the background of a script ignore interrupts, and what they start would, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _stopped_after(folder: Path, text: str, *arguments: str) -> tuple[int, str]:
    """Exit code and output of a run that is interrupted as soon as it has printed `text`."""
    command = [sys.executable, "-u", "-m", "plugins.cli", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=environment(),
        preexec_fn=_heed_interrupts,
    ) as run:  # fmt: skip
        assert run.stdout is not None
        printed = ""
        # A question ends without a line.
        while text not in printed and (said := run.stdout.read(1)):
            printed += said
        run.send_signal(signal.SIGINT)
        printed += run.stdout.read()
    return run.returncode, printed


def test_before_anything_is_written_it_says_so(bare: Path) -> None:
    code, printed = _stopped_after(bare, "and its connection?", *ONBOARD[:-1])
    assert code != 0
    assert printed.count("Stopped") == 1
    assert "nothing was written; run the same command again" in printed
    assert "Traceback" not in printed
    assert not (bare / "sources/crm").exists()


@pytest.mark.full
def test_what_was_written_is_kept_and_the_same_command_goes_on(bare: Path, smelt: Smelt) -> None:
    code, printed = _stopped_after(bare, "3 load", *ONBOARD)
    assert code == 130
    assert "sources/crm/, its connection and each stream that was loaded are kept; run the same" in printed
    assert "Traceback" not in printed
    assert (bare / "sources/crm/source.yml").is_file()
    again = smelt(*ONBOARD, "--json")
    assert again.returncode == 0, again.stderr
    assert '"proposal": null' not in again.stdout
