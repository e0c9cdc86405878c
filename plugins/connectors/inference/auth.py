"""How requests prove who sends them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Api

_BEARER_SAID = re.compile(r"\bbearer\b", re.I)
_KEY_HEADER = r"(X-[\w-]*(?:Key|Token)|Authorization)"
_PROSE = (
    ("bearer", re.compile(r"Authorization[`\"']?\s*[:=]\s*[`\"']?Bearer\b|\bbearer (token|auth)", re.I)),
    ("basic", re.compile(r"Authorization[`\"']?\s*[:=]\s*[`\"']?Basic\b|\bHTTP basic auth", re.I)),
    ("header", re.compile(rf"\b{_KEY_HEADER}[`\"']?\s*:\s*[`\"']?[<{{\[]?\s*\w*[ _-]?(?:api|key|token)", re.I)),
    ("header", re.compile(rf"[`\"']?\b{_KEY_HEADER}\b[`\"']? (?:HTTP )?header", re.I)),
    ("query", re.compile(r"[?&](api_?key|access_token|auth_token|apikey|token)=", re.I)),
)
_OPEN = re.compile(
    r"no (authentication|api key|auth)\b|without (authentication|an api key)|publicly accessible", re.I
)
_RANK = ("bearer", "api_key", "basic", "oauth2_client_credentials", "oauth2_refresh_token", "none")


@dataclass(frozen=True)
class Scheme:
    """One way: `none`, `api_key` (in a header, the query or a cookie), `bearer`, `basic`, or OAuth2.

    `prefix` comes before the key in its header. `name` is that of the header or parameter.
    """

    kind: str
    place: str = ""
    name: str = ""
    prefix: str = ""
    token_url: str = ""
    scopes: tuple[str, ...] = ()
    title: str = ""  # what the spec calls it


@dataclass(frozen=True)
class Auth:
    """Schemes that are all sent together; none: no authentication."""

    schemes: tuple[Scheme, ...] = ()

    @property
    def kind(self) -> str:
        """The first scheme's kind, `none` without one."""
        return self.schemes[0].kind if self.schemes else "none"


def infer_auth(api: Api) -> Inferred[Auth]:
    """What most operations ask for, of their alternatives the one that suits a machine best."""
    wanted, how, confidence = _wanted(api)
    if wanted is None:
        return _from_prose(api)
    if not wanted:
        return Inferred(Auth(), 0.9, how)
    choices = []
    for alternative in wanted:
        schemes = [_scheme(name, api.schemes.get(name)) for name in alternative]
        if schemes and all(schemes):
            choices.append(Auth(_ordered([one for one in schemes if one is not None])))
    if not choices:
        said = ", ".join(sorted({name for one in wanted for name in one})) or "nothing"
        if not any(wanted):
            return Inferred(Auth(), 0.9, how)
        found = _from_prose(api)
        return Inferred(
            found.value, min(found.confidence, 0.5), f"{how}: {said}, which is not described; {found.reason}"
        )
    choices.sort(key=lambda auth: _RANK.index(auth.kind))
    best = choices[0]
    if best.kind == "oauth2_refresh_token":
        confidence = min(confidence, 0.75)
        how += "; its flow is for people, a refresh token lets a machine go on"
    return Inferred(best, confidence, how, tuple(choices[1:]))


def _wanted(api: Api) -> tuple[tuple[Mapping[str, Any], ...] | None, str, float]:
    """The alternatives that most operations name, None if nothing is said."""
    own = [security for security in api.used_security if security]
    if api.security:
        return api.security, "the spec's `security`", 0.95
    if own:
        counted = Counter(tuple(tuple(sorted(one)) for one in security) for security in own)
        common = counted.most_common(1)[0][0]
        return tuple(dict.fromkeys(one) for one in common), "the operations' `security`", 0.9
    if api.security is not None or (api.used_security and not api.schemes):
        return (), "the spec says that none is needed", 0.9
    if api.schemes:
        return (
            tuple({name: []} for name in api.schemes),
            "the only scheme described, though nothing says it is used",
            0.7,
        )
    return None, "", 0.0


def _ordered(schemes: list[Scheme]) -> tuple[Scheme, ...]:
    """The one that looks like the credential first; what only says which account comes after."""
    return tuple(sorted(schemes, key=lambda one: (one.name.lower() != "authorization" and one.kind == "api_key",)))


def _scheme(name: str, raw: Mapping[str, Any] | None) -> Scheme | None:
    if raw is None:
        return None
    kind = str(raw.get("type", "")).lower()
    said = f"{name} {raw.get('description') or ''}"
    if kind == "http":
        scheme = str(raw.get("scheme", "")).lower()
        if scheme in ("bearer", "basic"):
            return Scheme(scheme, title=name)
        return Scheme("bearer", title=name) if _BEARER_SAID.search(said) else None
    if kind == "apikey":
        place, key = str(raw.get("in") or "header"), str(raw.get("name") or "")
        if not key or place not in ("header", "query", "cookie"):
            return None
        is_bearer = place == "header" and key.lower() == "authorization" and _BEARER_SAID.search(said)
        return Scheme("api_key", place, key, prefix="Bearer " if is_bearer else "", title=name)
    if kind == "oauth2":
        return _oauth(name, raw)
    if kind == "openidconnect":
        return Scheme("bearer", title=name)
    return None


def _oauth(name: str, raw: Mapping[str, Any]) -> Scheme | None:
    flows = raw.get("flows")
    flows = flows if isinstance(flows, dict) else {}
    for flow, kind in (
        ("clientCredentials", "oauth2_client_credentials"),
        ("authorizationCode", "oauth2_refresh_token"),
        ("password", "oauth2_refresh_token"),
        ("implicit", "bearer"),
    ):
        about = flows.get(flow)
        if isinstance(about, dict):
            # A refresh URL only renews what a person has granted.
            url = str(about.get("tokenUrl") or about.get("refreshUrl") or "")
            scopes = about.get("scopes")
            scopes = tuple(str(one) for one in scopes) if isinstance(scopes, dict) else ()
            if kind == "bearer" or not url:
                return Scheme("bearer", title=name)
            return Scheme(kind, token_url=url, scopes=scopes, title=name)
    return Scheme("bearer", title=name) if raw else None


def _from_prose(api: Api) -> Inferred[Auth]:
    """Without schemes: what descriptions show, and parameters that are called like a key."""
    prose = [api.description, *(operation.description for operation in api.operations)]
    for kind, pattern in _PROSE:
        for text in prose:
            if match := pattern.search(text):
                scheme = _told(kind, match)
                # "With a paid plan": then it is not needed by all.
                confidence = 0.75 if text is not api.description or kind in ("bearer", "basic") else 0.65
                return Inferred(Auth((scheme,)), confidence, f"prose says {match[0][:60]!r}", (Auth(),))
    headers = Counter(
        one.name
        for operation in api.operations
        for one in operation.parameters
        if one.place == "header" and re.search(r"authorization|api[-_]?key|token", one.name, re.I)
    )
    if headers:
        name = headers.most_common(1)[0][0]
        return Inferred(Auth((Scheme("api_key", "header", name),)), 0.6, f"operations take a header {name!r}")
    if match := next((found for text in prose if (found := _OPEN.search(text))), None):
        return Inferred(Auth(), 0.9, f"prose says {match[0]!r}")
    return Inferred(Auth(), 0.7, "the spec describes no authentication")


def _told(kind: str, match: re.Match[str]) -> Scheme:
    if kind in ("bearer", "basic"):
        return Scheme(kind)
    return Scheme("api_key", kind, match[1])
