"""Mappings under review: a small one of a library, one with hostile text everywhere, and a wide one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from plugins.source_mapping.document import (
    ColumnMapping,
    EntityMapping,
    RunnerUp,
    SourceMapping,
    StreamMapping,
    Unmapped,
    read_mapping,
    render_mapping,
)
from plugins.source_mapping.matching import Column, Table
from plugins.source_mapping.page import MappingReview, open_server
from plugins.source_mapping.page.server import ReviewServer
from plugins.source_mapping.reviewing import ReviewInputs

REVIEWER = "Ann O'Neil"
BREAKOUT = "</script><img src=x onerror=alert(1)>"
HOSTILE = f"{BREAKOUT} {{{{data}}}} {{{{script}}}} [red]x[/] \u2028 <!-- <script> &lt;b&gt; \u202etxt"

MEMBERS = Table(
    (
        Column("MemberNo", ("1001", "1002", "1003", "1004", "1005", "1006"), data_type="bigint", is_key=True),
        Column("given", ("Ann", "Bob", "Cleo"), "First name.", "varchar"),
        Column("last name", ("Adams", "Brown", "Clark"), data_type="varchar"),
        Column("contact", ("ann@example.com", "bob@example.org", "cleo@example.net"), data_type="varchar"),
        Column("joined", ("2021-03-04", "2022-11-30", "2020-01-15"), data_type="varchar"),
        Column("fee_ct", ("1250", "990", None, "", "1250"), "Yearly fee in cents.", "integer"),
        Column("note", ("call +44 20 7946 0958 first", "x" * 300), data_type="varchar"),
        Column("legacy_flag", ("Y", "N"), data_type="varchar"),
    ),
    "members",
    "People who may borrow.",
)
LOANS = Table(
    (
        Column("loan_id", ("1", "2", "3"), data_type="bigint", is_key=True),
        Column("member", ("1001", "1003"), data_type="bigint"),
        Column("due", ("2024-05-01", "2024-06-01"), data_type="date"),
    ),
    "loans",
)
PATRONS = Table(
    (
        Column("patron_id", ("1", "2", "3"), "Identifier of the patron.", "bigint", is_key=True),
        Column("full_name", ("Zoe Young", "Yan Xu"), "Given and family name.", "varchar"),
        Column("email", ("zoe@example.com",), "Where reminders go.", "varchar"),
        Column("joined_on", ("2019-01-01",), "Day of joining.", "date"),
        Column("annual_fee", ("12.50", "9.90"), "In EUR.", "decimal(10,2)"),
        Column("branch_code", ("N1", "S2"), "Home branch.", "varchar"),
    ),
    "patrons",
    "One row per person who may borrow.",
)
CHECKOUTS = Table(
    (
        Column("checkout_id", ("7", "8"), data_type="bigint"),
        Column("patron_id", ("1", "2"), data_type="bigint"),
        Column("due_on", ("2020-01-01",), data_type="date"),
    ),
    "checkouts",
)


# As the planner reads a column that somebody chooses.
READINGS = {("members", "patrons"): {"annual_fee": {"fee_ct": "try_cast(fee_ct / 100.0 as decimal(10,2))"}}}


def _ups(*pairs: tuple[str, float]) -> tuple[RunnerUp, ...]:
    return tuple(RunnerUp(column=name, confidence=sure) for name, sure in pairs)


LIBRARY = SourceMapping(
    source="library",
    streams=(
        StreamMapping(
            stream="members",
            entities=(
                EntityMapping(
                    entity="patrons",
                    confidence=0.93,
                    columns=(
                        ColumnMapping(
                            target="patron_id",
                            columns=("MemberNo",),
                            confidence=0.97,
                            evidence="both are keys of whole numbers; member and patron mean the same",
                            runners_up=_ups(("fee_ct", 0.04)),
                        ),
                        ColumnMapping(
                            target="full_name",
                            columns=("given",),
                            confidence=0.52,
                            status="question",
                            evidence="names of persons; half of what the target holds",
                            runners_up=_ups(("last name", 0.48), ("contact", 0.07)),
                        ),
                        ColumnMapping(
                            target="email", columns=("contact",), confidence=0.95, evidence="e-mail addresses"
                        ),
                        ColumnMapping(
                            target="joined_on",
                            columns=("joined",),
                            expression="try_cast(joined as date)",
                            confidence=0.91,
                            evidence="days as text",
                        ),
                        ColumnMapping(
                            target="annual_fee",
                            columns=("legacy_flag",),
                            confidence=0.31,
                            status="question",
                            evidence="nothing else was left",
                            runners_up=_ups(("fee_ct", 0.29)),
                        ),
                    ),
                ),
            ),
            unmapped=(
                Unmapped(column="last name", because="full_name was given to `given`"),
                Unmapped(column="fee_ct", because="cents, where the target has euros"),
                Unmapped(column="note", because="no target column is like it"),
            ),
        ),
        StreamMapping(
            stream="loans",
            entities=(
                EntityMapping(
                    entity="checkouts",
                    confidence=0.58,
                    status="question",
                    columns=(
                        ColumnMapping(target="checkout_id", columns=("loan_id",), confidence=0.9),
                        ColumnMapping(
                            target="patron_id",
                            columns=("member",),
                            confidence=0.88,
                            status="approved",
                            reviewer="Bea",
                        ),
                        ColumnMapping(target="due_on", columns=("due",), confidence=0.94),
                    ),
                ),
            ),
        ),
    ),
)


@dataclass
class Desk:
    """A mapping's file and its review; `loads` counts how often the mapping was made anew."""

    path: Path
    mapping: SourceMapping = LIBRARY
    sources: dict[str, Table] = field(default_factory=lambda: {"members": MEMBERS, "loans": LOANS})
    targets: dict[str, Table] = field(default_factory=lambda: {"patrons": PATRONS, "checkouts": CHECKOUTS})
    loads: int = 0

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(render_mapping(self.mapping), encoding="utf-8")
        self.review = MappingReview(self._load, REVIEWER)

    def _load(self) -> ReviewInputs:
        self.loads += 1
        return ReviewInputs(
            read_mapping(self.path) or self.mapping, self.sources, self.targets, self.path, READINGS
        )

    def saved(self) -> SourceMapping:
        """What the file says."""
        mapping = read_mapping(self.path)
        assert mapping is not None
        return mapping

    def column(self, stream: str, entity: str, target: str) -> ColumnMapping:
        """What the file says of a target column."""
        return next(c for c in self.entity(stream, entity).columns if c.target == target)

    def entity(self, stream: str, entity: str) -> EntityMapping:
        """What the file says of a stream's share in an entity."""
        entry = self.saved().stream(stream)
        assert entry is not None
        return next(one for one in entry.entities if one.entity == entity)

    def unmapped(self, stream: str) -> dict[str, str]:
        """What the file says goes nowhere, and why."""
        entry = self.saved().stream(stream)
        assert entry is not None
        return {one.column: one.because for one in entry.unmapped}


@contextmanager
def serving(desk: Desk, port: int = 0) -> Iterator[ReviewServer]:
    """The review's server, while the block runs."""
    with open_server(desk.review, port) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def hostile_desk(path: Path) -> Desk:
    """A review in which every text that somebody else chose tries to be something else."""
    column = Column(HOSTILE, (HOSTILE, "'; drop table x; --"), HOSTILE, HOSTILE)
    entry = ColumnMapping(
        target=HOSTILE,
        columns=(HOSTILE,),
        expression=f'"{HOSTILE}"',
        confidence=0.5,
        status="question",
        evidence=HOSTILE,
        runners_up=_ups((HOSTILE + "2", 0.2)),
        reviewer=None,
    )
    mapping = SourceMapping(
        source=HOSTILE,
        streams=(
            StreamMapping(
                stream=HOSTILE,
                entities=(EntityMapping(entity=HOSTILE, confidence=0.5, columns=(entry,)),),
                unmapped=(Unmapped(column=HOSTILE + "3", because=HOSTILE),),
            ),
        ),
    )
    table = Table((column,), HOSTILE, HOSTILE)
    return Desk(path, mapping, {HOSTILE: table}, {HOSTILE: table})


def large_desk(path: Path, sources: int = 180, targets: int = 740) -> Desk:
    """One stream and one entity of as many columns as the largest public case has."""
    source = Table(
        tuple(
            Column(f"src_col_{n}", tuple(f"value {n}-{v}" for v in range(9)), data_type="varchar")
            for n in range(sources)
        ),
        "wide",
    )
    target = Table(
        tuple(
            Column(f"target_{n}", tuple(f"value {n}-{v}" for v in range(9)), f"Attribute {n}.", "varchar")
            for n in range(targets)
        ),
        "wide_entity",
    )
    columns = tuple(
        ColumnMapping(
            target=f"target_{n}",
            columns=(f"src_col_{n}",) if n < sources - 10 else (),
            confidence=round(1 - (n % 100) / 100, 2),
            status="question" if n % 100 > 50 else "proposed",
            evidence="made up",
            runners_up=_ups(*((f"src_col_{(n + k) % sources}", 0.1 * k) for k in range(1, 5))),
        )
        for n in range(targets)
    )
    mapping = SourceMapping(
        source="wide",
        streams=(
            StreamMapping(
                stream="wide",
                entities=(EntityMapping(entity="wide_entity", confidence=0.8, columns=columns),),
                unmapped=tuple(
                    Unmapped(column=f"src_col_{n}", because="no target is like it")
                    for n in range(sources - 10, sources)
                ),
            ),
        ),
    )
    return Desk(path, mapping, {"wide": source}, {"wide_entity": target})
