"""`python -m plugins.connectors.mock SPEC LABELS`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plugins.connectors.mock.api import Faults
from plugins.connectors.mock.command import run_mock
from plugins.core.errors import SmeltError


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m plugins.connectors.mock", description=__doc__)
    parser.add_argument("spec", type=Path, help="an OpenAPI document")
    parser.add_argument("labels", type=Path, help="a label file that says how the API behaves")
    parser.add_argument("--port", type=int, default=0, help="the port; 0 takes one that is free")
    parser.add_argument("--records", type=int, default=137, help="how many records each stream holds")
    parser.add_argument("--seed", type=int, default=1, help="the records are the same for the same seed")
    parser.add_argument(
        "--rate-limited-every", type=int, default=20, help="each n-th request gets 429; 0 for none"
    )
    parser.add_argument("--unavailable-every", type=int, default=50, help="each n-th request gets 503; 0 for none")
    given = parser.parse_args()
    faults = Faults(given.rate_limited_every, given.unavailable_every)
    try:
        run_mock(
            given.spec,
            given.labels,
            port=given.port,
            records_per_stream=given.records,
            seed=given.seed,
            faults=faults,
        )
    except SmeltError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
