"""The matchers of PyPI's `valentine` (Koutras et al., ICDE 2021) on our cases, in an environment of their own.

Their pins and ours exclude each other; so they are installed under .venv and run as a process, on the same files.
"""

from __future__ import annotations

import json
import os
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
# COMA leaves out stop words of values, and NLTK's list of them isn't on PyPI: English function words, for it.
_STOP_WORDS = (
    "a about above after again against all am an and any are as at be because been before being below between "
    "both but by can did do does doing down during each few for from further had has have having he her here "
    "hers herself him himself his how i if in into is it its itself just me more most my myself no nor not "
    "now of off on once only or other our ours ourselves out over own same she should so some such than that "
    "the their theirs them themselves then there these they this those through to too under until up very was "
    "we were what when where which while who whom why will with you your yours yourself yourselves"
)
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
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=_surroundings())
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


def _surroundings() -> dict[str, str]:
    """Environment variables: what NLTK downloads goes into the peers' environment, not into the user's home."""
    home = _ENVIRONMENT.resolve()
    words = home / "nltk_data" / "corpora" / "stopwords" / "english"
    words.parent.mkdir(parents=True, exist_ok=True)
    words.write_text("\n".join(_STOP_WORDS.split()) + "\n", "utf-8")
    return {**os.environ, "HOME": str(home), "NLTK_DATA": str(home / "nltk_data")}


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
