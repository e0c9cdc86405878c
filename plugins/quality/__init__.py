"""Contracts, gates, quality scores, quarantine and replay.

A connection to the warehouse and the contracts of a layer go in; check outcomes with the rows that
break them come out. `run_gate` decides whether what is downstream may go on.
"""

from plugins.quality.contract import Contract, find_contracts
from plugins.quality.freshness import Freshness, stream_freshness
from plugins.quality.gate import Check, GateResult, load_soda, record, run_gate
from plugins.quality.quarantine import RuleCount, count_by_rule, count_rows
from plugins.quality.scores import Score, write_scores

__all__ = [
    "Check",
    "Contract",
    "Freshness",
    "GateResult",
    "RuleCount",
    "Score",
    "count_by_rule",
    "count_rows",
    "find_contracts",
    "load_soda",
    "record",
    "run_gate",
    "stream_freshness",
    "write_scores",
]
