"""The receiving end of one stream: limits, signature, spool; and the application that has one for each.

Each is an ASGI application of its own below FastAPI's routes, because a body must be measured while it arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import FastAPI
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.routing import Route

from ingest.spec import SourceSpec, StreamSpec
from ingest.spec.webhook import WebhookSpec
from ingest.webhooks.frames import Message
from ingest.webhooks.journal import Overloaded
from ingest.webhooks.secrets import SecretRing
from ingest.webhooks.signatures import Unsigned, scheme_of, verify

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# A sender that takes longer to send its body, and a key that is longer, are none we wait for or keep as they are.
_BODY_SECONDS = 30.0
_LONGEST_KEY = 256
# Of a body that is too long.
_DRAIN_SECONDS, _DRAIN_BYTES = 5.0, 64 * 2**20

Offer = Callable[[Message, "asyncio.Future[None]"], None]


class Refused(Exception):
    """The request is answered with `status` and not stored. retry_after: in seconds."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.retry_after = status, retry_after


class Inbox:
    """Receives one stream. offer: hands a message to the journal, which settles the future once it is durable."""

    def __init__(self, stream: StreamSpec, secrets: SecretRing, offer: Offer, limiter: Limiter | None) -> None:
        self._stream, self._secrets, self._offer, self._limiter = stream.name, secrets, offer, limiter
        self._spec = webhook_of(stream)
        self._scheme = scheme_of(self._spec.signature)
        self._tolerance = self._spec.tolerance.total_seconds()
        self._key = self._spec.idempotency_key or self._scheme.key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 202 when it is on disk."""
        try:
            await self._receive(scope, receive)
        except Refused as refused:
            await _answer(send, refused.status, str(refused), refused.retry_after)
        else:
            await _answer(send, 202)

    async def _receive(self, scope: Scope, receive: Receive) -> None:
        if scope["method"] != "POST":
            raise Refused(405, "webhooks are sent by POST")
        if self._limiter:
            self._limiter.require(self._stream, scope.get("client"))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("content-encoding", "identity") != "identity":
            raise Refused(415, "send the body without content-encoding")
        body = await self._body(headers, receive)
        now = time.time()
        try:
            verify(self._scheme, headers, body, self._secrets.secrets(), now, self._tolerance)
        except Unsigned as error:
            raise Refused(401, str(error)) from error
        kept = {name: headers[name] for name in self._scheme.headers if name in headers}
        text = orjson.dumps(kept).decode() if kept else ""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._offer(Message(self._stream, self._key_of(headers, body), text, int(now * 1e6), body), waiter)
            await waiter
        except Overloaded as error:
            raise Refused(503, str(error), error.seconds) from error

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        limit = self._spec.max_body
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            await _drain(receive)
            raise Refused(413, f"at most {limit:,} bytes are accepted")
        first = await _next(receive)
        if not first.get("more_body"):
            return _within(first.get("body", b""), limit)
        parts = [first.get("body", b"")]
        size = len(parts[0])
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while (part := await _next(receive)) is not None:
                    parts.append(part.get("body", b""))
                    size += len(parts[-1])
                    if size > limit:
                        await _drain(receive)
                        raise Refused(413, f"at most {limit:,} bytes are accepted")
                    if not part.get("more_body"):
                        break
        except TimeoutError as error:
            raise Refused(408, "the body took too long") from error
        return b"".join(parts)

    def _key_of(self, headers: dict[str, str], body: bytes) -> str | None:
        """What tells a repetition. A message without it is accepted: to refuse it would lose it."""
        if self._key is None:
            return None
        place, _, name = self._key.partition(":")
        key = headers.get(name.lower()) if place == "header" else _found(body, name)
        if key is None or len(key) <= _LONGEST_KEY:
            return key
        return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


class Limiter:
    """Counts requests by stream and address."""

    def __init__(self, rate: str) -> None:
        self._rate = parse(rate)
        self._counts = FixedWindowRateLimiter(MemoryStorage())

    def require(self, stream: str, client: Sequence[Any] | None) -> None:
        """Count one request; raises Refused if it is one too many."""
        address = client[0] if client else ""
        if self._counts.hit(self._rate, stream, address):
            return
        reset = self._counts.get_window_stats(self._rate, stream, address).reset_time
        raise Refused(429, f"at most {self._rate}", max(1, int(reset - time.time()) + 1))


def webhook_of(stream: StreamSpec) -> WebhookSpec:
    """How the stream is received; by default as Standard Webhooks has it."""
    return stream.webhook or WebhookSpec.model_validate({})


def path_of(source: SourceSpec, stream: StreamSpec) -> str:
    """The path at which the stream is received."""
    return webhook_of(stream).path or f"/{source.name}/{stream.name}"


def application(inboxes: dict[str, Inbox], health: Callable[[], dict[str, Any]]) -> FastAPI:
    """The application with one inbox for each path, and `/health`."""
    app = FastAPI(title="Smelt webhooks", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    async def _health() -> dict[str, Any]:
        return health()

    for path, inbox in inboxes.items():
        app.router.routes.append(Route(path, inbox))
    return app


async def _next(receive: Receive) -> dict[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Refused(400, "the connection was closed before the body was whole")
    return dict(message)


async def _drain(receive: Receive) -> None:
    """Read on for a moment: a sender that is still sending hears no answer, only that the connection broke."""
    size = 0
    with contextlib.suppress(TimeoutError, Refused):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while size < _DRAIN_BYTES and (part := await _next(receive)).get("more_body"):
                size += len(part.get("body", b""))


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise Refused(413, f"at most {limit:,} bytes are accepted")
    return body


def _found(body: bytes, path: str) -> str | None:
    """The value at a path such as `$.data.id`, as text; None if there is none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for name in path.split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or isinstance(value, dict | list):
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()


async def _answer(send: Send, status: int, reason: str = "", retry_after: int | None = None) -> None:
    body = orjson.dumps({"error": reason}) if reason else b""
    headers = [(b"content-length", str(len(body)).encode())]
    if reason:
        headers.append((b"content-type", b"application/json"))
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    if status == 413:
        # What is still on its way isn't read.
        headers.append((b"connection", b"close"))
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
