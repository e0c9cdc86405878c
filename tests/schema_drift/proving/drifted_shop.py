"""A dbt project on DuckDB whose source changes: built once, committed, then drifted in place."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.review import FileChange, Finding, Outcome, Proposal, Proven
from plugins.schema_drift.change import Change, Drift, Kind, Restored, Severity
from plugins.schema_drift.observing import WrittenInput
from plugins.schema_drift.patching.patch import Interface, Patch, Question
from plugins.schema_drift.proving.proof import prove_drift
from plugins.schema_drift.table import Column, Table

GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
LINES = "source.shop.raw.lines"
STAGING = "models/stg_lines.sql"
FILES = {
    ".gitignore": "target/\nlogs/\n.smelt/\n*.duckdb\n",
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodels: {shop: {+materialized: table}}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 2}}}\n",
    "models/sources.yml": "sources: [{name: raw, tables: [{name: lines}, {name: customers}]}]\n",
    STAGING: """{{ config(materialized='view') }}

select
    line_id,
    customer_id,
    unit_price,
    quantity,
    loaded_at
from {{ source('raw', 'lines') }}
""",
    "models/revenue.sql": """select customer_id, sum(unit_price * quantity)::decimal(18, 2) as revenue
from {{ ref('stg_lines') }} group by 1
""",
    "models/customers.sql": """select c.*, r.revenue
from {{ source('raw', 'customers') }} as c left join {{ ref('revenue') }} as r using (customer_id)
""",
    "models/quantities.sql": "select customer_id, sum(quantity) as n from {{ ref('stg_lines') }} group by 1\n",
    "models/lines.sql": """{{ config(materialized='incremental', unique_key='line_id') }}
select * from {{ ref('stg_lines') }}
{% if is_incremental() %} where loaded_at > (select max(loaded_at) from {{ this }}) {% endif %}
""",
    "snapshots/prices.sql": """{% snapshot prices %}
{{ config(unique_key='line_id', strategy='check', check_cols=['unit_price'], target_schema='main') }}
select line_id, unit_price from {{ ref('stg_lines') }}
{% endsnapshot %}
""",
    "models/models.yml": """models:
  - name: stg_lines
    columns: [{name: line_id, data_tests: [unique, not_null]}]
  - {name: revenue, columns: [{name: customer_id, data_tests: [unique]}, {name: revenue, data_tests: [not_null]}]}
  - {name: customers, columns: [{name: customer_id, data_tests: [unique]}]}
""",
}


@dataclass(frozen=True)
class Drifted:
    """What changed at the source, and the edits that answer it: (path, old text, new text)."""

    sql: str
    changes: tuple[Change, ...]
    edits: tuple[tuple[str, str, str], ...]
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()


def renamed(before: str, after: str, sql: str | None = None, kind: Kind = Kind.COLUMN_RENAMED) -> Change:
    restored = Restored(before, sql or after, (after,), 100, 100)
    return Change(kind, LINES, (before,), (after,), 0.99, Severity.BREAKING, restores=(restored,))


@dataclass(frozen=True)
class DriftedShop:
    """The project's folder, with what tests do to it."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "shop.duckdb"

    def git(self, *arguments: str) -> str:
        run = subprocess.run([*GIT, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def prove(self, drifted: Drifted, scratch: Path, key: Sequence[str] = ("line_id",)) -> Proven:
        """Let the source change, and prove the edits."""
        inputs, tables = [], []
        for side in ("before", "after"):
            with duckdb.connect(str(self.warehouse)) as con:
                if side == "after":
                    con.execute(drifted.sql)
                types = {r[0]: r[1] for r in con.execute("describe raw.lines").fetchall()}
                path = scratch / f"{side}.parquet"
                con.execute(f"copy raw.lines to '{path}' (format parquet)")
            inputs.append(WrittenInput(LINES, side, ("raw", "lines"), path, types, 0, False))
            columns = tuple(Column(name, kind.lower()) for name, kind in types.items())
            known = tuple(name for name in key if name in types)
            tables.append(Table(LINES, "raw.lines", ("raw", "lines"), columns, known))
        changes = []
        for path in dict.fromkeys(path for path, _, _ in drifted.edits):
            before = after = self.git("show", f"HEAD:{path}") + "\n"
            for _, old, new in (edit for edit in drifted.edits if edit[0] == path):
                assert old in after, (path, old)
                after = after.replace(old, new)
            changes.append(FileChange(path=path, before=before, after=after))
        drift = Drift(drifted.changes)
        proposal = Proposal(
            kind="drift",
            title="raw.lines changed",
            reason="It did.",
            confidence=0.9,
            base=self.git("rev-parse", "HEAD"),
            changes=tuple(changes),
            questions=tuple(map(str, drifted.questions)),
        )
        return prove_drift(
            Project(self.folder),
            load_settings(self.folder),
            proposal,
            inputs,
            drift,
            Patch(tuple(changes), questions=drifted.questions, interfaces=drifted.interfaces),
            before=tables[:1],
            after=tables[1:],
        )


def make_shop(folder: Path, files: Mapping[str, str] = FILES) -> DriftedShop:
    """The project, built and committed."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    shop = DriftedShop(folder)
    with duckdb.connect(str(shop.warehouse)) as con:
        con.execute(
            """
            create schema if not exists raw;
            create table raw.customers as
            select i as customer_id, 'c' || i as name from range(10) as r(i);
            create table raw.lines as
            select
                i as line_id, i % 10 as customer_id, (i * 1.25)::decimal(10, 2) as unit_price,
                1 + i % 3 as quantity,
                timestamp '2026-01-01' + interval (i) minute as loaded_at
            from range(100) as r(i);
            """
        )
    project = Project(folder)
    built = project.build()
    project.release()
    assert not built.broken, built.broken
    shop.git("init", "-q", "-b", "main")
    shop.git("add", "-A")
    shop.git("commit", "-qm", "the project")
    return shop


def copy_shop(built: DriftedShop, folder: Path) -> DriftedShop:
    """A copy for one test."""
    shutil.copytree(built.folder, folder)
    return DriftedShop(folder)


def outcomes(proven: Proven, kind: str) -> dict[str, Outcome]:
    """By subject."""
    return {f.subject: f.outcome for f in proven.proposal.evidence if f.kind == kind}


def told(proven: Proven, kind: str, subject: str) -> Finding:
    """The one finding."""
    found = [f for f in proven.proposal.evidence if f.kind == kind and f.subject == subject]
    assert len(found) == 1, found or list(proven.proposal.evidence)
    return found[0]


def failed(proven: Proven) -> list[str]:
    """What speaks against it."""
    return [f"{f.kind} {f.subject}: {f.detail}" for f in proven.proposal.evidence if f.outcome is Outcome.FAILED]
