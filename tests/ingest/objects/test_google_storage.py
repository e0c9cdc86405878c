"""Objects of `gs://`, against a server that speaks Google's interface and asks for a service account's token."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.ingest.objects.conftest import Objects
from tests.ingest.objects.gcs import GoogleStorage, service_account
from tests.ingest.objects.servers import make_certificate

pytestmark = pytest.mark.full


# A listing's answer has so many objects.
PAGE = 1_000


@dataclass
class Drop(Objects):
    """The prefix `in` of a `gs://` bucket, loaded as the stream `t` of the source `s`."""

    server: GoogleStorage | None = None
    bucket: str = ""

    def put(self, name: str, content: str | bytes) -> None:
        assert self.server is not None
        self.server.put(self.bucket, f"in/{name}", content.encode() if isinstance(content, str) else content)

    def stream(self, glob: str = "*.csv", key: str | None = "id", **files: Any) -> None:
        self.declare(files={"glob": glob, **files}, primary_key=[key] if key else [])
        storage = "".join(f'{name} = "{value}"\n' for name, value in self.options.items())
        with (self.project / "smelt.toml").open("a") as file:
            file.write(f"[connections.c.storage]\n{storage}")


@pytest.fixture(scope="module")
def account() -> tuple[str, RSAPublicKey]:
    return service_account()


@pytest.fixture(scope="module")
def google(account: tuple[str, RSAPublicKey], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleStorage]:
    _, certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    server = GoogleStorage(account[1], certificate)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def drop(
    project: Path, google: GoogleStorage, account: tuple[str, RSAPublicKey], request: pytest.FixtureRequest
) -> Drop:
    """A bucket of its own, and the project that reads it with the account's key."""
    bucket = f"b-{abs(hash(request.node.nodeid)):x}"
    google.bucket(bucket)
    (project / "key.json").write_text(account[0])
    options = {
        "endpoint": google.endpoint,
        "service_account": "file:key.json",
        "ca_file": str(google.certificate[0].with_name("ca.pem")),
    }
    made = Drop(
        project, connection={"type": "files", "url": f"gs://{bucket}/in"}, options=options, server=google,
        bucket=bucket,
    )  # fmt: skip
    made.stream()
    return made


def test_new_and_changed_objects_are_told_and_half_written_ones_passed_over(drop: Drop) -> None:
    drop.stream("**/*.csv")
    drop.put("a.csv", "id,v\n1,a\n2,b\n")
    drop.put("2026/100% of [all] ü?.csv", "id,v\n3,c\n")
    drop.put(".half.csv", "id,v\n4,")
    drop.put("c.csv.part", "id,v\n5,")
    assert drop.load().rows_loaded == 3
    assert drop.load().rows_read == 0
    drop.put("a.csv", "id,v\n1,x\n3,d\n")
    result = drop.load()
    assert (result.rows_read, result.rows_loaded, result.tombstones) == (2, 2, 1)
    assert drop.load().outcome == "unchanged"


def test_a_listing_of_several_pages_is_read_to_its_end(drop: Drop) -> None:
    for number in range(PAGE + 30):
        drop.put(f"{number:05d}.csv", f"id,v\n{number},a\n")
    assert drop.load().rows_loaded == PAGE + 30
    drop.put("00500.csv", "id,v\n500,b\n")
    assert drop.load().rows_read == 1


def test_an_object_that_is_replaced_while_it_is_read_is_never_mixed(
    drop: Drop, google: GoogleStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.extract.bucket._RANGE", 64)
    monkeypatch.setenv("SMELT_MAINTENANCE__IS_AUTOMATIC", "false")
    before, after = ("id,v\n" + "".join(f"{n},{sign}\n" for n in range(40)) for sign in "ab")
    drop.put("x.csv", before)
    parts: list[str] = []

    def replaced(path: str) -> None:
        if "x%2Ecsv" in path or "x.csv" in path:
            parts.append(path)
            if len(parts) == 2:
                drop.put("x.csv", after)

    monkeypatch.setattr(google, "on_get", replaced)
    result = drop.load()
    assert result.rows_loaded == 0
    assert "changed while being read" in str(result.notes)
    assert len(parts) >= 2
    assert drop.load().rows_loaded == 40
    assert drop.bronze("select distinct v from bronze") == [("b",)]


def test_the_key_is_asked_for_renewed_and_told_nobody(drop: Drop, account: tuple[str, RSAPublicKey]) -> None:
    drop.put("a.csv", "id,v\n1,a\n")
    other, _ = service_account()
    (drop.project / "key.json").write_text(other)
    assert "access is refused" in (drop.ingest().error or "")
    (drop.project / "key.json").write_text(account[0])
    code, printed = drop.command("ingest", "s")
    assert code == 0, printed
    printed += drop.command("doctor")[1] + drop.command("discover", "c")[1]
    assert "rows" in printed
    secret = json.loads(account[0])["private_key"].splitlines()[5]
    assert secret not in printed
    for folder, _, names in os.walk(drop.project):
        for name in names:
            assert name == "key.json" or secret.encode() not in Path(folder, name).read_bytes(), name


def test_what_is_wrong_is_one_clear_message(drop: Drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n")
    drop.connection["url"] = "gs://not-there/in"
    drop.stream()
    assert "not-there" in (drop.ingest().error or "")
    drop.connection["url"] = f"gs://{drop.bucket}/in"
    (drop.project / "key.json").write_text("{}")
    drop.stream()
    assert "is no JSON key of a service account" in (drop.ingest().error or "")
