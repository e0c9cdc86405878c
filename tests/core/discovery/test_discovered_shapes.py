"""Nested rows: objects, arrays, maps and fields of several types."""

from __future__ import annotations

import pyarrow as pa

from plugins.core.discovery import discover_source, discover_stream, document

_ROWS = [
    {
        "id": n,
        "customer": {"name": "Mary Tar", "address": {"city": "Ulm"}},
        "lines": [{"sku": f"A-{n % 5}", "taxes": [{"rate": 7}, {"rate": 19}]} for _ in range(1 + n % 3)],
        "tags": ["new", "old"][: n % 3],
        "stock": {f"store{1000 + n + k}": k for k in range(3)},
        "ref": n if n % 2 else f"r{n}",
    }
    for n in range(60)
]


def test_objects_become_columns_with_a_path() -> None:
    found = discover_stream("orders", _ROWS)

    assert found.column("customer__name").path == ("customer", "name")
    assert found.column("customer__address__city").path == ("customer", "address", "city")


def test_arrays_become_streams_with_keys_and_stay_columns() -> None:
    found = discover_stream("orders", _ROWS)
    lines = next(child for child in found.children if child.name == "orders__lines")
    (taxes,) = lines.children

    assert found.column("lines").data_type == "JSON"
    assert found.column("tags").data_type == "VARCHAR[]"
    assert lines.parent == "orders"
    assert lines.rows == sum(len(row["lines"]) for row in _ROWS)
    assert lines.primary_key is not None
    assert lines.primary_key.columns == ("_parent_id", "_position")
    assert taxes.name == "orders__lines__taxes"
    assert taxes.primary_key is not None
    assert len(taxes.primary_key.columns) == 3


def test_children_refer_to_their_parents() -> None:
    found = discover_source({"orders": _ROWS})

    references = {(one.stream, one.columns, one.to_stream, one.to_columns) for one in found.foreign_keys}
    assert ("orders__lines", ("_parent_id",), "orders", ("id",)) in references


def test_maps_are_not_spread() -> None:
    found = discover_stream("orders", _ROWS)

    assert found.column("stock").semantic.value == "map"
    assert found.column("stock").data_type == "MAP(VARCHAR, BIGINT)"


def test_fields_of_several_types_list_them_with_their_shares() -> None:
    found = discover_stream("orders", _ROWS).column("ref")

    assert found.semantic.value == "polymorphic"
    assert {(one.data_type, one.share) for one in found.variants} == {("BIGINT", 0.5), ("VARCHAR", 0.5)}


def test_wide_sparse_objects_of_many_kinds_are_no_maps() -> None:
    rows = [{"o": {f"field_{n % 30}": n, f"name_{n % 29}": "x", "at": [1]}} for n in range(60)]

    assert all(one.semantic.value != "map" for one in discover_stream("s", rows).columns)


def test_arrow_tables_with_nested_columns_are_read_as_rows_are() -> None:
    table = pa.table({"id": [1, 2], "o": [{"a": 1}, {"a": 2}], "l": [[1, 2], [3]]})

    found = discover_stream("t", table)

    assert [one.name for one in found.columns] == ["id", "o__a", "l"]
    assert found.children[0].name == "t__l"


def test_json_in_text_is_looked_into_and_stays_a_column() -> None:
    rows = [
        {"id": n, "payload": f'{{"mail": "u{n}@example.org", "n": {n}}}', "lines": f'[{{"sku": "A{n}"}}]'}
        for n in range(40)
    ]

    found = discover_stream("events", rows)

    assert found.column("payload").semantic.value == "json"
    assert found.column("payload").casts_to == "JSON"
    assert found.column("payload__mail").path == ("payload", "mail")
    assert found.column("payload__mail").semantic.value == "email"
    assert [child.name for child in found.children] == ["events__lines"]


def test_columns_of_the_same_name_are_told_apart() -> None:
    found = discover_stream("t", [{"a__b": 1, "a": {"b": 2}}])

    assert [one.name for one in found.columns] == ["a__b", "a__b_2"]


def test_a_document_is_plain_json() -> None:
    import json

    found = document(discover_source({"orders": _ROWS}), "shop")

    assert json.loads(json.dumps(found)) == found
    assert found["streams"][0]["children"][0]["parent"] == "orders"
