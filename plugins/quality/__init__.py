"""Contracts, gates, quality scores, quarantine and replay.

A connection to the warehouse and the contracts of a layer go in; check outcomes with the rows that
break them come out. `run_gate` decides whether what is downstream may go on.
"""

from plugins.quality.contract import Contract, find_contracts
from plugins.quality.gate import Check, GateResult, load_soda, run_gate

__all__ = ["Check", "Contract", "GateResult", "find_contracts", "load_soda", "run_gate"]
