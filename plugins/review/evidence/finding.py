"""What one piece of evidence says about one subject."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Outcome(StrEnum):
    """ "Compared and unchanged" and "never compared" must look different."""

    PASSED = "passed"
    CHANGED = "changed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


class Finding(BaseModel):
    """One executed fact, or why there is none.

    kind: the evidence kind, such as `rows` or `values`. subject: what it is about, such as a model's name.
    detail: one line for people; for NOT_CHECKED it is the reason. facts: the same for machines, JSON-safe.
    samples: a few rows that show it, PII already masked, JSON-safe.
    is_exact: False when it was measured on a sample. checks: how many single checks it sums up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    subject: str
    outcome: Outcome
    detail: str
    facts: dict[str, Any] = {}
    samples: tuple[dict[str, Any], ...] = ()
    is_exact: bool = True
    checks: int = 1
