"""What a watch was asked to do, as its processes hand it on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Wishes:
    """Options of `smelt watch`. every, poll: seconds. build_every: seconds, None: never build."""

    selectors: tuple[str, ...]
    every: float
    poll: float
    build_every: float | None
    target: str | None
    as_json: bool

    def as_text(self) -> str:
        """As an argument."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Wishes:
        """What `as_text` wrote."""
        values = json.loads(text)
        return cls(**{**values, "selectors": tuple(values["selectors"])})
