"""`python -m plugins.watch.building`: one build in the background; its last line is JSON, what became of it.

As `smelt run` does it after its loads: sources that changed are proposed, and held back where models would break.
"""

from __future__ import annotations

import json
import signal
import sys

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings, mask


def main() -> int:
    """Build and publish; 0 if it was published."""
    from plugins.build import build
    from plugins.core.project import Project
    from plugins.run import look_for_drift

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    target = json.loads(sys.argv[1])["target"]
    settings = load_settings()
    try:
        watched = look_for_drift(settings, Project(settings.project_dir, target))
        result = build(settings, target=target, is_followed=True)
    except SmeltError as error:
        _tell(error=mask(error.message), hint=mask(error.hint) if error.hint else None)
        return 1
    news = [item.text for item in watched.news]
    if result.failures:
        failure = result.failures[0]
        _tell(error=mask(f"{failure.what}: {failure.message}"), hint="`smelt build` shows all of it", news=news)
        return 1
    _tell(run_id=result.run_id, seconds=result.seconds, news=news)
    return 0


def _tell(**values: object) -> None:
    sys.stdout.write("\n" + json.dumps({key: value for key, value in values.items() if value is not None}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
