"""Named places where a test can kill the process, to prove that nothing is lost there.

`SMELT_FAILPOINT=name` sends SIGKILL to this process the first time `reach(name)` is called;
`SMELT_FAILPOINT=name:3` the third time. `SMELT_FAILPOINT_HIT=FILE` gets the name first,
so that a test can tell a kill at the failpoint from any other death.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

_reached: Counter[str] = Counter()


def reach(name: str) -> None:
    """Die here if the environment asks for it; otherwise do nothing."""
    wanted = os.environ.get("SMELT_FAILPOINT")
    if not wanted:
        return
    wanted_name, _, nth = wanted.partition(":")
    if wanted_name != name:
        return
    _reached[name] += 1
    if _reached[name] < int(nth or 1):
        return
    if marker := os.environ.get("SMELT_FAILPOINT_HIT"):
        Path(marker).write_text(name)
    os.kill(os.getpid(), signal.SIGKILL)
