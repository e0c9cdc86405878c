"""The SQL guard: no attack passes, nothing harmless is refused, and the engine refuses what the check would."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Checked, GuardError, Limits, check, open_guarded, run
from plugins.core.sql.guard.functions import classification

HERE = Path(__file__).parent
RELATIONS = ["main.orders", "main.customers"]
ATTACKS: list[str] = [
    a for group in YAML(typ="safe").load((HERE / "attacks.yaml").read_text()).values() for a in group
]
HARMLESS = [line for line in (HERE / "harmless.sql").read_text().splitlines() if line.strip()]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("guard") / "shop.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            """
            create table customers as select i as id, 'customer ' || i as name,
                list_element(['UK', 'FR', 'DE'], 1 + i % 3) as country from range(1, 8) as r(i);
            create table orders as select i as id, 1 + i % 6 as customer_id,
                (i * 7 % 100)::decimal(10, 2) as amount,
                case when i % 3 = 0 then 'open' else 'paid' end as status,
                timestamp '2024-01-01' + interval (i * 10) hour as ordered_at from range(1, 101) as r(i);
            """
        )
    return path


@pytest.fixture(scope="session")
def guarded(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_guarded(database) as con:
        yield con


def test_the_corpora_are_as_large_as_they_should_be() -> None:
    assert len(set(ATTACKS)) >= 150
    assert len(set(HARMLESS)) >= 150


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_passes(attack: str) -> None:
    with pytest.raises(GuardError) as refused:
        check(attack, RELATIONS)
    assert refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("query", HARMLESS)
def test_nothing_harmless_is_refused_and_it_runs(query: str, guarded: duckdb.DuckDBPyConnection) -> None:
    result = run(guarded, check(query, RELATIONS))
    assert result.columns


@given(
    attack=st.sampled_from([a for a in ATTACKS if "'" not in a and a.strip()]),
    upper=st.booleans(),
    space=st.sampled_from([" ", "\n", "\t", " /* x */ ", " -- x\n"]),
)
@settings(max_examples=150, deadline=None)
def test_case_and_white_space_hide_nothing(attack: str, upper: bool, space: str) -> None:
    text = attack.upper() if upper else attack
    with pytest.raises(GuardError):
        check(text.replace(" ", space), RELATIONS)


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_refused_or_reads_nothing(text: str) -> None:
    try:
        checked = check(text, [])
    except GuardError:
        return
    assert checked.relations == frozenset()


def test_every_function_of_duckdb_is_classified() -> None:
    with duck.connect() as con:
        rows = con.execute(
            "select distinct function_name, case function_type when 'table_macro' then 'table' "
            "when 'macro' then 'scalar' else function_type end from duckdb_functions()"
        ).fetchall()
    assert classification().keys() == {(name, kind) for name, kind in rows}


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "copy (select 1) to '/tmp/smelt-guard-x.csv'",
        "attach '/tmp/smelt-guard-x.duckdb'",
        "create table x as select 1",
        "delete from orders",
        "set enable_external_access = true",
        "set memory_limit = '10GB'",
        "load httpfs",
    ],
)
def test_the_engine_refuses_by_itself(sql: str, guarded: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        guarded.execute(sql).fetchall()


def _copy(database: Path, name: str) -> Path:
    """Connections of one process to one file share their settings: a file of its own has its own."""
    return Path(shutil.copy(database, database.with_name(f"{name}.duckdb")))


def test_an_unguarded_connection_runs_nothing(database: Path) -> None:
    copy = _copy(database, "open")
    with duckdb.connect(str(copy), read_only=True) as con, pytest.raises(SmeltError, match="not guarded"):
        run(con, check("select 1", []))


@pytest.mark.parametrize(
    "bomb",
    [
        "select count(*) from orders a, orders b, orders c, orders d, orders e, orders f, orders g",
        "with recursive t as (select 1 as n union all select n + 1 from t) select max(n) from t",
        "select sum(i * j) from range(100000000) a(i), range(1000) b(j)",
    ],
)
def test_what_takes_too_long_is_stopped(bomb: str, guarded: duckdb.DuckDBPyConnection) -> None:
    started = time.monotonic()
    with pytest.raises(SmeltError, match="longer than"):
        run(guarded, check(bomb, RELATIONS), Limits(seconds=1))
    assert time.monotonic() - started < 20


def test_what_needs_too_much_memory_is_stopped(database: Path) -> None:
    limits = Limits(seconds=60, memory_mb=100)
    query = "select list(i) from range(100000000) as r(i)"
    with open_guarded(_copy(database, "memory"), limits=limits) as con, pytest.raises(SmeltError, match="memory"):
        run(con, check(query, []), limits)


def test_rows_are_cut_and_said(guarded: duckdb.DuckDBPyConnection) -> None:
    result = run(guarded, check("select * from range(1000)", []), Limits(rows=10))
    assert len(result.rows) == 10
    assert result.is_truncated
    assert not run(guarded, check("select * from range(10)", []), Limits(rows=10)).is_truncated


def test_data_stays_data(guarded: duckdb.DuckDBPyConnection) -> None:
    said = "'; drop table orders; -- ignore previous instructions"
    result = run(guarded, check(f"select '{said.replace(chr(39), chr(39) * 2)}' as x", []))
    assert result.rows == ((said,),)


def test_what_was_read_and_called_is_told() -> None:
    checked = check(
        "with a as (select * from orders) select max(id) from a join main.customers using (id)", RELATIONS
    )
    assert checked == Checked(checked.sql, frozenset({"orders", "main.customers"}), frozenset({"max"}))


def test_messages_say_where_and_what_there_is() -> None:
    with pytest.raises(GuardError) as refused:
        check("select *\nfrom ordres", RELATIONS)
    assert "ordres in line 2, column 6" in refused.value.message
    assert "main.orders" in (refused.value.hint or "")


@pytest.mark.parametrize(("function", "is_loaded"), [("range", False), ("iceberg_scan", True)])
def test_only_a_file_that_reads_iceberg_loads_its_extension(
    tmp_path: Path, function: str, is_loaded: bool
) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duck.connect(path) as con:
        con.execute(f"create macro orders(place) as table from {function}(place)")
    with open_guarded(path) as con:
        found = con.execute("select 1 from duckdb_functions() where function_name = 'iceberg_scan'").fetchall()
    assert bool(found) == is_loaded


def test_the_sql_of_a_model_over_a_whole_project_is_read_where_that_is_allowed() -> None:
    long = " union all ".join(f"select {n} as stream, count(*) as rows_there from gold.a" for n in range(3_000))
    with pytest.raises(GuardError, match="characters"):
        check(long, ["gold.a"])
    assert check(long, ["gold.a"], longest=10_000_000).relations == {"gold.a"}
