"""dlt-init-openapi on the same documents, in an environment of its own: its pins clash with the project's."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.connectors_scoring import Answer, Said

VERSION = "0.1.0"
# Its newest release wants what setuptools and click have dropped since.
_PACKAGES = (f"dlt-init-openapi=={VERSION}", "setuptools<80", "click<8.2", "typer<0.13")
# The folder that it looks for is where it keeps the code of a library that the output runs on; offline it
# would end.
_WORKER = """
import json, pathlib, subprocess, sys, tempfile, time
import dlt_init_openapi.config as config
pathlib.Path(config.REST_API_SOURCE_LOCATION).mkdir(exist_ok=True)
program = str(pathlib.Path(sys.executable).parent / "dlt-init-openapi")
found = {}
with tempfile.TemporaryDirectory() as folder:
    for path in sys.argv[1:]:
        name = pathlib.Path(path).stem
        out = pathlib.Path(folder) / name
        begun = time.monotonic()
        done = subprocess.run([program, name, "--path", path, "--output-path", str(out), "--no-interactive"],
                              capture_output=True, text=True, timeout=300)
        seconds = time.monotonic() - begun
        sources = [one for one in out.glob("*/*/__init__.py")]
        configs = [one for one in out.glob("*/.dlt/config.toml")]
        found[path] = {
            "seconds": seconds,
            "source": sources[0].read_text() if sources else None,
            "config": configs[0].read_text() if configs else "",
            "error": (done.stdout + done.stderr).strip().splitlines()[-1:] if not sources else [],
        }
print(json.dumps(found))
"""


@dataclass(frozen=True)
class PeerRun:
    """What the peer wrote for one document; no answer where it ended with an error."""

    seconds: float
    answer: Answer | None
    error: str = ""


def run_peer(paths: Sequence[Path]) -> dict[Path, PeerRun] | None:
    """Its answers by document; None if it can't be installed here."""
    uv = next(one for one in (".uv/bin/uv", "uv") if one == "uv" or Path(one).exists())
    wanted = [part for package in _PACKAGES for part in ("--with", package)]
    command = [uv, "run", "--no-project", "--isolated", "--python", "3.11", *wanted, "python", "-c", _WORKER]
    try:
        done = subprocess.run(
            [*command, *map(str, paths)], capture_output=True, text=True, timeout=1800, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = json.loads(done.stdout.strip().splitlines()[-1])
    runs = {}
    for path in paths:
        one = found[str(path)]
        answer = read_answer(one["source"], one["config"]) if one["source"] else None
        runs[path] = PeerRun(one["seconds"], answer, " ".join(one["error"]))
    return runs


def read_answer(source: str, config: str) -> Answer:
    """What a generated pipeline says, in the words of the labels.

    Resources of single objects (their path ends with a parameter) are no claim to be a collection, so they don't
    count. `auto` finds links in headers and answers when it runs: it counts as right wherever there is one, or
    no page at all.
    """
    settings = tomllib.loads(config).get("sources", {})
    base_url = next((one.get("base_url") for one in settings.values() if isinstance(one, dict)), None)
    tree = _configuration(source)
    client, resources = tree.get("client", {}), tree.get("resources", [])
    by_name = {one["name"]: one["endpoint"]["path"] for one in resources}
    streams = {}
    for one in resources:
        path = one["endpoint"]["path"]
        if not path.rstrip("/").endswith("}"):
            streams[path] = _said(one, client.get("paginator"), by_name)
    return Answer(base_url, _auth(client.get("auth")), streams)


def _configuration(source: str) -> dict[str, Any]:
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == "source_config"
        ):
            return _value(node.value)
    return {}


def _value(node: ast.expr | None) -> Any:
    """A literal, with None for what is a name."""
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(one) for one in node.elts]
    return node.value if isinstance(node, ast.Constant) else None


def _auth(auth: dict[str, Any] | None) -> tuple[str, str | None]:
    if not auth:
        return "none", None
    kind = auth.get("type")
    if kind == "api_key":
        place = "query" if auth.get("location") in ("query", "param") else "header"
        return f"api_key_{place}", auth.get("name")
    return {"bearer": "bearer", "http_basic": "basic"}.get(str(kind), "oauth2"), None


def _said(resource: dict[str, Any], shared: Any, by_name: dict[str, str]) -> Said:
    endpoint = resource["endpoint"]
    selector = str(endpoint.get("data_selector", "$"))
    records = (
        () if selector == "$" else tuple(part for part in re.split(r"[.\[\]]+", selector) if part and part != "$")
    )
    key = resource.get("primary_key")
    parents, asked = set(), set()
    for name, value in (endpoint.get("params") or {}).items():
        if isinstance(value, dict) and value.get("type") == "resolve":
            parents.add((by_name.get(value["resource"], ""), name, value["field"]))
        elif value == "FILL_ME_IN":
            asked.add(name)
    return Said(
        records=records,
        primary_key=(key,) if isinstance(key, str) else tuple(key) if key else None,
        pagination=_pagination(endpoint.get("paginator", shared)),
        cursor=None,
        parents=frozenset(parents),
        required_inputs=frozenset(asked),
    )


def _pagination(found: Any) -> dict[str, Any]:
    if found == "auto":
        return {"kind": "auto"}
    if not isinstance(found, dict):
        return {"kind": {"header_link": "link_header"}.get(str(found), "none")}
    kind = str(found.get("type"))
    if kind == "page_number":
        return {"kind": "page", "parameter": found.get("page_param")}
    if kind == "offset":
        sizes = {"size_parameter": found.get("limit_param"), "max_size": found.get("limit")}
        return {"kind": "offset", "parameter": found.get("offset_param"), **sizes}
    if kind == "cursor":
        return {
            "kind": "cursor",
            "parameter": found.get("cursor_param"),
            "next": str(found.get("cursor_path")).split("."),
        }
    if kind in ("json_response", "json_link"):
        return {"kind": "next_url", "next": str(found.get("next_url_path")).split(".")}
    return {"kind": "link_header" if kind == "header_link" else "none"}
