"""An API as a source: what the spec says becomes a connector; a person gives its credentials."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from plugins.connectors import Connector, connect
from plugins.core.errors import SmeltError
from plugins.onboard.drafted import Drafted, secret_path, toml_section


def draft_api(
    spec: str, name: str | None, owner: str, streams: list[str], base_url: str | None
) -> tuple[Drafted, Connector]:
    """The connector's files, and what must be asked. Raises SmeltError if no stream could be made of the spec."""
    made = connect(spec, name=name, owner=owner, streams=streams)
    if not made.streams:
        why = f"{made.defects[0].where}: {made.defects[0].what}" if made.defects else "it lists no collection"
        raise SmeltError(
            f"{spec}: no stream could be made of it: {why}", "smelt connect SPEC says what was skipped"
        )
    section = _section(made)
    if base_url is not None:
        section["url"] = base_url
    secrets: dict[str, str] = section.get("secrets", {})
    asked = {name: _told(made, name) for name in secrets}
    section["secrets"] = {name: f"file:{secret_path(made.name, name)}" for name in secrets}
    if not section["secrets"]:
        del section["secrets"]
    if not str(section.get("url") or "").startswith("http"):
        asked = {"base_url": "where the API is, such as https://api.example.com/v1", **asked}
    hidden = frozenset(secrets)
    files = {f"sources/{made.name}/{file}": text for file, text in made.files.items()}
    notes = tuple(f"{one.where}: {one.what}; {one.consequence}" for one in made.defects[:5])
    return Drafted(made.name, "airbyte", files, toml_section(made.name, section), {}, asked, hidden, notes), made


def with_base_url(drafted: Drafted, base_url: str) -> str:
    """The connection's section with this URL."""
    line = f'url = "{base_url}"'
    if re.search(r"(?m)^url = ", drafted.connection):
        return re.sub(r"(?m)^url = .*$", lambda _: line, drafted.connection)
    return f"{drafted.connection}{line}\n"


def _section(made: Connector) -> dict[str, Any]:
    found = tomllib.loads(made.connection)
    return dict(found["connections"][made.name])


def _told(made: Connector, name: str) -> str:
    one = next((one for one in made.inputs if one.name == name), None)
    return f"{one.title}: {one.description}" if one else name
