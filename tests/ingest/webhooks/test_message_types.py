"""Columns keep their types from batch to batch, and no value goes missing."""

from __future__ import annotations

import json

import pytest


def _batch(hooks, sender, *records) -> None:
    for record in records:
        assert sender.send(record) == 202
    hooks.load()


def test_a_single_value_that_does_not_fit_goes_to_extra_and_a_new_type_begins_a_column(hooks) -> None:
    sender = hooks.serve()
    _batch(hooks, sender, {"n": 1, "v": 1}, {"n": 2, "v": 2}, {"n": 3, "v": 3})
    _batch(hooks, sender, {"n": 4, "v": 4}, {"n": 5, "v": "n/a"}, {"n": 6, "v": 6})
    _batch(hooks, sender, {"n": 7, "v": 1.5}, {"n": 8, "v": 2.5})
    _batch(hooks, sender, {"n": 9, "v": 3})
    rows = hooks.bronze("select n, v, v__v2, _smelt_extra from bronze order by n")
    assert rows[3:6] == [(4, 4, None, None), (5, None, None, '{"v":"n/a"}'), (6, 6, None, None)]
    assert rows[6:] == [(7, None, 1.5, None), (8, None, 2.5, None), (9, None, 3.0, None)]


@pytest.mark.full
def test_numbers_beyond_what_a_column_holds_and_names_that_are_ours_are_kept(hooks) -> None:
    sender = hooks.serve()
    record = {"n": 1, "big": 2**63 + 5, "_smelt_op": "d", "": 1, "deep": {"a": [1, None]}}
    _batch(hooks, sender, record)
    ((body, extra, big, deep),) = hooks.bronze("select _smelt_body, _smelt_extra, big, deep from bronze")
    assert json.loads(body) == record
    assert json.loads(extra) == {"_smelt_op": "d", "": 1}
    assert (big, json.loads(deep)) == (str(2**63 + 5), {"a": [1, None]})


@pytest.mark.full
def test_a_field_that_some_messages_lack_is_no_change_of_the_schema(hooks) -> None:
    sender = hooks.serve()
    _batch(hooks, sender, {"n": 1, "a": 1})
    sender.send({"n": 2})
    assert hooks.load().schema_version is None
    sender.send({"n": 3, "b": "x"})
    assert hooks.load().schema_change == "+b"


@pytest.mark.full
def test_under_freeze_what_is_new_is_a_dead_letter(hooks) -> None:
    hooks.source(schema_policy="freeze")
    sender = hooks.serve()
    _batch(hooks, sender, {"n": 1})
    _batch(hooks, sender, {"n": 2}, {"n": 3, "b": "x"})
    assert hooks.bronze("select n from bronze order by n") == [(1,), (2,)]
    assert len(hooks.letters()) == 1


def test_what_is_no_json_object_is_a_dead_letter_with_its_bytes(hooks) -> None:
    sender = hooks.serve()
    _batch(hooks, sender, b"\xff not json", b"[1, 2]", {"n": 1})
    assert [raw for _, raw in hooks.letters()] == [b"\xff not json", b"[1, 2]"]
    assert hooks.bronze("select n from bronze") == [(1,)]


@pytest.mark.full
def test_a_sender_that_makes_up_names_does_not_make_a_table_without_end(hooks) -> None:
    sender = hooks.serve()
    _batch(hooks, sender, {f"k{n}": n for n in range(1500)})
    ((extra,),) = hooks.bronze("select _smelt_extra from bronze")
    assert len(json.loads(extra)) == 500
