"""Connectors of twelve real specs, run by airbyte-cdk against the mock that does what hand labels say.

The documents are not in the repository (they have no licence): SMELT_OPENAPI_SPECS names the folder that holds
them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugins.connectors import Connector, check_connector, connect
from plugins.connectors.mock import Faults, Labels, Mock, read_all_labels, serve

_LABELS = read_all_labels(Path(__file__).parents[2] / "bench" / "data" / "connectors" / "labels")
_SPECS = os.environ.get("SMELT_OPENAPI_SPECS")
_HELD = 11
# What only a user can give; the mock takes anything, except for a case, which is one of its features.
_GIVEN = {"owner": "me", "resource_type": "project", "role": "endUser", "end_time": "2030-01-01", "olid": "OL1A"}

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(_SPECS is None, reason="SMELT_OPENAPI_SPECS names no folder of OpenAPI documents"),
]


def config_of(made: Connector, mock: Mock) -> dict[str, str]:
    """Each input, from what the mock wants to see."""
    headers = {name.lower().replace("-", "_"): value for name, value in mock.headers.items()}
    keys = [*mock.query.values(), *(value for name, value in headers.items() if name != "authorization")]
    known = {
        "base_url": mock.url,
        "api_token": mock.secrets.token,
        "api_key": headers.get("authorization") or (keys[0] if keys else ""),
        "username": mock.secrets.username,
        "password": mock.secrets.password,
        **headers,
        **_GIVEN,
    }
    config = {one.name: known.get(one.name, "x") for one in made.inputs if one.name != "start_date"}
    return {**config, "base_url": mock.url}


@pytest.mark.parametrize("labels", _LABELS, ids=lambda labels: labels.spec)
def test_every_labelled_stream_is_read_to_the_last_record(labels: Labels) -> None:
    document = Path(_SPECS or "") / labels.spec
    made = connect(str(document))
    if not labels.streams:
        assert made.streams == ()
        return
    by_path = {one.path: one for one in made.streams}
    wanted = [by_path[one.path].name for one in labels.streams if one.path in by_path]
    faults = Faults(rate_limited_every=19, unavailable_every=47, retry_after_s=0)
    with serve(document, labels, _HELD, faults=faults) as mock:
        config = config_of(made, mock)
        if labels.spec == "pendo_io.yaml":
            config["case_id"] = str(mock.records("/features")[0]["id"])
        done = check_connector(made.manifest, config, streams=wanted)
        # Where all that the API has is a guess, so is the check.
        assert not done.check_error or all("records" in one.unscored for one in labels.streams)
        reads = {one.name: one for one in done.streams}
        for label in labels.streams:
            if label.path not in by_path:
                assert label.doubtful
                continue
            read, held = reads[by_path[label.path].name], mock.held.streams[label.path]
            expected = held.records
            if label.path == "/comments":
                expected = held.per_parent.get(f"case_id={config['case_id']}", 0)
            if "records" in label.unscored:
                # Nobody could know where its records are: an error is right, silence is not.
                assert read.error or read.records == expected, label.path
            else:
                assert (read.error, read.records) == ("", expected), label.path


@pytest.mark.parametrize("spec", ["capsule_crm.yaml", "harvest_app.yaml", "braze.yaml"])
def test_a_second_read_brings_less(spec: str) -> None:
    labels = next(one for one in _LABELS if one.spec == spec)
    document = Path(_SPECS or "") / spec
    made = connect(str(document))
    # A parameter that takes days brings the whole last day again, in which the mock's records all are.
    incremental = [
        one.name
        for one in made.streams
        if one.cursor.value is not None and one.cursor.value.format != "%Y-%m-%d" and one.records.confidence > 0.6
    ]
    assert len(incremental) >= 3
    with serve(document, labels, _HELD, faults=Faults(0, 0)) as mock:
        config = config_of(made, mock)
        first = check_connector(made.manifest, config, streams=incremental)
        states = {one.name: one.state for one in first.streams}
        again = check_connector(made.manifest, config, streams=incremental, states=states)
        assert first.is_good
        assert again.is_good
        for name in incremental:
            assert first.counts[name] == _HELD
            # Of each parent the newest record comes again.
            assert again.counts[name] < _HELD, name
