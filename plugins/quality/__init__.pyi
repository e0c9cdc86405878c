from .contract import Contract, find_contracts
from .freshness import Freshness, stream_freshness
from .gate import Check, GateResult, load_soda, record, run_gate
from .quarantine import RuleCount, count_by_rule, count_rows
from .scores import Score, write_scores

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
