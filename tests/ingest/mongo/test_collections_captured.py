"""Changes of collections land once, in order, with the latest state right."""

from __future__ import annotations


def test_a_first_reading_and_then_its_changes(shop) -> None:
    shop.insert({"_id": 1, "v": 1}, {"_id": 2, "v": 2}, {"_id": 3, "v": 3})
    shop.read()
    assert shop.load().rows_loaded == 3
    assert shop.state("_id, v") == [("1", 1), ("2", 2), ("3", 3)]
    shop.replica.update("shop", "t", 1, v=10)
    shop.replica.delete("shop", "t", 2)
    shop.replica.replace("shop", "t", {"_id": 3, "w": "x"})
    shop.insert({"_id": 4, "v": 4})
    assert shop.load().rows_loaded == 4
    assert shop.state("_id, v, w") == [("1", 10, None), ("3", None, "x"), ("4", 4, None)]
    assert [op for op, *_ in shop.events("_id")] == ["u", "d", "u", "c"]
    assert shop.load().outcome == "unchanged"
