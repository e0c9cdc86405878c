"""A plan that a model has written, tried: read, rendered, guarded and run, or refused with the reason."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, Result, check, run
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.language.bounds import Bounds
from plugins.nl_models.language.form import PlanForm
from plugins.nl_models.language.metrics import no_layer, to_analysis
from plugins.nl_models.language.naming import PlanError
from plugins.nl_models.language.tables import to_plan
from plugins.nl_models.plan import Plan
from plugins.nl_models.subject import Subject

# What is quoted, to the last quote there is, since values have quotes too; and numbers.
_QUOTED = re.compile(r"""(['"]).*\1|['"].*|\d{3,}""", re.DOTALL)


@dataclass(frozen=True)
class Tried:
    """A plan that runs. notes: what its reader should know of it."""

    plan: Plan | Analysis
    sql: str
    result: Result
    notes: tuple[str, ...]


@dataclass
class Trials:
    """All that is tried for one question. spent: seconds that its queries took."""

    question: str
    subject: Subject
    bounds: Bounds
    spent: float = 0.0

    def run(self, written: PlanForm) -> Tried:
        """Raises SmeltError with what is wrong, in words that hold no value but those of the plan."""
        plan, notes = self._read(written)
        sql = self._render(plan)
        return Tried(plan, sql, self._query(sql), notes)

    def _read(self, written: PlanForm) -> tuple[Plan | Analysis, tuple[str, ...]]:
        subject = self.subject
        if bool(written.queries) is bool(written.metrics) or len(written.metrics) > 1:
            raise PlanError("there is not one plan", "fill in either `queries`, or one query in `metrics`")
        if written.queries:
            return to_plan(written.queries, subject.catalog, self.question, self.bounds)
        if subject.layer is None:
            raise no_layer()
        query = next(iter(written.metrics))
        return to_analysis(query, subject.layer, subject.values, self.question, self.bounds)

    def _render(self, plan: Plan | Analysis) -> str:
        try:
            return self.subject.sql(plan)
        except (LookupError, ValueError, ArithmeticError, TypeError, RecursionError) as error:
            # Names were checked; what else a model thinks of is no reason to fail.
            raise PlanError(f"the plan has no SQL: {type(error).__name__}", "plan it otherwise") from error

    def _query(self, sql: str) -> Result:
        left = self.bounds.total_seconds - self.spent
        if left <= 0:
            raise PlanError("queries of this question took too long", "answer without trying more")
        most = self.subject.limits
        limits = Limits(min(most.seconds, self.bounds.query_seconds, left), most.rows, most.memory_mb)
        started = time.monotonic()
        try:
            return run(self.subject.con, check(sql, self.subject.relations), limits)
        except SmeltError as error:
            raise SmeltError(_without_values(error.message, sql), error.hint) from error
        finally:
            self.spent += time.monotonic() - started


def _without_values(message: str, sql: str) -> str:
    """An error without what it quotes of the data: "could not convert 'Jane' to INT32"."""
    return _QUOTED.sub(lambda quoted: quoted[0] if quoted[0].strip("'\"") in sql else "'…'", message)
