"""A small program that speaks the Airbyte protocol, well or badly, as the mode in its configuration says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.ingest.landed import Landed

CONNECTOR = """
import json, os, signal, subprocess, sys, time

command, options = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))
config = json.load(open(options["--config"])) if "--config" in options else {}
mode = config.get("mode", "good")
here = config.get("here")


def say(**message):
    print(json.dumps(message), flush=True)


def record(n, stream="t", **more):
    say(type="RECORD", record={"stream": stream, "data": {"id": n, "v": n * 10, **more}, "emitted_at": 1})


def state(n):
    if mode == "global":
        say(type="STATE", state={"type": "GLOBAL", "global": {"shared_state": {"at": n}, "stream_states": []}})
    else:
        descriptor = {"stream_descriptor": {"name": "t"}, "stream_state": {"at": n}}
        say(type="STATE", state={"type": "STREAM", "stream": descriptor})


with open(here + "/seen", "a") as file:
    file.write(json.dumps({"command": command, "arguments": sys.argv, "config": config,
        "mode": oct(os.stat(options["--config"]).st_mode)[-3:], "environment": sorted(os.environ)}) + "\\n")

print("a line that is no message")
print('{"type": 5}')
print("[]")
if command == "check":
    good = mode != "refused"
    status = "SUCCEEDED" if good else "FAILED"
    say(type="CONNECTION_STATUS", connectionStatus={"status": status, "message": "no [way]"})
elif command == "discover":
    if mode == "dumb":
        sys.exit(0)
    schema = {"properties": {"id": {"type": "integer"}, "v": {"type": ["null", "integer"]}}}
    modes = ["full_refresh"] if mode == "whole" else ["full_refresh", "incremental"]
    say(type="CATALOG", catalog={"streams": [{"name": "t", "json_schema": schema, "supported_sync_modes": modes}]})
elif command == "read":
    last = 0
    if "--state" in options:
        (saved,) = json.load(open(options["--state"]))
        saved = saved["stream"]["stream_state"] if saved["type"] == "STREAM" else saved["global"]["shared_state"]
        last = saved["at"]
    upto = int(open(here + "/upto").read())
    if mode == "hung":
        subprocess.Popen(["sleep", "600"])
        time.sleep(600)
    if mode == "endless":
        sys.stdout.write("x" * 40_000_000)
    if mode == "noisy":
        for _ in range(200_000):
            sys.stderr.write("noise of a connector, and more of it\\n")
    if mode == "token":
        told = {"config": {**config, "token": "renewed-token"}}
        say(type="CONTROL", control={"type": "CONNECTOR_CONFIG", "connectorConfig": told})
    for n in range(last + 1, upto + 1):
        record(n)
        if n % 10 == 0:
            state(n)
        if mode == "dies" and n == 15:
            sys.exit("Traceback: something broke with s3cret-token")
        if mode == "traced" and n == 15:
            error = {"message": "the API refuses s3cret-token", "internal_message": "x"}
            say(type="TRACE", trace={"type": "ERROR", "error": error})
        if mode == "incomplete" and n == 15:
            say(type="TRACE", trace={"type": "STREAM_STATUS", "stream_status": {"status": "INCOMPLETE"}})
    if mode == "odd":
        record(1, stream="other")
        say(type="RECORD", record={"stream": "t", "data": "no object"})
        say(type="RECORD", record={"stream": "t", "data": {"id": 100, "v": "text", "more": [1]}})
        say(type="SOMETHING")
"""


class Connector(Landed):
    """The stream `t` of a connector that is a program."""

    def connector(self, mode: str = "good", sync_mode: str = "incremental", **options: Any) -> None:
        """Declare it, in one of its modes."""
        program = self.project / "connector.py"
        program.write_text(CONNECTOR)
        (self.project / "token").write_text("s3cret-token")
        (self.project / "smelt.toml").write_text(
            '[connections.c]\ntype = "http"\nsecrets = { token = "file:token", "nested.key" = "file:token" }\n'
        )
        (self.project / "sources" / "s").mkdir(exist_ok=True)
        stream = {"name": "t", "primary_key": ["id"], "sync_mode": sync_mode, "cursor": {"column": "id"}}
        tree = {
            "kind": "airbyte",
            "connection": "c",
            "owner": "tests",
            "airbyte": {"command": [sys.executable, "-S", str(program)], **options},
            "config": {"mode": mode, "here": str(self.project)},
            "streams": [stream],
        }
        with (self.project / "sources" / "s" / "source.yml").open("w") as file:
            YAML(typ="safe", pure=True).dump(tree, file)

    def upto(self, number: int) -> None:
        """Let its source have records 1 to `number`."""
        (self.project / "upto").write_text(str(number))


@pytest.fixture
def source(project: Path) -> Connector:
    made = Connector(project, "airbyte")
    made.upto(25)
    made.connector()
    return made
