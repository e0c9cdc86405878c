"""The last door before text leaves the machine: secrets and personal data stay here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from plugins.core.errors import SmeltError
from plugins.core.privacy import redact
from plugins.core.settings import Settings, mask, resolve

# Names of environment variables whose values are secret: SHOP_TOKEN, PGPASSWORD, AWS_ACCESS_KEY_ID, MYSQL_PWD.
_SECRET_NAMES = re.compile(
    r"(?i)secret|token|passwd|password|passphrase|credential|api_?key|(?:^|_)(?:keys?|pass|dsn|auth)(?:_|\d|$)|._pwd$"
)
# Secrets that tell what they are by their form; the providers document these beginnings.
_TOKENS = re.compile(
    r"sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
# Identifiers of the protocol: they must come back as they were given.
_PROTOCOL_KEYS = {"type", "role", "tool_use_id", "name"}


class Redactor:
    """Cleans text that goes out, of what the settings, the environment and callers know to be confidential."""

    def __init__(self, settings: Settings) -> None:
        _learn_secrets(settings)
        self._personal: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, personal_values: Iterable[str]) -> None:
        """Replace these values too from now on, wherever they stand as whole words, in any case."""
        if new := set(personal_values) - self._personal:
            self._personal |= new
            longest_first = sorted(self._personal, key=len, reverse=True)
            self._pattern = re.compile(
                rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE
            )

    def clean(self, text: str) -> str:
        """`text` with secrets as `****` or `[SECRET]` and personal data as `[EMAIL]`, `[PII]` and so on."""
        text = _TOKENS.sub("[SECRET]", mask(text))
        if self._pattern:
            text = self._pattern.sub("[PII]", text)
        return redact(text)

    def clean_request(self, part: Any) -> Any:
        """A part of a request with every text in it cleaned, but what the model itself wrote: it is signed."""
        if isinstance(part, str):
            return self.clean(part)
        if isinstance(part, list):
            return [self.clean_request(item) for item in part]
        if isinstance(part, Mapping) and part.get("role") != "assistant":
            return {
                key: value if key in _PROTOCOL_KEYS and isinstance(value, str) else self.clean_request(value)
                for key, value in part.items()
            }
        return part


def _learn_secrets(settings: Settings) -> None:
    """Resolve every reference in the settings and every variable named like a secret: `mask` then knows them."""
    named = (f"env:{name}" for name, value in os.environ.items() if _is_secret(name, value))
    for reference in (*_references(settings), *named):
        try:
            resolve(reference, settings.project_dir, "a reference")
        except (SmeltError, UnicodeDecodeError):
            continue  # What can't be read can't leave either.


def _is_secret(name: str, value: str) -> bool:
    return bool(_SECRET_NAMES.search(name)) or "://" in value


def _references(node: Any) -> Iterator[str]:
    """Every `env:NAME` and `file:PATH` in the settings."""
    if isinstance(node, BaseModel):
        node = node.model_dump()
    if isinstance(node, dict):
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, str) and node.startswith(("env:", "file:")):
        yield node
