"""A miniature shop whose orders drift, with a check and a way to propose that need no understanding of drift."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from plugins.core.lake import Batch, Lake, bronze_columns, commit_batch, ensure_columns, pin_namespace, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.ledger import Hold, Ledger, new_id, open_holds
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.core.warehouse.published import PublishedRun, point_to, write_run
from plugins.review import FileChange, Proposal, Proposals
from plugins.schema_drift import Change, Drift, Kind, Severity
from plugins.schema_drift.healing import Watched, watch
from plugins.schema_drift.table import Column, Table

sys.path.insert(0, str(Path(__file__).parents[2] / "build"))

import shop

MODEL = "models/silver/int_orders__checked.sql"
CUSTOMERS = "models/silver/customers.sql"
SOURCE = "{{ source('shop', 'orders') }}"
READS_BOTH = f"(select * exclude (amount, amount_gbp), coalesce(amount_gbp, amount) as amount from {SOURCE})"
RENAMED = Change(
    Kind.COLUMN_RENAMED, "source.mini.shop.orders", ("amount",), ("amount_gbp",), 0.99, Severity.BREAKING
)
ADDED = Change(Kind.COLUMN_ADDED, "source.mini.shop.orders", (), ("channel",), 1.0, Severity.INFORMATIVE)


@dataclass(frozen=True)
class FakeChecked:
    """What `drifting.Checked` has, as far as healing looks."""

    drift: Drift
    before: tuple[Table, ...]
    after: tuple[Table, ...]

    def of_source(self, source: str) -> FakeChecked:
        assert source == "shop"
        return self


@dataclass(frozen=True)
class FakeProposed:
    proposal: Proposal
    url: str | None
    has_failed: bool = False
    note: str = ""


@dataclass
class Shop:
    """The project, a git repository. upstream: how the source drifted, for the check to find."""

    settings: Settings
    upstream: list[Change] = field(default_factory=list)
    checks: list[tuple[str | None, tuple[str, ...]]] = field(default_factory=list)
    proposals_made: int = 0
    has_failed: bool = False
    asks: bool = False

    @property
    def folder(self) -> Path:
        return self.settings.project_dir

    @property
    def holds(self) -> tuple[Hold, ...]:
        return open_holds(Ledger(self.settings))

    @property
    def proposals(self) -> Proposals:
        return Proposals(self.settings)

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "work")

    def land(self, select: str, columns: Sequence[tuple[str, pa.DataType]]) -> None:
        """Orders with these columns come to bronze, as ingest would land them."""
        lake, batch = Lake(self.settings), new_id()
        audit = pa.schema([*columns, *shop._AUDIT])
        ensure_columns(lake, "bronze.shop__orders", audit)
        table = lake.table("bronze.shop__orders")
        file = f"{data_folder(table)}/{batch}.parquet"
        names = ", ".join(name for name, _ in columns)
        audited = f"'{batch}' as _smelt_batch_id, now() as _smelt_loaded_at, "
        audited += "lpad(row_number() over ()::varchar, 12, '0') as _smelt_source_position, 'r' as _smelt_op"
        duckdb.sql(f"copy (select *, {audited} from ({select}) as rows({names})) to '{file}'")
        commit_batch(lake, "bronze.shop__orders", Batch(batch, [file], read_state(table).batch_id))

    def rename(self, start: int = 100, stop: int = 120) -> None:
        """The source renames a column, and orders come with it."""
        self.upstream = [RENAMED]
        self.land(
            f"select i::bigint, (i % 3 + 1)::int, (i % 50)::decimal(12, 2) from range({start}, {stop}) as r(i)",
            [("order_id", pa.int64()), ("customer_id", pa.int32()), ("amount_gbp", pa.decimal128(12, 2))],
        )

    def publish(self) -> str:
        """As if a build had published what bronze holds now; held streams as they are held."""
        holds = {held.table: held.pin for held in self.holds if held.is_blocking}
        pins = [holds.get(pin.table) or pin for pin in pin_namespace(Lake(self.settings), "bronze")]
        run = PublishedRun(new_id(), datetime.now(UTC), "dev", (), tuple(pins))
        write_run(self.settings, run)
        point_to(self.settings, run.id)
        return run.id

    def watch(self) -> Watched:
        project = Project(self.folder)
        return watch(self.settings, project, check=self._check, propose=self._propose)  # type: ignore[arg-type]

    def _check(
        self, project: Project, settings: Settings, before: str | None = None, select: Sequence[str] = ()
    ) -> FakeChecked:
        self.checks.append((before, tuple(select)))
        names = bronze_columns(Lake(settings).table("bronze.shop__orders"))
        columns = tuple(Column(name, "varchar") for name in names)
        table = Table("source.mini.shop.orders", "shop.orders", ("bronze", "shop__orders"), columns)
        return FakeChecked(Drift(tuple(self.upstream)), (table,), (table,))

    def _propose(
        self, project: Project, settings: Settings, checked: Any, *, source: str, proposal_id: str | None,
        held_rows: int, on_progress: Any,
    ) -> FakeProposed | None:  # fmt: skip
        from plugins.schema_drift.opened import find_open

        self.proposals_made += 1
        if proposal_id is None and (known := find_open(settings, source)):
            proposal_id = known.id
        before = (self.folder / MODEL).read_text()
        after = before.replace(SOURCE, READS_BOTH)
        after += f"-- {len(checked.drift.changes)} changes\n"
        proposal = Proposal(
            id=proposal_id or new_id(),
            kind="drift",
            subject=source,
            title="orders.amount is amount_gbp now",
            reason="",
            confidence=0.9,
            base=self.git("rev-parse", "HEAD"),
            changes=() if self.asks else (FileChange(path=MODEL, before=before, after=after),),
            questions=("what is `amount` now?",) if self.asks else (),
        )
        proposals = Proposals(settings)
        proposals.add(proposal, f"{held_rows} rows are held back")
        url = None if self.has_failed else proposals.open(proposal.id).url
        return FakeProposed(proposal, url, self.has_failed)

    def merge(self) -> None:
        (proposal_id,) = {held.proposal_id for held in self.holds}
        assert proposal_id
        self.git("merge", "-q", "--no-edit", self.proposals.find(proposal_id).proposal.branch)


def make_shop(folder: Path) -> Shop:
    """The shop with a hundred orders, published, in a git repository on main."""
    settings = shop.new_project(folder)
    shop.load_shop(settings)
    made = Shop(settings)
    (folder / ".gitignore").write_text("lake/\ntarget/\nlogs/\n*.duckdb\n.user.yml\n.smelt/\n")
    made.git("init", "-q", "-b", "main")
    made.commit()
    return made
