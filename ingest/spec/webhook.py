"""What `source.yml` says of a stream that is sent to us over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, field_validator

Path = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./~-]*$")]
Preset = Literal["standard", "github", "stripe", "slack", "shopify"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignatureSpec(_Section):
    """An HMAC signature over the body, in a header of its own."""

    header: str = Field(description="Header with the signature.")
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field(default="", description="What stands before the signature, such as `sha256=`.")
    timestamp_header: str | None = Field(
        default=None, description="Header with the time of sending, in seconds since 1970; it is then checked."
    )
    signed: str = Field(
        default="{body}", description="What is signed: text with `{body}` and, where it is sent, `{timestamp}`."
    )

    @field_validator("signed")
    @classmethod
    def _signs_the_body(cls, signed: str) -> str:
        if signed.count("{body}") != 1:
            raise ValueError("what is signed must contain {body} once")
        return signed


class WebhookSpec(_Section):
    """How a stream of webhooks is received."""

    path: Path | None = Field(default=None, description="Path of the URL; default: `/<source>/<stream>`.")
    signature: Preset | SignatureSpec = Field(
        default="standard",
        description="standard: https://www.standardwebhooks.com; github, stripe, slack and shopify as they sign; "
        "or a signature header that you describe.",
    )
    secrets: list[str] = Field(
        default_factory=list,
        description="Names of secrets of the connection, each of which is accepted, so that one can take over "
        "from another; default: all of them.",
    )
    tolerance: timedelta = Field(
        default=timedelta(minutes=5),
        description="How far the time of sending may be from ours, where it is signed.",
    )
    idempotency_key: str | None = Field(
        default=None,
        pattern=r"^(header:[A-Za-z0-9-]+|json:\$(\.[A-Za-z0-9_-]+)+)$",
        description="What tells a repeated message: `header:X-Id`, or `json:$.id` in the body. Default: the one "
        "of the signature's preset (`webhook-id`, `X-GitHub-Delivery`, Stripe's `$.id`, `X-Shopify-Webhook-Id`).",
    )
    idempotency_window: timedelta = Field(
        default=timedelta(days=7), description="How long a message is remembered, to drop its repetitions."
    )
    max_body: ByteSize = Field(
        default=ByteSize(2**20), validate_default=True, description="Larger bodies are refused (413)."
    )
    rate_limit: str | None = Field(
        default="1000/second",
        description="Requests of one address, as `limits` writes it (429 beyond); null: any.",
    )
    keep_body: bool = Field(default=True, description="Whether the body is kept as it was sent, in `_smelt_body`.")

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, rate: str | None) -> str | None:
        if rate is not None:
            from limits import parse

            parse(rate)  # raises ValueError
        return rate


class WebhooksSpec(_Section):
    """The spool of a source of webhooks: what was accepted, and is not in bronze yet."""

    commit_every: timedelta = Field(
        default=timedelta(seconds=1), description="How often what was accepted is moved into bronze."
    )
    max_spool: ByteSize = Field(
        default=ByteSize(4 * 2**30),
        validate_default=True,
        description="When more than this waits for bronze, senders are told to come back later (503).",
    )
    keep_free: ByteSize = Field(
        default=ByteSize(256 * 2**20),
        validate_default=True,
        description="The same when less than this is free on the spool's disk.",
    )
    max_waiting: int = Field(
        default=10_000, gt=0, description="The same when more messages than this wait for the disk."
    )
