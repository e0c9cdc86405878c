"""Fields of structs and of JSON: renamed, moved, retyped, added, gone; into columns and out of them."""

import pytest

from plugins.schema_drift import Kind, Severity

BEFORE = """
    select
        i as id,
        i % 13 as floor_no,
        {'city': 'c' || i % 50, 'zip': 'z' || i, 'country': 'GB',
            'geo': {'lat': i * 0.5, 'lon': i * 0.25}} as place,
        json_object('a', i, 'b', 't' || i % 17, 'c', json_object('d', i * 3)) as doc
    from range(300) as t(i)
"""
GEO = "'country': place.country, 'geo': place.geo"
CASES = {
    "renamed": (
        f"* replace ({{'town': place.city, 'zip': place.zip, {GEO}}} as place)",
        Kind.NESTED_MOVED, ("place",), ("place",), {"place.city": "place.town"},
    ),
    "moved up": (
        "* replace ({'city': place.city, 'zip': place.zip, 'country': place.country, 'lat': place.geo.lat, "
        "'lon': place.geo.lon} as place)",
        Kind.NESTED_MOVED, ("place",), ("place",), {"place.geo.lat": "place.lat", "place.geo.lon": "place.lon"},
    ),
    "retyped": (
        "* replace ({'city': place.city, 'zip': place.zip, 'country': place.country, "
        "'geo': {'lat': place.geo.lat::varchar, 'lon': place.geo.lon}} as place)",
        Kind.NESTED_CHANGED, ("place",), ("place",), {},
    ),
    "out into a column": (
        f"* exclude (place), {{'city': place.city, {GEO}}} as place, place.zip as postcode",
        Kind.NESTED_MOVED, ("place",), ("place", "postcode"), {"place.zip": "postcode"},
    ),
    "a column moved in": (
        f"* exclude (floor_no) replace ({{'city': place.city, 'zip': place.zip, {GEO}, 'floor': floor_no}} "
        "as place)",
        Kind.NESTED_MOVED, ("place", "floor_no"), ("place",), {"floor_no": "place.floor"},
    ),
    "of JSON renamed": (
        "* replace (json_object('a', doc->'a', 'bb', doc->'b', 'c', doc->'c') as doc)",
        Kind.NESTED_MOVED, ("doc",), ("doc",), {"doc.b": "doc.bb"},
    ),
    "of JSON moved": (
        "* replace (json_object('a', doc->'a', 'b', doc->'b', 'd', doc->'c'->'d') as doc)",
        Kind.NESTED_MOVED, ("doc",), ("doc",), {"doc.c.d": "doc.d"},
    ),
    "of JSON retyped": (
        "* replace (json_object('a', doc->>'a', 'b', doc->'b', 'c', doc->'c') as doc)",
        Kind.NESTED_CHANGED, ("doc",), ("doc",), {},
    ),
    "of JSON out into a column": (
        "* exclude (doc), json_object('b', doc->'b', 'c', doc->'c') as doc, (doc->>'a')::integer as a_no",
        Kind.NESTED_MOVED, ("doc",), ("doc", "a_no"), {"doc.a": "a_no"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_changed_inside_is_told_and_given_back(tables, case):
    sql, kind, before, after, fields = CASES[case]
    (change,) = tables.told(BEFORE, f"select {sql} from before")
    assert (change.kind, change.before, change.after) == (kind, before, after)
    assert change.detail["fields"] == fields
    assert {one.column for one in change.restores} == set(before)
    reads = ", ".join(f"{one.sql} as r{n}" for n, one in enumerate(change.restores))
    same = " and ".join(
        f"json_extract_string(a.r{n}, p) is not distinct from json_extract_string(b.doc, p)"
        if one.column == "doc"
        else f"a.r{n}::varchar = b.{one.column}::varchar"
        for n, one in enumerate(change.restores)
    )
    missed = tables.con.execute(
        f"select count(*) filter (not ({same})) from before b join (select id, {reads} from after) a using (id), "
        "(values ('$.a'), ('$.b'), ('$.c.d')) as paths(p)"
    ).fetchone()
    assert missed == (0,)


@pytest.mark.parametrize(
    "sql",
    [
        f"* replace ({{'city': place.city, 'zip': place.zip, {GEO}, 'code': 'x' || id}} as place)",
        "* replace (json_object('a', doc->'a', 'b', doc->'b', 'c', doc->'c', 'n', 1) as doc)",
    ],
    ids=["struct", "JSON"],
)
def test_a_field_that_came_breaks_nothing(tables, sql):
    (change,) = tables.told(BEFORE, f"select {sql} from before")
    assert (change.kind, change.severity) == (Kind.NESTED_CHANGED, Severity.INFORMATIVE)
    assert len(change.detail["added_fields"]) == 1
    assert not change.restores


@pytest.mark.parametrize(
    ("sql", "lost"),
    [
        (f"* replace ({{'city': place.city, {GEO}}} as place)", "zip"),
        ("* replace (json_object('b', doc->'b', 'c', doc->'c') as doc)", "a"),
    ],
    ids=["struct", "JSON"],
)
def test_a_field_that_is_gone_is_asked_about(tables, sql, lost):
    (change,) = tables.told(BEFORE, f"select {sql} from before")
    assert (change.kind, change.detail["removed_fields"]) == (Kind.NESTED_CHANGED, [lost])
    assert f"`{lost}`" in (change.question or "")
