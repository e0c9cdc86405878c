"""What an expression loses of the sample: told once, and no mapping at all where nothing is left."""

from __future__ import annotations

import pyarrow as pa

from plugins.core.discovery import discover_stream
from plugins.source_mapping.document import ColumnMapping, EntityMapping, StreamMapping
from plugins.source_mapping.matching import Column, Table
from plugins.source_mapping.planning.trying import try_out
from plugins.source_mapping.streams import SourceStream


def _tried(values: list[str], confidence: float, evidence: str) -> ColumnMapping:
    table = Table((Column("n", values, "", "VARCHAR", False),), "s")
    stream = SourceStream("s", table, discover_stream("s", pa.table({"n": values})), (), is_declared=True)
    column = ColumnMapping(
        target="id", columns=("n",), expression="try_cast(n as integer)", confidence=confidence, evidence=evidence
    )
    entities = (EntityMapping(entity="e", columns=(column,)),)
    return try_out(stream, StreamMapping(stream="s", entities=entities)).entities[0].columns[0]


def test_lost_values_are_told_once_whatever_their_number_is_the_next_time():
    first = _tried([str(i) if i % 9 else "x" for i in range(900)], 0.95, "names")
    assert (first.confidence, first.status) == (0.7, "question")
    assert first.evidence == "100 values of the sample are lost, such as 'x'; names"
    again = _tried([str(i) if i % 5 else "x" for i in range(900)], first.confidence, first.evidence)
    assert again.evidence == first.evidence


def test_an_expression_that_loses_every_value_is_hardly_believed():
    found = _tried([f"K-{i}" for i in range(900)], 0.95, "names")
    assert found.confidence < 0.05
    assert found.status == "question"
