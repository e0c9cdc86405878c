"""A bucket of a real S3 server, into which objects are put, and replaced."""

from __future__ import annotations

import time
from collections import defaultdict

from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.faults.balance import Lanes
from tests.faults.histories.base import CARE, History, lanes
from tests.ingest.objects.servers import Gateway, open_client

ROWS = 4
# More objects than a position has room for.
_MANY = 1_050
# One in so many steps puts another version in the place of an object.
_REPLACED = 4


class ObjectsHistory(History):
    """CSV files of a few rows each, some of them replaced by another version of the same rows."""

    kind = "objects"
    failpoints = [
        "after-extract", "after-stage", "after-segment", "after-parquet", "before-commit", "in-transaction",
        "after-commit", "before-acknowledge", "after-acknowledge", "before-commit:2", "after-commit:2",
        "before-acknowledge:3", *CARE,
    ]  # fmt: skip

    def prepare(self) -> None:
        # Beside the project, for nothing in it may hold a secret.
        self._gateway = Gateway(self.project.parent / "s3", secret_key=self.secret("key.secret"))
        self.keep("key.id", self._gateway.access_key)
        self._gateway.bucket("drop")
        self._gateway.start()
        self.proxy.upstream = self._gateway.port
        self._store: S3Store = self._client()
        self.declare(
            '[connections.c]\ntype = "files"\nurl = "s3://drop/in"\n[connections.c.storage]\n'
            f'endpoint = "http://127.0.0.1:{self.proxy.port}"\naccess_key = "file:key.id"\n'
            'secret_key = "file:key.secret"\n',
            kind="files",
            streams=[{"name": "t", "files": {"glob": "*.csv"}, "primary_key": ["id"]}],
        )
        self._versions: dict[int, int] = {}
        self._wanted = 0

    def step(self) -> None:
        """An object, new or in the place of another."""
        if self._wanted > 0:
            self._wanted -= 1
            self._put(len(self._versions), 1)
            return
        if self._versions and self.chance.randrange(_REPLACED) == 0:
            number = self.chance.randrange(len(self._versions))
            self._put(number, self._versions[number] + 1)
        else:
            self._put(len(self._versions), 1)
        time.sleep(self.chance.uniform(0.0, 0.1))

    def provoke(self, failpoint: str) -> None:
        """A position is written to a segment when it is full."""
        if failpoint == "after-segment":
            self._wanted = _MANY
            while self._wanted > 0 and self.defect is None:
                time.sleep(0.05)

    def written(self) -> Lanes:
        """By object; versions that were replaced before anybody saw them are no loss, but the last is."""
        seen: dict[str, set[str]] = defaultdict(set)
        for lane, events in self._seen.items():
            seen[lane] = {event.rpartition(" ")[2] for event in events}
        return lanes(
            (f"{number:05d}", event)
            for number, last in sorted(self._versions.copy().items())
            for version in range(1, last + 1)
            if version == last or f"v{version}" in seen[f"{number:05d}"]
            for event in _rows(number, version)
        )

    def found(self) -> Lanes:
        rows = self.bronze(
            "select id, v, _smelt_op from bronze order by _smelt_batch_id, _smelt_source_position", "s__t"
        )
        self._seen = lanes(
            (f"{int(key) // ROWS:05d}", f"{key} {version}{_OPS.get(op, op)}") for key, version, op in rows
        )
        return self._seen

    def balance(self):
        self.found()  # `written` needs to know what was seen
        return super().balance()

    def restart(self, *, is_crash: bool) -> None:
        # It has nothing to write down at its end: a stop is a crash.
        self._gateway.stop()
        time.sleep(self.chance.uniform(0.0, 1.0))
        self._gateway.start()

    def rotate(self) -> None:
        self._gateway.stop()
        secret = f"canary-{self.chance.getrandbits(80):020x}"
        self.canaries.append(secret)
        self._gateway.renew(secret)
        self._gateway.start()
        self._store = self._client()
        time.sleep(self.chance.uniform(0.2, 1.5))
        self.keep("key.id", self._gateway.access_key)
        self.keep("key.secret", secret)

    def close(self) -> None:
        self._gateway.stop()

    def _client(self) -> S3Store:
        return open_client("drop", self._gateway.endpoint, self._gateway.access_key, self._gateway.secret_key)

    def _put(self, number: int, version: int) -> None:
        text = "id,v\n" + "".join(row.replace(" ", ",") + "\n" for row in _rows(number, version))
        while True:
            try:
                self._store.put(f"in/{number:05d}.csv", text.encode())
                break
            except (BaseError, OSError):
                time.sleep(0.05)
        self._versions[number] = version


# A row is read, or changed; anything else was never written.
_OPS = {"r": "", "u": "", "c": ""}


def _rows(number: int, version: int) -> list[str]:
    return [f"{number * ROWS + row} v{version}" for row in range(ROWS)]
