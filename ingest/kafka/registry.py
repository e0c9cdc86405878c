"""The schema registry: schemas by the id that stands before a message.

https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ingest.retry import Transient
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, resolve

if TYPE_CHECKING:
    import requests

_MAGIC, _HEAD = 0, 5
_NOT_FOUND = 404
_REFUSED = {401, 403}
_SECONDS = 10


class UnknownSchema(Exception):
    """The registry has no schema of this id, or it is none of the declared format."""


@dataclass(frozen=True)
class Schema:
    """A schema as it is registered. kind: AVRO, PROTOBUF or JSON; references: name, subject and version."""

    text: str
    kind: str
    references: Sequence[Mapping[str, Any]] = ()


@dataclass
class Registry:
    """The registry of a connection; a schema is asked for once."""

    settings: Settings
    connection: str
    _schemas: dict[str, Schema] = field(default_factory=dict)

    def schema(self, schema_id: int) -> Schema:
        """The schema `schema_id`. Raises UnknownSchema, Transient, SmeltError."""
        return self._asked(f"schemas/ids/{schema_id}")

    def references(self, schema: Schema) -> dict[str, Schema]:
        """The schemas that `schema` refers to, by name, each after those that it refers to itself."""
        found: dict[str, Schema] = {}
        for told in schema.references:
            subject = quote(str(told["subject"]), safe="")
            known = self._asked(f"subjects/{subject}/versions/{int(told['version'])}")
            found |= self.references(known)
            found[str(told["name"])] = known
        return found

    @property
    def _where(self) -> str:
        return f"the schema registry of connection {self.connection!r}"

    @cached_property
    def _address(self) -> str:
        found = self.settings.connection(self.connection).kafka
        section = f"connections.{self.connection}.kafka"
        if not found.registry:
            raise SmeltError(f"{section} names no registry", f'add registry = "https://…" to [{section}]')
        return resolve(found.registry, self.settings.project_dir, f"{section}.registry").rstrip("/")

    @cached_property
    def _session(self) -> requests.Session:
        import requests

        found = self.settings.connection(self.connection).kafka
        section = f"connections.{self.connection}.kafka"
        session = requests.Session()
        if found.registry_user:
            user = resolve(found.registry_user, self.settings.project_dir, f"{section}.registry_user")
            name, colon, password = user.partition(":")
            if colon:
                session.auth = (name, password)
            else:
                session.headers["Authorization"] = f"Bearer {user}"
        if found.registry_ca:
            session.verify = resolve(found.registry_ca, self.settings.project_dir, f"{section}.registry_ca")
        return session

    def _asked(self, path: str) -> Schema:
        import requests

        if path in self._schemas:
            return self._schemas[path]
        try:
            answer = self._session.get(f"{self._address}/{path}", timeout=_SECONDS)
            if answer.status_code == _NOT_FOUND:
                raise UnknownSchema(f"the schema registry has no {path}")
            if answer.status_code in _REFUSED:
                raise SmeltError(
                    f"{self._where} refused: HTTP {answer.status_code}",
                    "correct `registry_user` of the connection",
                )
            answer.raise_for_status()
            told = answer.json()
            schema = Schema(told["schema"], told.get("schemaType", "AVRO"), told.get("references") or ())
        except (requests.RequestException, ValueError, KeyError) as error:
            raise Transient(f"{self._where} doesn't answer: {type(error).__name__}: {error}") from error
        self._schemas[path] = schema
        return schema


def framed(value: bytes) -> tuple[int, bytes]:
    """Schema id and payload of a framed value. Raises ValueError if it isn't framed."""
    if len(value) < _HEAD or value[0] != _MAGIC:
        raise ValueError("no schema id stands before the value")
    return struct.unpack_from(">I", value, 1)[0], value[_HEAD:]
