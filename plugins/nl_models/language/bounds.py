"""How far the planner goes for one question, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """What one question may take; the run's budget of tokens and money holds besides.

    repairs: times that a plan comes back with its error. tool_calls, tries: of each answer. subqueries: of a plan,
    each counted as often as it is used. query_seconds: of one query; total_seconds: of all of a question's.
    limit: the most rows that a plan may ask to keep. summary_characters: of the catalog's summary;
    failed_characters: of a plan that goes back.
    """

    candidates: int = 9
    repairs: int = 2
    tool_calls: int = 20
    tries: int = 5
    subqueries: int = 8
    query_seconds: float = 10.0
    total_seconds: float = 60.0
    limit: int = 10_000
    question_characters: int = 2_000
    summary_characters: int = 12_000
    failed_characters: int = 8_000
    described_columns: int = 100
    found_names: int = 20
    found_places: int = 10
    found_values: int = 5
    rows_shown: int = 5


DEFAULT = Bounds()
