"""Connectors from specs: of twelve real APIs, labelled by hand, how many fields are right, for us and dlt-init-
openapi.

The documents have no licence, so they are not here: SMELT_OPENAPI_SPECS names the folder that holds them
(https://github.com/dlt-hub/openapi-specs, open_api_specs/). Without it there is nothing to measure.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.connectors_peer import VERSION, PeerRun, run_peer
from bench.connectors_scoring import FIELDS, Answer, Said, Verdict, score, tally
from plugins.connectors import Connector, connect, validate_manifest
from plugins.connectors.mock import Labels, read_all_labels
from plugins.core.errors import SmeltError

_LABELS = Path(__file__).parent / "data" / "connectors" / "labels"
_KINDS = {"api_key": "api_key_{place}", "bearer": "bearer", "basic": "basic", "none": "none"}


def run(console: Console) -> None:
    """Print how many fields are right, by document and by kind of field, what is wrong, and what the CDK says."""
    folder = os.environ.get("SMELT_OPENAPI_SPECS")
    if not folder:
        console.print("connectors: SMELT_OPENAPI_SPECS names no folder of OpenAPI documents; nothing measured")
        return
    labels = [one for one in read_all_labels(_LABELS) if (Path(folder) / one.spec).is_file()]
    paths = [Path(folder) / one.spec for one in labels]
    ours, seconds = {}, {}
    for one, path in zip(labels, paths, strict=True):
        begun = time.perf_counter()
        made = connect(str(path))
        seconds[one.spec] = time.perf_counter() - begun
        ours[one.spec] = score(answer_of(made), one)
    console.print("running dlt-init-openapi in an environment of its own …")
    runs = run_peer(paths)
    theirs = (
        {one.spec: _peer_score(one, runs[path]) for one, path in zip(labels, paths, strict=True)} if runs else {}
    )
    _by_document(console, labels, ours, theirs, seconds, runs, paths)
    _by_field(console, ours, theirs)
    _wrong(console, ours)
    _validity(console, Path(folder))


def answer_of(connector: Connector) -> Answer:
    """What a connector says, in the words of the labels."""
    document = connector.document()
    auth = document["auth"]
    kind = _KINDS.get(auth["kind"], "oauth2").format(place=auth.get("place", ""))
    streams = {}
    for one in document["streams"]:
        cursor = one["cursor"]
        streams[one["path"]] = Said(
            records=tuple(one["records"]),
            primary_key=tuple(one["primary_key"]) or None,
            pagination=one["pagination"],
            cursor=(cursor["field"], cursor["parameter"]) if cursor else None,
            parents=frozenset((p["path"], p["parameter"], p["field"]) for p in one["parent"]),
            required_inputs=frozenset(one["required_inputs"]),
        )
    return Answer(document["base_url"], (kind, auth.get("name")), streams)


def _peer_score(labels: Labels, run: PeerRun) -> list[Verdict]:
    return score(run.answer or Answer(None, ("nothing", None), {}), labels)


def _by_document(
    console: Console,
    labels: list[Labels],
    ours: dict[str, list[Verdict]],
    theirs: dict[str, list[Verdict]],
    seconds: dict[str, float],
    runs: dict[Path, PeerRun] | None,
    paths: list[Path],
) -> None:
    table = Table(
        "document", "fields", "right: smelt", f"dlt-init-openapi {VERSION}", "seconds: smelt", "dlt-init-openapi"
    )
    for one, path in zip(labels, paths, strict=True):
        found, peer = ours[one.spec], runs[path] if runs else None
        failed = " (ended with an error)" if peer and peer.answer is None else ""
        table.add_row(
            one.spec,
            str(len(found)),
            f"{_share(found):.3f}",
            f"{_share(theirs[one.spec]):.3f}{failed}" if peer else "not run",
            f"{seconds[one.spec]:.2f}",
            f"{peer.seconds:.2f}" if peer else "–",
        )
    everything = [verdict for found in ours.values() for verdict in found]
    all_theirs = [verdict for found in theirs.values() for verdict in found]
    table.add_row(
        "all fields",
        str(len(everything)),
        f"{_share(everything):.3f}",
        f"{_share(all_theirs):.3f}" if theirs else "–",
        f"{sum(seconds.values()):.2f}",
        f"{sum(one.seconds for one in runs.values()):.2f}" if runs else "–",
    )
    table.add_row("mean of documents", "", f"{_mean(ours):.3f}", f"{_mean(theirs):.3f}" if theirs else "–", "", "")
    console.print(table)


def _by_field(console: Console, ours: dict[str, list[Verdict]], theirs: dict[str, list[Verdict]]) -> None:
    table = Table("field", "right: smelt", "dlt-init-openapi", "of")
    mine = tally([verdict for found in ours.values() for verdict in found])
    other = tally([verdict for found in theirs.values() for verdict in found])
    for name in FIELDS:
        right, every = mine[name]
        peer = f"{other[name][0] / other[name][1]:.3f}" if name in other else "–"
        table.add_row(name, f"{right / every:.3f}", peer, str(every))
    console.print(table)


def _wrong(console: Console, ours: dict[str, list[Verdict]]) -> None:
    for spec, found in ours.items():
        for one in found:
            if not one.is_right:
                console.print(
                    f"  wrong  {spec} {one.path} {one.field}: {one.expected}, said {one.said}", markup=False
                )


def _validity(console: Console, folder: Path) -> None:
    """Of every document of the folder: what airbyte-cdk discovers, or why there is nothing."""
    table = Table("document", "streams that airbyte-cdk discovers", "defects", "what it ended in")
    for path in sorted(folder.glob("*.y*ml")):
        try:
            made = connect(str(path))
        except SmeltError as error:
            table.add_row(path.name, "–", "–", error.message.replace(str(path), path.name))
            continue
        if not made.streams:
            why = made.defects[0].what if made.defects else "no endpoint is a list of records"
            table.add_row(path.name, "0", str(len(made.defects)), why)
            continue
        config = {one.name: "x" for one in made.inputs if one.name != "start_date"} | {
            "base_url": "http://127.0.0.1:1"
        }
        table.add_row(
            path.name, str(len(validate_manifest(made.manifest, config))), str(len(made.defects)), "a manifest"
        )
    console.print(table)


def _share(verdicts: list[Verdict]) -> float:
    return sum(one.is_right for one in verdicts) / len(verdicts) if verdicts else 0.0


def _mean(found: dict[str, list[Verdict]]) -> float:
    return sum(_share(one) for one in found.values()) / len(found) if found else 0.0
