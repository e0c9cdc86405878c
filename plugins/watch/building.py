"""`python -m plugins.watch.building TARGET FD`: builds when told to; answers are lines of JSON to the descriptor.

A process of its own, so that a build's memory and crashes are its own; one for many builds, because importing dbt
takes longer than a small build. As in `smelt run`, sources that changed are proposed, and held back where models
would break.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings, mask


def main() -> None:
    """Build once for each line that comes in."""
    target = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with os.fdopen(int(sys.argv[2]), "w") as answers:
        for _ in sys.stdin:
            answers.write(json.dumps(_built(target)) + "\n")
            answers.flush()


def _built(target: str | None) -> dict[str, Any]:
    """What became of one build: `run_id`, or `error` and perhaps `hint`; `news` of sources that changed."""
    from plugins.build import build
    from plugins.core.project import Project
    from plugins.run import look_for_drift

    settings = load_settings()
    try:
        watched = look_for_drift(settings, Project(settings.project_dir, target))
        news = [mask(item.text) for item in watched.news]
        result = build(settings, target=target, is_followed=True)
    except SmeltError as error:
        return {"error": mask(error.message), "hint": mask(error.hint) if error.hint else None}
    if result.failures:
        failure = result.failures[0]
        told = mask(f"{failure.what}: {failure.message}")
        return {"error": told, "hint": "`smelt build` shows all of it", "news": news}
    return {"run_id": result.run_id, "news": news}


if __name__ == "__main__":
    main()
