"""Where the API is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from plugins.connectors.inference.words import snake
from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Api
from plugins.connectors.spec.fetching import is_url

# What a URL in a template may consist of: nothing that Jinja or a quote would read.
_PLAIN = re.compile(r"^https?://[A-Za-z0-9.:_~/%-]+$")
_ELSEWHERE = re.compile(r"sandbox|staging|localhost|127\.0\.0\.1|\btest\b|\bdev(elopment)?\b|\bmock", re.I)
_PLACEHOLDER = re.compile(
    r"^(your|my|example|subdomain|domain|company|account|tenant|instance|<|\{|x{2,})|^$", re.I
)


@dataclass(frozen=True)
class Variable:
    """A part of the URL that the user gives."""

    name: str
    description: str
    default: str = ""


@dataclass(frozen=True)
class Server:
    """A base URL; `{name}` stands for each variable. Empty if the spec names none."""

    url: str = ""
    variables: tuple[Variable, ...] = ()


def infer_server(api: Api, location: str) -> Inferred[Server]:
    """The base URL: the first server that is neither a sandbox nor local; its variables at their defaults."""
    usable = [found for raw in api.servers if (found := _server(raw, location)) is not None]
    if not usable:
        reason = "the spec names no server" if not api.servers else "no server of the spec is an http(s) URL"
        return Inferred(Server(), 0.0, reason)
    real = [one for raw, one in usable if not _ELSEWHERE.search(f"{one.url} {raw.get('description') or ''}")]
    listed = real or [one for _, one in usable]
    chosen, others = listed[0], tuple(one for _, one in usable if one is not listed[0])
    if chosen.variables:
        names = ", ".join(one.name for one in chosen.variables)
        return Inferred(chosen, 0.7, f"the spec's server has parts that only you know: {names}", others)
    if not real:
        return Inferred(chosen, 0.5, "the only servers look like sandboxes", others)
    confidence = 0.95 if len(listed) == 1 else 0.8
    reason = "the spec's only server" if not others else "the first of the spec's servers"
    return Inferred(chosen, confidence, reason, others)


def _server(raw: Mapping[str, Any], location: str) -> tuple[Mapping[str, Any], Server] | None:
    url = raw.get("url")
    if not isinstance(url, str):
        return None
    if url.startswith("//"):
        url = f"https:{url}"
    if not urlsplit(url).scheme and is_url(location):
        url = urljoin(location, url)
    described = raw.get("variables")
    described = described if isinstance(described, dict) else {}
    variables = []
    for name in dict.fromkeys(re.findall(r"{([^{}]+)}", url)):
        about = described.get(name)
        about = about if isinstance(about, dict) else {}
        default = str(about.get("default") or "")
        if _PLAIN.match(f"http://{default}") and not _is_placeholder(default, name):
            url = url.replace(f"{{{name}}}", default)
            continue
        if not re.fullmatch(r"[\w-]+", name):
            return None
        url = url.replace(f"{{{name}}}", f"{{{snake(name)}}}")
        variables.append(Variable(snake(name), str(about.get("description") or "")[:300], default))
    if not _PLAIN.match(re.sub(r"{\w+}", "x", url)):
        return None
    return raw, Server(url.rstrip("/"), tuple(variables))


def _is_placeholder(default: str, name: str) -> bool:
    return default.lower() == name.lower() or bool(_PLACEHOLDER.match(default))
