"""Sections on how Smelt judges and proposes: quality, forge, review, drift, language model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from plugins.core.settings.section import Section


class QualitySettings(Section):
    """When a quality score warns."""

    warn_below: float = Field(default=0.95, ge=0, le=1)


class ForgeSettings(Section):
    """Where proposals are opened as pull requests."""

    kind: Literal["local", "github", "gitlab"] = Field(
        default="local", description="local: a branch here and the body as a file; nothing leaves the machine."
    )
    remote: str = Field(default="origin", description="Git remote, by name or URL, that branches are pushed to.")
    repository: str | None = Field(
        default=None, description="`owner/name` (GitLab: the project's path); null: from the remote's URL."
    )
    base_branch: str | None = Field(
        default=None, description="Branch that pull requests go to; null: the default branch."
    )
    api_url: str | None = Field(
        default=None, description="API of GitHub Enterprise, or address of a GitLab; null: github.com, gitlab.com."
    )
    token: str | None = Field(
        default=None, description="Reference to the token; null: `env:GITHUB_TOKEN` or `env:GITLAB_TOKEN`."
    )
    committer: str = Field(
        default="Smelt <smelt@noreply.invalid>",
        pattern=r"^[^<>\r\n]+ <[^<>\s]+@[^<>\s]+>$",
        description="Author of the commits; set it where the forge accepts known addresses only.",
    )
    wait_seconds: float = Field(
        default=120, ge=0, description="Budget for waiting out rate limits and lost connections, per command."
    )

    @field_validator("token")
    @classmethod
    def _is_reference(cls, token: str | None) -> str | None:
        if token is not None and not token.startswith(("env:", "file:")):
            raise ValueError("a token is a reference: env:NAME or file:PATH")
        return token


class ReviewSettings(Section):
    """How far a review goes, and what fails it."""

    seconds: int = Field(default=900, gt=0, description="Time limit of one build in the sandbox.")
    memory_gb: float = Field(default=8, gt=0, description="Memory limit of the sandbox.")
    input_rows: int | None = Field(
        default=None, gt=0, description="Rows read of each table of production; null: all."
    )
    exact_rows: int = Field(
        default=20_000_000, gt=0, description="Larger tables are compared by a sample of keys."
    )
    sample_rows: int = Field(default=1_000_000, gt=0, description="About how many rows such a sample has.")
    samples: int = Field(default=5, ge=0, description="Rows shown for a finding.")
    max_not_checked: float = Field(
        default=1.0, ge=0, le=1, description="Share of evidence not checked above which a review fails."
    )
    environment: list[str] = Field(
        default=[], description="Environment variables that the sandbox passes on; everything else is hidden."
    )
    macros: list[str] = Field(
        default=[], description="Macros that machine-written models may call, besides ref, source and config."
    )


class DriftSettings(Section):
    """What is kept of source tables, to tell later how they changed, and what a proposal does with it."""

    sample_rows: int = Field(
        default=20_000, gt=0, description="Rows kept of a larger table: always those of the same keys."
    )
    snapshot: str = Field(
        default="{root}/drift/snapshot.duckdb", description="File of the newest snapshot; `{root}`: the lake's."
    )
    kept_snapshots: int = Field(default=3, ge=0, description="Earlier snapshots that are kept beside it.")
    added: Literal["pass", "document", "ignore"] = Field(
        default="pass",
        description="What a proposal does with new columns: pass them through staging and document them; document "
        "them only; ignore them.",
    )


class LlmSettings(Section):
    """The language model, if there is one; without it everything works by statistics and rules."""

    provider: Literal["auto", "anthropic", "none"] = Field(
        default="auto",
        description="auto: anthropic if `api_key` is configured or ANTHROPIC_API_KEY set, else none.",
    )
    model: str = Field(default="claude-sonnet-5-5", description="The provider's name of the model.")
    api_key: str | None = Field(
        default=None, description="Reference to the key (`env:NAME`, `file:PATH`); null: `env:ANTHROPIC_API_KEY`."
    )
    base_url: str | None = Field(
        default=None, description="Address of the API; null: ANTHROPIC_BASE_URL, or the provider's own."
    )
    max_tokens: int = Field(default=16_000, gt=0, description="Longest answer, in tokens, thinking included.")
    timeout_seconds: float = Field(default=120, gt=0, description="Longest silence of the API within an answer.")
    retries: int = Field(default=4, ge=0, description="Further attempts after rate limits and lost connections.")
    wait_seconds: float = Field(default=60, ge=0, description="Budget for waiting between attempts, per call.")
    budget_tokens: int = Field(
        default=1_000_000, ge=0, description="Tokens, in and out, that one run may use; a call beyond is not sent."
    )
    budget_usd: float | None = Field(
        default=None, ge=0, description="Cost of one run likewise; needs a model whose price is known."
    )
    send_samples: bool = Field(
        default=False, description="Whether sample rows may be sent, with personal data masked."
    )

    @field_validator("api_key")
    @classmethod
    def _is_reference(cls, api_key: str | None) -> str | None:
        if api_key is not None and not api_key.startswith(("env:", "file:")):
            raise ValueError("a key is a reference: env:NAME or file:PATH")
        return api_key
