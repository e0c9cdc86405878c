"""Each kind of credential: let in with it, refused without it or with another."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from label_client import Client
from small_api import get, labels, specification, stream, wrapped

from plugins.connectors.mock import Faults, Mock, serve

_SPEC = specification({"/items": get(wrapped())})
_QUIET = Faults(0, 0)
_WRONG = {
    "bearer": {"Authorization": "Bearer wrong"},
    "api_key_header": {"X-Key": "wrong"},
    "basic": {"Authorization": "Basic " + base64.b64encode(b"mock-user:wrong").decode()},
}


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "bearer", "name": "Authorization"},
        {"kind": "api_key_header", "name": "X-Key"},
        {"kind": "basic", "name": "Authorization"},
        {"kind": "api_key_header", "name": "X-Key", "together": [{"kind": "api_key_header", "name": "X-Account"}]},
    ],
)
def test_a_header_has_to_be_there_and_right(auth: dict[str, Any]) -> None:
    """401 without it and with a wrong one."""
    known = labels(stream(), auth=auth)
    with serve(_SPEC, known, faults=_QUIET) as mock:
        client = Client(mock, known)
        assert client.request("/items")[0] == 200
        for headers in (
            {},
            {**mock.headers, **_WRONG[auth["kind"]]},
            *({name: "mock-key"} for name in mock.headers),
        ):
            if headers != dict(mock.headers):
                assert client.request("/items", headers=headers)[0] == 401
        assert mock.held.calls == {"/items": 1}
        assert mock.held.faults["unauthorized"] >= 2


def test_a_key_in_the_query_has_to_be_there_and_right() -> None:
    """The key of the query is no header."""
    known = labels(stream(), auth={"kind": "api_key_query", "name": "key"})
    with serve(_SPEC, known, faults=_QUIET) as mock:
        client = Client(mock, known)
        assert client.request("/items")[0] == 200
        assert client.request("/items", {"key": "wrong"})[0] == 401
        client.mock = Mock(**{**vars(mock), "query": {}})
        assert client.request("/items")[0] == 401
        assert client.request("/items", headers={"key": mock.secrets.api_key})[0] == 401


def test_what_is_accepted_beside_the_label_lets_in_too() -> None:
    """A key or a bearer token, where both are right answers."""
    auth = {"kind": "api_key_header", "name": "X-Key", "also": [{"kind": "bearer", "name": "Authorization"}]}
    known = labels(stream(), auth=auth)
    with serve(_SPEC, known, faults=_QUIET) as mock:
        client = Client(mock, known)
        assert client.request("/items")[0] == 200
        assert client.request("/items", headers={"Authorization": f"Bearer {mock.secrets.token}"})[0] == 200


def _token(client: Client, form: dict[str, str], as_json: bool = False) -> tuple[int, Any]:
    mock = client.mock
    assert mock.token_url is not None
    client.base = urlsplit(mock.token_url)._replace(path="")
    kind = "application/json" if as_json else "application/x-www-form-urlencoded"
    body = json.dumps(form) if as_json else urlencode(form)
    status, answer, _ = client.request(
        urlsplit(mock.token_url).path, headers={"Content-Type": kind}, method="POST", body=body
    )
    client.base = urlsplit(mock.url)
    return status, answer


_FLOWS = {"clientCredentials": {"tokenUrl": "https://example.com/auth/token", "scopes": {}}}
_OAUTH = specification(
    {"/items": get(wrapped())}, components={"securitySchemes": {"o": {"type": "oauth2", "flows": _FLOWS}}}
)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("grant", ["client_credentials", "refresh_token"])
def test_a_token_is_issued_for_client_credentials_and_refresh(grant: str, as_json: bool) -> None:
    """At the path of the specification's token URL; the token then lets in."""
    known = labels(stream(), auth={"kind": "oauth2", "name": "Authorization"})
    with serve(_OAUTH, known, faults=_QUIET) as mock:
        assert (mock.token_url or "").endswith("/auth/token")
        client, secrets = Client(mock, known), mock.secrets
        form = {"grant_type": grant, "client_id": secrets.client_id, "client_secret": secrets.client_secret}
        status, answer = _token(client, form | {"refresh_token": secrets.refresh_token}, as_json)
        assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 3600)
        assert client.request("/items", headers={"Authorization": f"Bearer {answer['access_token']}"})[0] == 200
        assert client.request("/items", headers={"Authorization": f"Bearer {secrets.token}"})[0] == 401
        assert mock.held.tokens == 1


def test_a_wrong_client_or_grant_gets_no_token() -> None:
    """As RFC 6749 says: invalid_client, invalid_grant, unsupported_grant_type."""
    known = labels(stream(), auth={"kind": "oauth2", "name": "Authorization"})
    with serve(_OAUTH, known, faults=_QUIET) as mock:
        client, secrets = Client(mock, known), mock.secrets
        right = {"client_id": secrets.client_id, "client_secret": secrets.client_secret}
        for form, status, error in (
            ({"grant_type": "client_credentials"}, 401, "invalid_client"),
            (right | {"grant_type": "refresh_token", "refresh_token": "wrong"}, 400, "invalid_grant"),
            (right | {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ):
            assert _token(client, form) == (status, {"error": error})


def test_a_token_expires() -> None:
    """A token that lives no second is refused; its lifetime is told."""
    known = labels(stream(), auth={"kind": "oauth2", "name": "Authorization"})
    with serve(_OAUTH, known, faults=_QUIET, token_lifetime_s=0) as mock:
        client, secrets = Client(mock, known), mock.secrets
        form = {"grant_type": "client_credentials", "client_id": secrets.client_id}
        status, answer = _token(client, form | {"client_secret": secrets.client_secret})
        assert (status, answer["expires_in"]) == (200, 0)
        assert client.request("/items", headers={"Authorization": f"Bearer {answer['access_token']}"})[0] == 401
