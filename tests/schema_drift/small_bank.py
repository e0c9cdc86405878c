"""A bank's dbt project with models in three layers, to see what changes of its source do far from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]

FILES = {
    "dbt_project.yml": "name: bank\nversion: '1.0'\nprofile: bank\nmodels: {bank: {+materialized: table}}\n",
    "profiles.yml": "bank: {target: dev, outputs: {dev: {type: duckdb, path: bank.duckdb, threads: 2}}}\n",
    ".gitignore": "target/\nlogs/\n*.duckdb\n.user.yml\n.smelt/\n",
    "models/_core__sources.yml": """\
sources:
  - name: core
    schema: core
    tables:
      - name: accounts
        columns:
          - name: account_id
            description: Key.
            data_tests: [unique, not_null]
          - name: holder
            description: Full name, as on the card.
          - name: balance
            description: Balance in euros at the end of the day.
          - name: notice
            description: Notice to be given, in hours.
          - name: kind
            description: Kind of account.
          - name: region
            description: Branch.
          - name: opened_on
            description: Day on which it was opened.
          - name: closed_on
            description: Day on which it was closed.
          - name: seen
            description: Day of the last visit.
""",
    "models/staging/stg_core__accounts.sql": """\
with

source as (

    select * from {{ source('core', 'accounts') }}

),

renamed as (

    select

        ---------- ids
        account_id,

        ---------- text
        holder,
        cast(kind as varchar) as account_kind,
        region,

        ---------- numerics
        cast(balance as decimal(12, 2)) as balance,
        notice,

        ---------- times
        opened_on,
        closed_on,
        try_strptime(seen, '%d/%m/%Y') as seen_on

    from source

)

select * from renamed
""",
    "models/staging/_core__models.yml": """\
models:
  - name: stg_core__accounts
    columns:
      - name: balance
        description: Balance in euros.
""",
    "models/int_accounts__joined.sql": """\
with accounts as (select * from {{ ref('stg_core__accounts') }}),
branches as (select region, count(*) as size from {{ ref('stg_core__accounts') }} group by region)
select a.*, b.size as branch_size, date_trunc('month', a.opened_on) as opened_month
from accounts as a
left join branches as b on a.region = b.region
""",
    "models/marts/fct_accounts.sql": """\
select
    account_id,
    account_kind as kind_of_account,
    upper(account_kind) as loud,
    case when account_kind = 'gold' then 'good' else account_kind end as mixed,
    case when account_kind = 'gold' then 'good' else 'other' end as told,
    opened_month
from {{ ref('int_accounts__joined') }}
union all
select -1, 'basic', 'BASIC', 'basic', 'other', null
""",
    "models/marts/closings.sql": "select max(closed_on) as last_one from {{ ref('stg_core__accounts') }}\n",
    "models/marts/_marts.yml": """\
models:
  - name: fct_accounts
    columns:
      - name: kind_of_account
        data_tests:
          - accepted_values:
              arguments:
                values: [gold, silver, basic]
      - name: loud
        data_tests:
          - accepted_values: {arguments: {values: [GOLD, SILVER, BASIC]}}
      - name: mixed
        data_tests:
          - accepted_values: {arguments: {values: [good, silver, basic]}}
      - name: told
        data_tests:
          - accepted_values: {arguments: {values: [good, other]}}
""",
}
_ROWS = """
create table core.accounts as
select
    i as account_id,
    ['Ann', 'Bob', 'Cid', 'Dora', 'Eve', 'Fay', 'Gus'][1 + i % 7] || ' '
        || ['Mills', 'Lake', 'Wood', 'Hill', 'Ford'][1 + (i // 7) % 5] as holder,
    ((i * 137) % 231100) / 100 + 1.5 as balance,
    (i * 31) % 3000 as notice,
    ['gold', 'silver', 'basic', 'basic'][1 + (i * 17) % 4] as kind,
    'region ' || (i % 9) as region,
    date '2020-01-01' + cast((i * 13) % 1500 as integer) as opened_on,
    date '2024-01-01' + cast((i * 11) % 300 as integer) as closed_on,
    strftime(date '2021-01-01' + cast((i * 7) % 1000 as integer), '%d/%m/%Y') as seen
from range(2000) as t(i)
"""


@dataclass(frozen=True)
class Bank:
    folder: Path

    @classmethod
    def build(cls, folder: Path) -> Bank:
        """In git, built, and its source remembered."""
        bank = cls(folder)
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        bank.sql("create schema core", _ROWS)
        for arguments in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "Bank"]):
            bank.git(*arguments)
        dbt = str(Path(sys.executable).with_name("dbt"))
        run = subprocess.run([dbt, "build", "-q"], cwd=folder, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout
        assert bank.json("drift", "snapshot")["tables"] == 1
        return bank

    def git(self, *arguments: str) -> str:
        run = subprocess.run([*GIT, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def smelt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        run = subprocess.run(
            [str(Path(sys.executable).with_name("smelt")), *arguments],
            cwd=self.folder,
            env={**os.environ, "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in run.stderr, run.stderr
        return run

    def json(self, *arguments: str) -> dict[str, Any]:
        run = self.smelt(*arguments, "--json")
        assert run.stdout, run.stderr
        return json.loads(run.stdout)

    def change(self) -> dict[str, Any]:
        """The one change that a check finds."""
        (found,) = self.json("drift", "check")["changes"]
        return found

    def proposed(self, path: str) -> tuple[str, list[str]]:
        """A file as the one proposal has it, and the proposal's questions."""
        (proposal,) = self.json("drift", "propose")["proposals"]
        assert not proposal["has_failed"], proposal["findings"]
        return self.git("show", f"{proposal['branch']}:{path}"), proposal["questions"]

    def sql(self, *statements: str) -> None:
        with duckdb.connect(str(self.folder / "bank.duckdb")) as con:
            for one in statements:
                con.execute(one)


def facts(change: dict[str, Any], name: str) -> str:
    """What the facts of a name say."""
    return " ".join(one["text"] for one in change["evidence"] if one["name"] == name)
