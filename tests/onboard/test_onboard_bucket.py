"""`smelt onboard` of a bucket: its source.yml, its connection without a key, its first load, its pull request."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from plugins.discovery import discover_place, read_place
from plugins.onboard.buckets import storage_of
from plugins.onboard.files import draft_bucket
from tests.ingest.federated.counting import Counting, serve_s3
from tests.ingest.objects.servers import open_client
from tests.onboard.conftest import environment, git

SECRET = "canary-of-onboarding-c40d"


@pytest.fixture
def server() -> Iterator[Counting]:
    server = serve_s3("onboarded")
    store = open_client("onboarded", server.url)
    for month in range(1, 13):
        lines = "".join(f"{month * 100 + n},{n},2026-{month:02d}-01\n" for n in range(40))
        store.put(
            f"crm/tickets/2026-{month:02d}.csv.gz", gzip.compress(f"ticket_id,contact_id,opened\n{lines}".encode())
        )
    contacts = "".join(f'{{"contact_id": {n}, "email": "a{n}@example.com", "city": "Ulm"}}\n' for n in range(40))
    store.put("crm/contacts.ndjson", contacts.encode())
    store.put("crm/readme.md", b"no data")
    yield server
    server.stop()


def test_a_draft_has_patterns_for_all_objects_and_references_to_keys(
    server: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KEY", "id-of-the-crm")
    monkeypatch.setenv("CRM_SECRET", SECRET)
    settings = load_settings(tmp_path)
    given = {"endpoint": server.url, "access_key": "env:CRM_KEY", "secret_key": "env:CRM_SECRET"}
    storage = storage_of(settings, "s3://onboarded/crm", given)
    with read_place("s3://onboarded/crm", project_dir=tmp_path, storage=storage) as place:
        drafted = draft_bucket("s3://onboarded/crm", storage, "crm", "ann", place, discover_place(place))
    (text,) = drafted.files.values()
    streams = YAML(typ="safe").load(text)["streams"]
    assert {one["name"]: one["files"]["glob"] for one in streams} == {
        "contacts": "contacts.ndjson",
        "tickets": "tickets/*.csv.gz",
    }
    assert [one.get("primary_key") for one in streams] == [["contact_id"], ["ticket_id"]]
    assert 'access_key = "env:CRM_KEY"' in drafted.connection
    assert SECRET not in text + drafted.connection

    with pytest.raises(SmeltError, match="secret_key: a key is a reference"):
        storage_of(settings, "s3://onboarded/crm", given | {"secret_key": SECRET})


@pytest.mark.full
def test_a_bucket_becomes_loaded_streams_and_a_pull_request(server: Counting, bare: Path) -> None:
    given = {"endpoint": server.url, "access_key": "env:CRM_KEY", "secret_key": "env:CRM_SECRET"}
    sets = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    told = subprocess.run(
        [sys.executable, "-m", "plugins.cli", "onboard", "s3://onboarded/crm", "--json", *sets],
        cwd=bare,
        env=environment() | {"CRM_KEY": "id-of-the-crm", "CRM_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    done = json.loads(told.stdout)
    assert {one["stream"]: one["rows"] for one in done["streams"]} == {"crm.contacts": 40, "crm.tickets": 480}
    assert git(bare, "branch", "--list", "smelt/*").strip(), "there is a pull request"
    assert "env:CRM_SECRET" in git(bare, "show", "HEAD:smelt.toml")
    assert SECRET not in told.stdout + told.stderr
    for path in bare.rglob("*"):
        assert not (path.is_file() and SECRET.encode() in path.read_bytes()), path
