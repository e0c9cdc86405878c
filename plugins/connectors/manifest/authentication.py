"""Authenticators, and the inputs that they need."""

from __future__ import annotations

import re
from typing import Any

from plugins.connectors.inference.auth import Auth, Scheme
from plugins.connectors.inference.words import snake
from plugins.connectors.manifest.text import harmless, is_plain
from plugins.connectors.streams import Input

_URL = re.compile(r"https?://[A-Za-z0-9.:_~/%?=&-]+")


def inputs_of(auth: Auth) -> list[Input]:
    """What the user has to give, the credential's own first."""
    found = []
    for number, scheme in enumerate(auth.schemes):
        found += _inputs(scheme, number)
    return found


def _inputs(scheme: Scheme, number: int) -> list[Input]:
    if scheme.kind == "bearer":
        return [Input("api_token", "API token", "Sent as `Authorization: Bearer …`.", is_secret=True)]
    if scheme.kind == "api_key":
        place = {"query": "query parameter", "cookie": "cookie"}.get(scheme.place, "header")
        shown = f"Sent as it is in the {place} {harmless(scheme.name, 60)}"
        shown += f", after {scheme.prefix.strip()!r}." if scheme.prefix else "."
        return [
            Input(
                key_name(scheme, number),
                "API key" if number == 0 else harmless(scheme.name, 60),
                shown,
                is_secret=True,
            )
        ]
    if scheme.kind == "basic":
        return [
            Input("username", "User name", "Of HTTP basic authentication; of some APIs the key.", is_secret=True),
            Input("password", "Password", "Of HTTP basic authentication.", is_secret=True, is_required=False),
        ]
    if scheme.kind.startswith("oauth2"):
        found = [
            Input("client_id", "Client id", "Of your OAuth2 application.", is_secret=True),
            Input("client_secret", "Client secret", "Of your OAuth2 application.", is_secret=True),
        ]
        if scheme.kind == "oauth2_refresh_token":
            found.append(Input("refresh_token", "Refresh token", "From consenting once.", is_secret=True))
        if not _URL.fullmatch(scheme.token_url):
            found.append(Input("token_url", "Token URL", "Where the API gives access tokens."))
        return found
    return []


def key_name(scheme: Scheme, number: int) -> str:
    """The configuration's key of an API key: `api_key`, and what the header says for further ones."""
    return "api_key" if number == 0 else snake(scheme.name)


def authenticator(auth: Auth) -> dict[str, Any] | None:
    """The CDK's component for the first scheme; None if there is none, or it is a cookie."""
    if not auth.schemes:
        return None
    scheme = auth.schemes[0]
    if scheme.kind == "bearer":
        return {"type": "BearerAuthenticator", "api_token": "{{ config['api_token'] }}"}
    if scheme.kind == "basic":
        return {
            "type": "BasicHttpAuthenticator",
            "username": "{{ config['username'] }}",
            "password": "{{ config.get('password', '') }}",
        }
    if scheme.kind == "api_key" and scheme.place != "cookie" and is_plain(scheme.name):
        place = "request_parameter" if scheme.place == "query" else "header"
        return {
            "type": "ApiKeyAuthenticator",
            "api_token": scheme.prefix + "{{ config['api_key'] }}",
            "inject_into": {"type": "RequestOption", "inject_into": place, "field_name": scheme.name},
        }
    if scheme.kind.startswith("oauth2"):
        made = {
            "type": "OAuthAuthenticator",
            "client_id": "{{ config['client_id'] }}",
            "client_secret": "{{ config['client_secret'] }}",
            "token_refresh_endpoint": scheme.token_url
            if _URL.fullmatch(scheme.token_url)
            else "{{ config['token_url'] }}",
        }
        if scheme.kind == "oauth2_client_credentials":
            return {**made, "grant_type": "client_credentials"}
        return {**made, "grant_type": "refresh_token", "refresh_token": "{{ config['refresh_token'] }}"}
    return None


def beside(auth: Auth) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and query parameters of the schemes that the authenticator does not send."""
    headers: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for number, scheme in enumerate(auth.schemes):
        if scheme.kind != "api_key" or not is_plain(scheme.name) or (number == 0 and scheme.place != "cookie"):
            continue
        value = scheme.prefix + f"{{{{ config['{key_name(scheme, number)}'] }}}}"
        if scheme.place == "query":
            parameters[scheme.name] = value
        elif scheme.place == "cookie":
            headers["Cookie"] = f"{scheme.name}={value}"
        else:
            headers[scheme.name] = value
    return headers, parameters
