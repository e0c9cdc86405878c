"""What a call of a model may end in, other than an answer. Callers catch ModelError and go on without one."""

from __future__ import annotations

from plugins.core.errors import SmeltError


class ModelError(SmeltError):
    """The model gave no answer that can be used; there is never half of one. `outcome` is what the ledger says."""

    outcome = "error"


class Unavailable(ModelError):
    """The provider could not be reached, or doesn't serve this key, model or request."""


class BudgetExceeded(ModelError):
    """The call was not sent: it could go beyond what this run may use."""

    outcome = "budget"


class Refused(ModelError):
    """The model declined to answer."""

    outcome = "refused"


class Truncated(ModelError):
    """The answer was longer than allowed, and is cut off."""

    outcome = "truncated"


class Malformed(ModelError):
    """The answer doesn't have the shape that was asked for."""

    outcome = "malformed"
