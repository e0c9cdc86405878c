"""What people decided, beside what the machine had proposed: kept at the next run, and recorded as feedback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from plugins.core.errors import SmeltError
from plugins.core.ledger.tables import mapping_decisions
from plugins.core.settings import Settings
from plugins.source_mapping.document import (
    ColumnMapping,
    EntityMapping,
    SourceMapping,
    StreamMapping,
    parse_mapping,
)

if TYPE_CHECKING:
    from plugins.core.ledger import Ledger

KIND = "mapping"


@dataclass(frozen=True)
class Decision:
    """One target column: what was proposed for it, with which confidence, and what a person made of it."""

    stream: str
    entity: str
    target: str
    proposed: ColumnMapping | None
    decided: ColumnMapping

    @property
    def is_agreed(self) -> bool:
        """Whether the person left it as it was proposed."""
        return self.proposed is not None and _says(self.proposed) == _says(self.decided)


def last_proposed(settings: Settings, source: str) -> SourceMapping | None:
    """The mapping as the machine wrote it last; None if it never did."""
    from plugins.review import Proposals

    store = Proposals(settings).store
    for proposal_id in reversed(store.ids):
        # One whose files can't be read is passed over: `smelt proposals list` names it.
        with suppress(SmeltError):
            proposal = store.load(proposal_id).proposal
            if proposal.kind == KIND and proposal.subject == source:
                path = f"sources/{source}/mapping.yml"
                text = next((change.after for change in proposal.changes if change.path == path), None)
                if text is not None:
                    return parse_mapping(text, path)
    return None


def with_edits(there: SourceMapping, proposed: SourceMapping | None) -> SourceMapping:
    """The mapping as people left it, where an entry that they edited without saying so counts as approved."""
    return there.model_copy(update={"streams": tuple(_stream(one, proposed) for one in there.streams)})


def _stream(there: StreamMapping, proposed: SourceMapping | None) -> StreamMapping:
    before = proposed.stream(there.stream) if proposed else None
    by_name = {one.entity: one for one in before.entities} if before else {}
    return there.model_copy(update={"entities": tuple(_entity(one, by_name) for one in there.entities)})


def _entity(there: EntityMapping, proposed: dict[str, EntityMapping]) -> EntityMapping:
    before = proposed.get(there.entity)
    by_target = {one.target: one for one in before.columns} if before else {}
    columns = tuple(
        one.model_copy(update={"status": "approved"}) if _is_edited(one, by_target.get(one.target)) else one
        for one in there.columns
    )
    return there.model_copy(update={"columns": columns})


def _is_edited(there: ColumnMapping, before: ColumnMapping | None) -> bool:
    return before is not None and there.status != "rejected" and _says(there) != _says(before)


def _says(column: ColumnMapping) -> tuple[tuple[str, ...], str, bool]:
    return column.columns, " ".join(column.expression.split()), column.status == "rejected"


def decisions(there: SourceMapping, proposed: SourceMapping | None) -> Iterator[Decision]:
    """Every entry that a person decided."""
    for stream in there.streams:
        before = proposed.stream(stream.stream) if proposed else None
        for entity in stream.entities:
            known = next((one for one in before.entities if one.entity == entity.entity), None) if before else None
            by_target = {one.target: one for one in known.columns} if known else {}
            for column in entity.columns:
                if column.is_decided:
                    yield Decision(
                        stream.stream, entity.entity, column.target, by_target.get(column.target), column
                    )


def record(ledger: Ledger, source: str, decided: Iterator[Decision]) -> int:
    """Append those that are not in the ledger yet; returns how many there were."""
    table = mapping_decisions
    known = {
        (row["stream"], row["entity"], row["target"]): (row["decided"], row["status"])
        for row in ledger.read(select(table).where(table.c.source == source).order_by(table.c.event_id))
    }
    rows = [_row(source, one) for one in decided]
    new = [
        row
        for row in rows
        if known.get((row["stream"], row["entity"], row["target"])) != (row["decided"], row["status"])
    ]
    ledger.append("mapping_decisions", new)
    return len(new)


def _row(source: str, one: Decision) -> dict[str, Any]:
    return {
        "source": source,
        "stream": one.stream,
        "entity": one.entity,
        "target": one.target,
        "proposed": list(one.proposed.columns) if one.proposed else None,
        "confidence": one.proposed.confidence if one.proposed else None,
        "decided": list(one.decided.columns),
        "status": one.decided.status,
        "is_agreed": one.is_agreed,
        "reviewer": one.decided.reviewer,
    }
