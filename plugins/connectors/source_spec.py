"""`source.yml` of a connector, and its section of smelt.toml."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from plugins.connectors.manifest.streams import primary_key
from plugins.connectors.manifest.text import dump, harmless
from plugins.connectors.streams import Inference, Input, Stream

# Stands where only a person knows; `smelt doctor` says that it doesn't work.
FILL_IN = "fill-me-in"


def source_spec(name: str, owner: str, inference: Inference, inputs: Sequence[Input]) -> str:
    """The text of source.yml: each stream with its key, and its cursor where there is one."""
    made: dict[str, Any] = {
        "description": harmless(inference.title, 120),
        "kind": "airbyte",
        "connection": name,
        "owner": owner,
    }
    config = {
        one.name: one.choices[0] if one.choices else one.default or FILL_IN
        for one in inputs
        if one.is_required and not one.is_secret and one.name != "base_url"
    }
    if config:
        made["config"] = config
    return f"{dump(made)}\n{dump({'streams': [_stream(stream) for stream in inference.streams]})}"


def _stream(stream: Stream) -> dict[str, Any]:
    made: dict[str, Any] = {"name": stream.name}
    if stream.description:
        made["description"] = harmless(stream.description, 200)
    cursor = stream.cursor.value
    made["sync_mode"] = "incremental" if cursor is not None else "full"
    if key := primary_key(stream):
        made["primary_key"] = list(key)
    if cursor is not None:
        made["cursor"] = {"column": cursor.field}
    return made


def connection_snippet(name: str, inference: Inference, inputs: Sequence[Input]) -> str:
    """What goes into smelt.toml: secrets as references to the environment."""
    lines = [f"[connections.{name}]", 'type = "http"']
    server = inference.server.value
    if not server.url:
        lines.append(f'url = "env:{name.upper()}_URL"')
    elif not server.variables:
        lines.append(f"url = {json.dumps(server.url)}")
    secrets = [one.name for one in inputs if one.is_secret]
    if secrets:
        pairs = ", ".join(f'{one} = "env:{_variable(name, one)}"' for one in secrets)
        lines.append(f"secrets = {{ {pairs} }}")
    return "\n".join(lines) + "\n"


def _variable(source: str, secret: str) -> str:
    """The environment variable of a secret: `ACME_API_KEY`, and for `acme_account` no ACME_ACME_ACCOUNT."""
    return (secret if secret.startswith(f"{source}_") else f"{source}_{secret}").upper()
