"""All kinds of evidence, in the order in which a review shows them."""

from __future__ import annotations

from plugins.review.evidence.change import ChangeEvidence
from plugins.review.evidence.comparison import DataEvidence
from plugins.review.evidence.compiling import Compiling
from plugins.review.evidence.contracts import Contracts
from plugins.review.evidence.cost import Cost
from plugins.review.evidence.distribution import DistributionShift
from plugins.review.evidence.guarding import Guarding
from plugins.review.evidence.incremental import IncrementalRun
from plugins.review.evidence.keys import KeyDiff
from plugins.review.evidence.later import Accounting, History
from plugins.review.evidence.reach import ColumnImpact
from plugins.review.evidence.rows import RowCounts
from plugins.review.evidence.schema import SchemaDiff
from plugins.review.evidence.soda import SodaContracts
from plugins.review.evidence.testing import Testing
from plugins.review.evidence.values import ValueDiff

CHANGE_EVIDENCE: tuple[ChangeEvidence, ...] = (
    Compiling(),
    Testing(),
    Contracts(),
    SodaContracts(),
    IncrementalRun(),
    History(),
    Accounting(),
    ColumnImpact(),
    Guarding(),
    Cost(),
)
DATA_EVIDENCE: tuple[DataEvidence, ...] = (
    SchemaDiff(),
    RowCounts(),
    KeyDiff(),
    ValueDiff(),
    DistributionShift(),
)
