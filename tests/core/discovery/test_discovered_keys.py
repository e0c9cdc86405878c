"""Keys, dependencies and references."""

from __future__ import annotations

import duckdb

from plugins.core.discovery import StreamProfile, discover_source, discover_stream


def _orders(rows: int) -> list[dict]:
    return [
        {"id": n, "customer_id": n % 37, "country": ("DE", "FR", "IT")[n % 37 % 3], "total": n * 1.5}
        for n in range(rows)
    ]


def _lines(orders: int, each: int = 4) -> list[dict]:
    return [
        {"order_id": n, "line_no": place, "sku": f"A-{(n + place) % 9}"}
        for n in range(orders)
        for place in range(each)
    ]


def _key(found: StreamProfile) -> tuple[str, ...]:
    return found.primary_key.columns if found.primary_key else ()


def test_a_key_is_surer_the_more_rows_there_are() -> None:
    confidences = [discover_stream("orders", _orders(rows)).keys[0].confidence for rows in (3, 30, 3_000)]

    assert confidences == sorted(confidences)
    assert confidences[0] < 0.7
    assert confidences[-1] > 0.95


def test_three_different_values_make_no_key() -> None:
    found = discover_stream("things", [{"colour": "red"}, {"colour": "blue"}, {"colour": "green"}])

    assert found.primary_key is None


def test_a_key_of_two_columns_is_found_and_is_minimal() -> None:
    found = discover_stream("order_lines", _lines(100))

    assert set(_key(found)) == {"order_id", "line_no"}
    assert all(not set(one.columns) < set(other.columns) for one in found.keys for other in found.keys)


def test_a_column_with_a_missing_value_is_no_key() -> None:
    rows = [*_orders(100), {"id": None, "customer_id": 1, "country": "DE", "total": 1.0}]

    assert ("id",) not in [key.columns for key in discover_stream("orders", rows).keys]


def test_a_dependency_is_found_and_what_a_key_determines_is_none() -> None:
    found = discover_stream("orders", _orders(400))

    assert ("customer_id",) in [one.columns for one in found.dependencies if one.determines == "country"]
    assert all(one.columns != ("id",) for one in found.dependencies)


def test_a_dependency_that_some_rows_break_says_how_many() -> None:
    rows = _orders(1_000)
    rows[500]["country"] = "XX"

    (found,) = [one for one in discover_stream("orders", rows).dependencies if one.determines == "country"]

    assert found.violations == 1
    assert "but for 1 rows" in found.evidence


def test_a_dependency_by_chance_is_none() -> None:
    rows = [{"a": n % 2, "b": n // 2 % 2} for n in range(5)]

    assert not discover_stream("few", rows).dependencies


def test_references_are_found_by_values_and_names() -> None:
    customers = [{"id": n, "name": f"c{n}"} for n in range(50)]
    found = discover_source({"customers": customers, "orders": _orders(400), "order_lines": _lines(100)})

    assert {(one.stream, one.columns, one.to_stream, one.to_columns) for one in found.foreign_keys} == {
        ("orders", ("customer_id",), "customers", ("id",)),
        ("order_lines", ("order_id",), "orders", ("id",)),
    }
    assert found.streams[1].column("customer_id").semantic.value == "foreign_key"
    assert "37 of 37" in found.foreign_keys[0].evidence + found.foreign_keys[1].evidence


def test_several_columns_refer_to_a_key_of_several() -> None:
    returns = [{"return_id": n, "order_id": n * 3, "line_no": n % 4, "reason": "broken"} for n in range(30)]

    found = discover_source({"order_lines": _lines(100), "returns": returns})

    assert ("returns", ("order_id", "line_no"), "order_lines", ("order_id", "line_no")) in {
        (one.stream, one.columns, one.to_stream, one.to_columns) for one in found.foreign_keys
    }


def test_small_numbers_within_small_numbers_refer_to_nothing() -> None:
    things = [{"id": n} for n in range(100)]
    found = discover_source(
        {"things": things, "ratings": [{"stars": 1 + n % 5, "film": f"f{n % 40}"} for n in range(200)]}
    )

    assert not found.foreign_keys


def test_a_row_may_refer_to_another_of_its_stream() -> None:
    rows = [{"employee_id": n, "reports_to": None if n == 0 else n // 4} for n in range(60)]

    (found,) = discover_source({"employees": rows}).foreign_keys

    assert (found.stream, found.columns, found.to_stream) == ("employees", ("reports_to",), "employees")


def test_keys_are_verified_on_all_rows() -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table t as select i as id, i // 2 as pair, i % 2 as side, i % 60000 as nearly "
            "from range(70000) r(i)"
        )
        sample = con.sql("select * from t where id < 2000").to_arrow_table()

        found = discover_stream("events", sample, con.table("t"))

    assert found.rows == 70_000
    assert found.sampled == 2_000
    assert _key(found) == ("id",)
    assert all("verified on 70,000 of 70,000 rows" in key.evidence for key in found.keys)
    assert ("nearly",) not in [key.columns for key in found.keys]
    assert {"pair", "side"} in [set(key.columns) for key in found.keys]


def test_references_to_a_sampled_stream_are_looked_up_in_all_of_it() -> None:
    with duckdb.connect() as con:
        con.execute("create table users as select i as id, 'u' || i as login from range(50000) r(i)")
        con.execute("create table visits as select i as id, 40000 + i % 900 as user_id from range(3000) r(i)")
        samples = {
            "users": con.sql("from users limit 1000").to_arrow_table(),
            "visits": con.sql("from visits").to_arrow_table(),
        }

        found = discover_source(samples, {"users": con.table("users"), "visits": con.table("visits")})

    assert [(one.stream, one.columns, one.to_stream) for one in found.foreign_keys] == [
        ("visits", ("user_id",), "users")
    ]
