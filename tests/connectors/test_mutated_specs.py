"""Specs with anything in them that doesn't belong there: no crash, and what comes out is valid to airbyte-cdk."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from small_specs import listing, record, spec, write

from plugins.connectors import connect, validate_manifest
from plugins.core.errors import SmeltError

JUNK = [
    None,
    7,
    "x",
    "",
    [],
    {},
    [None],
    {"a": None},
    True,
    "{{ x }}",
    {"$ref": "#/x"},
    {"$ref": 7},
    {"type": "array"},
]
ORDERS = listing(
    record(updated_at={"type": "string", "format": "date-time"}),
    query={
        "page": {"type": "integer"},
        "limit": {"type": "integer", "maximum": 50},
        "updated_since": {"type": "string"},
    },
    wrapper="orders",
    beside={"links": {"type": "object", "properties": {"next": {"type": "string"}}}},
)
SHOP = spec(
    {
        "/orders": ORDERS,
        "/orders/{order_id}/lines": listing(),
        "/people": listing({"$ref": "#/components/schemas/P"}),
    },
    components={"schemas": {"P": record()}, "securitySchemes": {"k": {"type": "http", "scheme": "bearer"}}},
    security=[{"k": []}],
)


def places(tree: Any) -> list[tuple[Any, Any]]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        found += [(node, key) for key in keys]
        waiting += [node[key] for key in keys]
    return found


def mutated(chance: random.Random) -> dict[str, Any]:
    document = copy.deepcopy(SHOP)
    for _ in range(chance.choice([1, 2, 5, 20])):
        node, key = chance.choice(places(document))
        if isinstance(node, dict) and chance.random() < 0.2:
            node[chance.choice(["{{ a }}", "$ref", "é", "[/]", ""])] = copy.deepcopy(node[key])
        else:
            node[key] = copy.deepcopy(chance.choice(JUNK))
    return document


@pytest.mark.parametrize("seed", range(12))
def test_a_mutated_spec_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(25):
        location = write(tmp_path, mutated(chance))
        try:
            made = connect(location)
        except SmeltError:
            continue
        json.dumps(made.document())
        if made.streams and number % 5 == 0:
            config = {one.name: "x" for one in made.inputs if one.name != "start_date"}
            names = validate_manifest(made.manifest, {**config, "base_url": "http://127.0.0.1:1"})
            assert names == tuple(one.name for one in made.streams)
