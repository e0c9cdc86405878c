"""The hand labels of real APIs can be read, and each labelled stream can be paged through over HTTP.

The documents are not in the repository (they have no licence), so the second needs the folder that holds them in
SMELT_OPENAPI_SPECS.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from label_client import Client

from plugins.connectors.mock import Faults, Labels, read_all_labels, serve

_LABELS = read_all_labels(Path(__file__).parents[3] / "bench" / "data" / "connectors" / "labels")
_SPECS = os.environ.get("SMELT_OPENAPI_SPECS")
_INPUTS = {"owner": "me", "resource_type": "project", "role": "endUser", "end_time": "2030-01-01", "olid": "OL1A"}
# where each user is asked for with each workspace, few of them are enough
_FEW = {"/users": 7, "/workspaces": 5}


def test_twelve_apis_are_labelled() -> None:
    """Ten are asked for; each endpoint is labelled once."""
    assert len(_LABELS) == 12
    for labels in _LABELS:
        paths = [one.path for one in (*labels.streams, *labels.not_collections)]
        assert len(paths) == len(set(paths)), labels.spec


@pytest.mark.full
@pytest.mark.skipif(_SPECS is None, reason="SMELT_OPENAPI_SPECS names no folder of OpenAPI documents")
@pytest.mark.parametrize("labels", _LABELS, ids=lambda labels: labels.spec)
def test_each_labelled_stream_gives_what_the_mock_holds(labels: Labels) -> None:
    """Every record once, of the right parent, in several pages, with requests failing in between."""
    few = _FEW if labels.spec == "asana.yaml" else {}
    faults = Faults(rate_limited_every=13, unavailable_every=50, retry_after_s=0)
    with serve(Path(_SPECS or "") / labels.spec, labels, few, faults=faults) as mock:
        client = Client(mock, labels, inputs=_INPUTS)
        for stream in labels.streams:
            found = client.read(stream.path)
            held = mock.held.streams[stream.path]
            assert held.records == few.get(stream.path, 137)
            assert len(found) == held.records, stream.path
            assert sorted(map(str, mock.records(stream.path))) == sorted(str(record) for _, record in found)
            if stream.primary_key:
                keys = {tuple(str(record[name]) for name in stream.primary_key) for _, record in found}
                assert len(keys) == len(found), stream.path
            of_parents = Counter(
                "&".join(f"{name}={value}" for name, value in values.items()) for values, _ in found
            )
            assert not stream.parent or of_parents == held.per_parent, stream.path
            if stream.pagination.kind != "none" and stream.path not in few:
                assert held.calls > len(client.partitions(stream.path)), stream.path
            if stream.cursor and stream.cursor.parameter:
                since = sorted(str(record[stream.cursor.field]) for _, record in found)[-9]
                assert len(client.read(stream.path, **{stream.cursor.parameter: since})) == 9, stream.path
        for other in labels.not_collections:
            status, _, _ = client.request(other.path.replace("{", "").replace("}", ""))
            assert status in (200, 400, 429, 503), other.path
