"""A retailer's dbt project: customers made of a web shop, and a CRM whose tables nobody has mapped yet."""

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
    "dbt_project.yml": "name: retail\nversion: '1.0'\nprofile: retail\nmodels: {retail: {+materialized: table}}\n",
    "profiles.yml": "retail: {target: dev, outputs: {dev: {type: duckdb, path: retail.duckdb, threads: 2}}}\n",
    ".gitignore": "target/\nlogs/\n*.duckdb\n.user.yml\n.smelt/\n",
    "models/_sources.yml": """\
sources:
  - name: web
    schema: web
    tables: [{name: users}]
  - name: crm
    schema: crm
    tables: [{name: contacts}, {name: tickets}]
""",
    "models/staging/web/stg_web__users.sql": """\
select
    cast(user_id as integer) as customer_id,
    first_name || ' ' || last_name as full_name,
    sex as gender,
    mail as email,
    cast(credit as decimal(12, 2)) as credit_limit,
    cast(joined as date) as signed_up_on,
    opted_in as is_subscribed,
    level as tier
from {{ source('web', 'users') }}
""",
    "models/marts/customers.sql": "select * from {{ ref('stg_web__users') }}\n",
    "models/marts/customers.yml": """\
models:
  - name: customers
    description: People who bought something. One row per customer.
    config:
      contract: {enforced: true}
    columns:
      - name: customer_id
        description: Number of the customer.
        data_type: integer
        data_tests: [not_null, unique]
      - name: full_name
        description: First and last name.
        data_type: varchar
      - name: gender
        description: As the customer says.
        data_type: varchar
        data_tests:
          - accepted_values:
              arguments: {values: [male, female]}
      - name: email
        description: Address to write to.
        data_type: varchar
      - name: credit_limit
        description: In euros.
        data_type: decimal(12, 2)
      - name: signed_up_on
        description: First day.
        data_type: date
        data_tests: [not_null]
      - name: is_subscribed
        description: Whether the newsletter may be sent.
        data_type: boolean
      - name: tier
        description: How loyal the customer is.
        data_type: varchar
""",
}

WAREHOUSE = """
create schema web;
create table web.users as
select i as user_id, 'Ann' as first_name, 'Lee' || i as last_name, if(i % 2 = 0, 'male', 'female') as sex,
    'u' || i || '@example.com' as mail, (i % 90) * 100.0 as credit,
    date '2020-01-01' + cast(i % 900 as integer) as joined,
    i % 3 = 0 as opted_in, ['gold', 'silver', 'basic'][i % 3 + 1] as level
from range(1, 300) as t (i);
create schema crm;
create table crm.contacts as
select cast(5000 + i as varchar) as "CustNo", 'Bob' as "FirstName", 'Fox' || i as "LastName",
    if(i % 2 = 0, 'M', 'F') as "Gndr", 'c' || i || '@example.com' as "E-Mail",
    cast(i * 37 as varchar) as "CreditLimitCents",
    strftime(date '2021-01-01' + cast(i % 700 as integer), '%d.%m.%Y') as "SignupDt",
    if(i % 4 = 0, 'yes', 'no') as "Subscribed", ['A', 'B', 'C'][i % 3 + 1] as "LoyaltyClass",
    'K' || i % 3 as "Grp", 'note ' || i as "Remarks"
from range(1, 250) as t (i);
create table crm.tickets as
select i as id, cast(5000 + i % 249 + 1 as varchar) as contact,
    timestamp '2022-01-01' + to_hours(i) as "opened at",
    ['open', 'closed', 'waiting'][i % 3 + 1] as state, 'x' as "{{ env_var('HOME') }}", i as "select"
from range(1, 600) as t (i);
"""


@dataclass(frozen=True)
class Retailer:
    """The project in its folder."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Retailer:
        """Write it, load its warehouse, build it, and commit."""
        for path, text in FILES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        with duckdb.connect(str(folder / "retail.duckdb")) as con:
            con.execute(WAREHOUSE)
        made = cls(folder)
        made.git("init", "-q", "-b", "main")
        made.git("add", "-A")
        made.git("commit", "-qm", "Retail")
        dbt = [sys.executable, "-m", "dbt.cli.main", "build", "-q", "--project-dir", ".", "--profiles-dir", "."]
        subprocess.run(dbt, cwd=folder, check=True, capture_output=True, env=_environment())
        return made

    def git(self, *arguments: str) -> str:
        """What git says."""
        done = subprocess.run([*GIT, *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout

    def smelt(self, *arguments: str, **names: str) -> subprocess.CompletedProcess[str]:
        """Run the command in the project's folder. names: of the environment."""
        command = [sys.executable, "-m", "plugins.cli", *arguments]
        environment = _environment() | names
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env=environment, check=False
        )

    def map(self, *arguments: str, source: str = "crm", **names: str) -> dict[str, Any]:
        """`smelt map SOURCE --json`."""
        done = self.smelt("map", source, "--json", *arguments, **names)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def proposed(self, path: str) -> str:
        """A file on the proposal's branch."""
        (branch,) = self.git("branch", "--list", "smelt/mapping/*").split()
        return self.git("show", f"{branch}:{path}")


def _environment() -> dict[str, str]:
    root = Path(__file__).parents[2]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SMELT_", "ANTHROPIC_"))
    }
    return kept | {"PYTHONPATH": str(root), "COLUMNS": "200"}


def columns_of(mapped: dict[str, Any], stream: str, entity: str) -> dict[str, dict[str, Any]]:
    """The mapping of a stream to an entity, by target column."""
    (streams,) = [one for one in mapped["streams"] if one["stream"] == stream]
    (found,) = [one for one in streams["entities"] if one["entity"] == entity]
    return {column["target"]: column for column in found["columns"]}
