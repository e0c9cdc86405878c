"""Signatures of requests: whether one of our secrets made them, in constant time, and lately enough.

Sources: https://www.standardwebhooks.com (specification), https://docs.stripe.com/webhooks/signature,
https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries,
https://api.slack.com/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.spec.webhook import SignatureSpec

_STANDARD_SECRET = "whsec_"  # noqa: S105  the prefix of one
_MOST_SIGNATURES = 16


class Unsigned(Exception):
    """The request is not shown to come from somebody who has the secret."""


@dataclass(frozen=True)
class Scheme:
    """How a sender signs.

    listed: how signatures stand in the header: `plain`: one. `versions`: `v1,AAA v1,BBB`. `pairs`:
    `t=1,v1=AAA,v1=BBB`, with the time among them. key: what tells a repetition by default. headers: those that are
    kept beside the body.
    """

    spec: SignatureSpec
    listed: str = "plain"
    identifier: str | None = None
    key: str | None = None
    headers: tuple[str, ...] = ()


PRESETS = {
    "standard": Scheme(
        SignatureSpec(
            header="webhook-signature",
            encoding="base64",
            timestamp_header="webhook-timestamp",
            signed="{id}.{timestamp}.{body}",
        ),
        listed="versions",
        identifier="webhook-id",
        key="header:webhook-id",
    ),
    "github": Scheme(
        SignatureSpec(header="x-hub-signature-256", prefix="sha256="),
        key="header:x-github-delivery",
        headers=("x-github-event", "x-github-delivery"),
    ),
    "stripe": Scheme(
        SignatureSpec(header="stripe-signature", signed="{timestamp}.{body}"), listed="pairs", key="json:$.id"
    ),
    "slack": Scheme(
        SignatureSpec(
            header="x-slack-signature",
            prefix="v0=",
            timestamp_header="x-slack-request-timestamp",
            signed="v0:{timestamp}:{body}",
        ),
        key="json:$.event_id",
    ),
    "shopify": Scheme(
        SignatureSpec(header="x-shopify-hmac-sha256", encoding="base64"),
        key="header:x-shopify-webhook-id",
        headers=("x-shopify-topic", "x-shopify-shop-domain"),
    ),
}


def scheme_of(signature: str | SignatureSpec) -> Scheme:
    """The scheme of a preset, or of a description."""
    return PRESETS[signature] if isinstance(signature, str) else Scheme(signature)


def secret_bytes(secret: str) -> bytes:
    """The key that a secret stands for. Raises ValueError if `whsec_` is not followed by base64."""
    if not secret.startswith(_STANDARD_SECRET):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_STANDARD_SECRET), validate=True)
    except binascii.Error as error:
        raise ValueError("what follows whsec_ is not base64") from error


def verify(
    scheme: Scheme, headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: float, tolerance: float
) -> None:
    """Raise Unsigned unless one of `secrets` signed `body`; headers by lower-case name, times in seconds.

    All secrets and signatures are compared, each in constant time, so that the answer's time tells nothing.
    """
    given = headers.get(scheme.spec.header.lower())
    if not given:
        raise Unsigned(f"there is no header {scheme.spec.header}")
    timestamp, signatures = _parts(scheme, headers, given)
    if "{timestamp}" in scheme.spec.signed or scheme.spec.timestamp_header:
        _require_recent(timestamp, now, tolerance)
    identifier = headers.get(scheme.identifier, "") if scheme.identifier else ""
    if scheme.identifier and not identifier:
        raise Unsigned(f"there is no header {scheme.identifier}")
    signed = _signed(scheme, identifier, timestamp, body)
    is_ours = False
    for secret in secrets:
        expected = _digest(scheme, secret, signed)
        for signature in signatures:
            is_ours |= hmac.compare_digest(expected, signature)
    if not is_ours:
        raise Unsigned("the signature is not ours")


def sign(scheme: Scheme, identifier: str, timestamp: int, body: bytes, secret: bytes) -> dict[str, str]:
    """The headers that a sender would set."""
    spec = scheme.spec
    digest = _digest(scheme, secret, _signed(scheme, identifier, str(timestamp), body)).decode()
    written = {"plain": spec.prefix + digest, "versions": f"v1,{digest}", "pairs": f"t={timestamp},v1={digest}"}
    headers = {spec.header: written[scheme.listed]}
    if scheme.identifier:
        headers[scheme.identifier] = identifier
    if spec.timestamp_header:
        headers[spec.timestamp_header] = str(timestamp)
    return headers


def _parts(scheme: Scheme, headers: Mapping[str, str], given: str) -> tuple[str, list[bytes]]:
    """The time of sending as it was written, and the signatures."""
    name = scheme.spec.timestamp_header
    timestamp = headers.get(name.lower(), "") if name else ""
    if scheme.listed == "plain":
        if not given.startswith(scheme.spec.prefix):
            raise Unsigned(f"{scheme.spec.header} does not begin with {scheme.spec.prefix}")
        return timestamp, [given.removeprefix(scheme.spec.prefix).encode()]
    if scheme.listed == "versions":
        pairs = [part.partition(",") for part in given.split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]]
    else:
        pairs = [part.strip().partition("=") for part in given.split(",", _MOST_SIGNATURES)[:_MOST_SIGNATURES]]
        timestamp = next((value for name, _, value in pairs if name == "t"), "")
    return timestamp, [value.encode() for name, _, value in pairs if name == "v1"]


def _require_recent(timestamp: str, now: float, tolerance: float) -> None:
    # `isdigit` alone takes digits of any script.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Unsigned("there is no time of sending")
    if abs(now - int(timestamp)) > tolerance:
        raise Unsigned("it was sent too long ago, or in the future")


def _signed(scheme: Scheme, identifier: str, timestamp: str, body: bytes) -> bytes:
    before, _, after = scheme.spec.signed.partition("{body}")
    # The time first: it is digits, where an identifier is any text.
    texts = [text.replace("{timestamp}", timestamp).replace("{id}", identifier) for text in (before, after)]
    return texts[0].encode() + body + texts[1].encode()


def _digest(scheme: Scheme, secret: bytes, signed: bytes) -> bytes:
    digest = hmac.digest(secret, signed, getattr(hashlib, scheme.spec.algorithm)().name)
    return base64.b64encode(digest) if scheme.spec.encoding == "base64" else digest.hex().encode()
