"""The matchers of PyPI's `valentine` (Koutras et al., ICDE 2021) on our cases, in an environment of their own.

Their pins and ours exclude each other; so they are installed under .venv and run as a process, on the same files.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.mapping.cases import Case, archive

PEERS = (
    "Coma schema", "Coma instances", "Cupid", "SimilarityFlooding", "JaccardDistance", "DistributionBased"
)  # fmt: skip
# The newest that runs on Python 3.11; it has COMA 3.0 in Python.
_RELEASE = "valentine==1.0.1"
_ENVIRONMENT = Path(".venv/peers-valentine")
ROWS = 500
# A case that takes longer counts as not done.
SECONDS = 45


@dataclass(frozen=True)
class Answer:
    """scores: shape (source columns, target columns), 0 where the peer says nothing; None: it failed, and why."""

    scores: NDArray[np.float32] | None
    seconds: float = 0.0
    failed: str = ""


def answers(peer: str, cases: Sequence[Case]) -> Mapping[tuple[str, str], Answer]:
    """A peer's scores by benchmark and case. Raises RuntimeError if it can't be installed or started."""
    worker = Path(__file__).with_name("peers_worker.py")
    command = [str(_python()), str(worker), str(archive()), peer, str(ROWS), str(SECONDS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{peer}: {ran.stderr.strip()[-500:]}")
    said = {one["case"]: one for one in map(json.loads, ran.stdout.splitlines())}
    return {(case.benchmark, case.name): _answer(case, said[f"{case.benchmark}/{case.name}"]) for case in cases}


def _answer(case: Case, said: dict) -> Answer:
    if "failed" in said:
        return Answer(None, failed=said["failed"])
    ours = {column.name: place for place, column in enumerate(case.source.columns)}
    theirs = {column.name: place for place, column in enumerate(case.target.columns)}
    scores = np.zeros(case.truth.shape, dtype=np.float32)
    for source, target, score in said["scores"]:
        if source in ours and target in theirs:
            scores[ours[source], theirs[target]] = score
    return Answer(scores, said["seconds"])


def _python() -> Path:
    """The interpreter of the peers' environment, which is made if there is none."""
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        uv = shutil.which("uv") or ".uv/bin/uv"
        for command in (
            [uv, "venv", "--quiet", "--python", sys.executable, str(_ENVIRONMENT)],
            [uv, "pip", "install", "--quiet", "--python", str(python), _RELEASE],
        ):
            try:
                subprocess.run(command, check=True, capture_output=True, text=True)
            except (OSError, subprocess.CalledProcessError) as error:
                shutil.rmtree(_ENVIRONMENT, ignore_errors=True)
                raise RuntimeError(f"{_RELEASE} can't be installed: {getattr(error, 'stderr', error)}") from error
    return python
