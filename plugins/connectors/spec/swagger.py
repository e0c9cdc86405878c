"""What Swagger 2 says elsewhere than OpenAPI 3 does."""

from __future__ import annotations

from typing import Any

_FLOWS = {
    "application": "clientCredentials",
    "accessCode": "authorizationCode",
    "password": "password",
    "implicit": "implicit",
}


def servers(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """`host`, `basePath` and `schemes` as servers; none if there is no host."""
    host = tree.get("host")
    if not isinstance(host, str) or not host:
        return []
    schemes = tree.get("schemes")
    listed = [one for one in schemes if isinstance(one, str)] if isinstance(schemes, list) else []
    scheme = "https" if "https" in listed or not listed else listed[0]
    base = tree.get("basePath")
    return [{"url": f"{scheme}://{host}{base if isinstance(base, str) else ''}"}]


def security_schemes(definitions: dict[str, Any]) -> dict[str, Any]:
    """Security definitions as OpenAPI 3 has them: `basic` is HTTP, an OAuth2 flow has its own mapping."""
    return {name: _scheme(raw) for name, raw in definitions.items() if isinstance(raw, dict)}


def _scheme(raw: dict[str, Any]) -> dict[str, Any]:
    if raw.get("type") == "basic":
        return {**raw, "type": "http", "scheme": "basic"}
    if raw.get("type") == "oauth2":
        flow = _FLOWS.get(str(raw.get("flow")), "authorizationCode")
        keys = ("authorizationUrl", "tokenUrl", "scopes")
        return {**raw, "flows": {flow: {key: raw[key] for key in keys if key in raw}}}
    return raw


def content(response: dict[str, Any], tree: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """A response's schema and examples by media type."""
    examples = response.get("examples")
    examples = examples if isinstance(examples, dict) else {}
    produces = operation.get("produces") or tree.get("produces")
    produces = [one for one in produces if isinstance(one, str)] if isinstance(produces, list) else []
    if "schema" not in response and not examples:
        return {}
    media_types = produces or list(examples) or ["application/json"]
    shared = {"schema": response["schema"]} if "schema" in response else {}
    return {name: {**shared, **({"example": examples[name]} if name in examples else {})} for name in media_types}
