"""Who may ask: the credentials that a mock accepts, and the tokens that it issues."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from plugins.connectors.mock.labels import Auth, Credential


@dataclass(frozen=True)
class Secrets:
    """What a client of the mock has to know; made up, and good for nothing else."""

    api_key: str = "mock-key"
    token: str = "mock-token"  # noqa: S105 - made up
    username: str = "mock-user"
    password: str = "mock-password"  # noqa: S105 - made up
    client_id: str = "mock-client"
    client_secret: str = "mock-client-secret"  # noqa: S105 - made up
    refresh_token: str = "mock-refresh-token"  # noqa: S105 - made up


@dataclass(frozen=True)
class Request:
    """What of a request counts for its credentials; names of headers in lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""


class Tokens:
    """The OAuth2 token endpoint: client credentials and refresh (RFC 6749, sections 4.4 and 6)."""

    def __init__(self, secrets: Secrets, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets, self._lifetime, self._clock = secrets, lifetime_s, clock
        self._expiry: dict[str, float] = {}
        self._lock = threading.Lock()

    def issue(self, request: Request) -> tuple[int, dict[str, Any]]:
        """The status and body that answer a request for a token."""
        form = _form(request)
        given = _basic(request.headers.get("authorization", ""))
        client = given or (form.get("client_id", ""), form.get("client_secret", ""))
        if not _same(client, (self._secrets.client_id, self._secrets.client_secret)):
            return 401, {"error": "invalid_client"}
        grant = form.get("grant_type")
        if grant == "refresh_token" and not _equal(form.get("refresh_token", ""), self._secrets.refresh_token):
            return 400, {"error": "invalid_grant"}
        if grant not in ("client_credentials", "refresh_token"):
            return 400, {"error": "unsupported_grant_type"}
        with self._lock:
            token = f"mock-access-{len(self._expiry) + 1:05d}"
            self._expiry[token] = self._clock() + self._lifetime
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self._lifetime}
        return 200, answer | ({"refresh_token": self._secrets.refresh_token} if grant == "refresh_token" else {})

    def accepts(self, token: str) -> bool:
        """Whether a token was issued here and has not expired."""
        with self._lock:
            return self._expiry.get(token, float("-inf")) > self._clock()

    @property
    def issued(self) -> int:
        """How many tokens were issued."""
        return len(self._expiry)


@dataclass(frozen=True)
class Gate:
    """Decides whether a request may pass: one of the accepted credentials, and all that have to come together."""

    auth: Auth
    tokens: Tokens
    secrets: Secrets = field(default_factory=Secrets)

    def lets_in(self, request: Request) -> bool:
        """Whether the request carries what the label's `auth` asks for."""
        accepted = (self.auth, *self.auth.also)
        return any(self._proves(one, request) for one in accepted) and all(
            self._proves(one, request) for one in self.auth.together
        )

    @property
    def wants_tokens(self) -> bool:
        """Whether OAuth2 is among what is accepted."""
        return any(one.kind == "oauth2" for one in (self.auth, *self.auth.also))

    def headers_and_query(self) -> tuple[dict[str, str], dict[str, str]]:
        """What a client has to send with each request; an OAuth2 client gets its bearer token for itself."""
        headers: dict[str, str] = {}
        query: dict[str, str] = {}
        for one in (self.auth, *self.auth.together):
            if one.kind == "api_key_query" and one.name:
                query[one.name] = self.secrets.api_key
            elif one.kind == "api_key_header" and one.name:
                headers[one.name] = self.secrets.api_key
            elif one.kind == "bearer":
                headers[one.name or "Authorization"] = f"Bearer {self.secrets.token}"
            elif one.kind == "basic":
                pair = f"{self.secrets.username}:{self.secrets.password}".encode()
                headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return headers, query

    def _proves(self, credential: Credential, request: Request) -> bool:
        header = request.headers.get((credential.name or "authorization").lower(), "")
        match credential.kind:
            case "none":
                return True
            case "api_key_query":
                return _equal(request.query.get(credential.name or "", ""), self.secrets.api_key)
            case "api_key_header":
                return _equal(header, self.secrets.api_key)
            case "basic":
                return _same(
                    _basic(request.headers.get("authorization", "")),
                    (self.secrets.username, self.secrets.password),
                )
            case "bearer":
                return _equal(_bearer(header), self.secrets.token)
            case "oauth2":
                return self.tokens.accepts(_bearer(header))


def _form(request: Request) -> dict[str, str]:
    text = request.body.decode("utf-8", "replace")
    if "json" in request.headers.get("content-type", ""):
        try:
            found = json.loads(text)
        except json.JSONDecodeError:
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
    return {key: values[-1] for key, values in parse_qs(text).items()}


def _bearer(header: str) -> str:
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _basic(header: str) -> tuple[str, str] | None:
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def _same(given: tuple[str, str] | None, wanted: tuple[str, str]) -> bool:
    return given is not None and _equal(given[0], wanted[0]) and _equal(given[1], wanted[1])


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
