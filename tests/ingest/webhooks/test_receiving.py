"""What is accepted, what is refused, and what the answers say."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.ingest.webhooks.conftest import KEY, SECRET, signed

NOTHING = "spool.json"


def _is_stored(hooks) -> bool:
    return any(path.suffix in {".open", ".segment"} for path in hooks.spool.iterdir())


def test_a_signed_message_is_in_bronze_with_types_and_where_it_came_from(hooks) -> None:
    sender = hooks.serve()
    record = {"id": 7, "amount": 1.5, "paid": True, "name": "Zoë", "lines": [{"sku": "a"}], "note": None}
    assert sender.send(record, "msg_1") == 202
    result = hooks.load()
    assert (result.rows_read, result.rows_loaded) == (1, 1)
    found = hooks.bronze("select id, amount, paid, name, lines, _smelt_key, _smelt_op, _smelt_body from bronze")
    assert found == [(7, 1.5, True, "Zoë", '[{"sku":"a"}]', "msg_1", "c", json.dumps(record))]
    assert hooks.bronze("select typeof(id), typeof(amount), typeof(paid) from bronze") == [
        ("BIGINT", "DOUBLE", "BOOLEAN")
    ]
    assert hooks.load().outcome == "unchanged"
    hooks.stop()


def test_what_is_not_signed_by_us_and_now_is_refused_and_not_stored(hooks) -> None:
    sender, body = hooks.serve(), b'{"id": 1}'
    good = signed(body, "msg_1")
    refused = [
        {},
        {**good, "webhook-id": "msg_2"},
        {**good, "webhook-signature": "v1,AAAA"},
        {**good, "webhook-signature": good["webhook-signature"].replace("v1", "v1a")},
        {**good, "webhook-timestamp": "٣"},
        signed(body, "msg_1", key=b"another secret"),
        signed(body, "msg_1", at=time.time() - 301),
        signed(body, "msg_1", at=time.time() + 301),
    ]
    for headers in refused:
        encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        assert sender.post(body, encoded)[0] == 401
    assert sender.post(b'{"id": 2}', good)[0] == 401
    assert sender.post(body, good, method="PUT")[0] == 405
    assert sender.post(body, good, path="/s/u")[0] == 404
    assert sender.post(body, {**good, "content-encoding": "gzip"})[0] == 415
    assert not _is_stored(hooks)
    assert sender.post(body, good)[0] == 202


def test_one_of_several_signatures_is_enough_and_both_secrets_are_accepted_while_one_takes_over(hooks) -> None:
    toml = hooks.project / "smelt.toml"
    toml.write_text(toml.read_text() + 'next = "file:next"\n')
    (hooks.project / "next").write_text("whsec_bmV4dA==")
    sender, body = hooks.serve(), b'{"id": 1}'
    old, new = signed(body, "msg_1"), signed(body, "msg_1", key=b"next")
    assert sender.post(body, old)[0] == 202
    assert sender.post(body, new)[0] == 202
    both = f"v1a,ignored v1,AAAA {new['webhook-signature']}"
    assert sender.post(body, {**new, "webhook-signature": both})[0] == 202


@pytest.mark.full
def test_a_secret_that_is_replaced_in_its_file_is_taken_without_a_restart(hooks) -> None:
    sender = hooks.serve()
    assert sender.send({"id": 1}) == 202
    (hooks.project / "secret").write_text("whsec_bmV4dA==")
    deadline = time.monotonic() + 10
    while sender.send({"id": 2}, key=b"next") != 202:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert sender.send({"id": 3}) == 401


def test_a_body_that_is_too_large_is_refused_also_when_its_length_is_not_told(hooks) -> None:
    hooks.source({"max_body": 1000})
    sender = hooks.serve()
    assert sender.send({"text": "x" * 1000}) == 413
    body = b'{"text": "' + b"x" * 2000 + b'"}'
    connection = http.client.HTTPConnection(urlsplit(sender.url).netloc, timeout=10)
    chunks = (body[n : n + 100] for n in range(0, len(body), 100))
    connection.request("POST", "/s/t", chunks, signed(body, "msg_9"), encode_chunked=True)
    assert connection.getresponse().status == 413
    assert not _is_stored(hooks)
    assert sender.send({"id": 1}) == 202


def test_too_many_requests_are_told_when_to_come_back(hooks) -> None:
    hooks.source({"rate_limit": "3/hour"})
    sender, body = hooks.serve(), b"{}"
    statuses = [sender.post(body, signed(body, f"msg_{n}")) for n in range(5)]
    assert [status for status, _ in statuses] == [202, 202, 202, 429, 429]
    assert 0 < int(statuses[-1][1]["Retry-After"]) <= 3601


@pytest.mark.full
def test_where_the_disk_or_the_spool_is_full_senders_are_told_to_come_back(hooks) -> None:
    body = b"{}"
    for full in ({"keep_free": "900TB"}, {"max_spool": 0}):
        hooks.source(spool=full)
        sender = hooks.serve()
        if "max_spool" in full:
            sender.post(body, signed(body, "msg_0"))
            deadline = time.monotonic() + 10
            while sender.post(body, signed(body, "msg_1"))[0] != 503 and time.monotonic() < deadline:
                time.sleep(0.05)
        status, headers = sender.post(body, signed(body, "msg_1"))
        assert status == 503
        assert int(headers["Retry-After"]) > 0
        hooks.kill()


def test_a_write_that_fails_is_answered_503_and_loses_nothing(hooks) -> None:
    sender = hooks.serve(limit=20_000)
    accepted = []
    for n in range(60):
        status = sender.send({"id": n, "text": "x" * 1000}, f"msg_{n}")
        if status == 202:
            accepted.append(n)
        else:
            assert status == 503
    assert 10 < len(accepted) < 60
    hooks.stop()
    hooks.load()
    found = [number for (number,) in hooks.bronze("select id from bronze order by _smelt_source_position")]
    assert found == accepted


@pytest.mark.parametrize(
    ("signature", "body", "headers"),
    [
        # The example of GitHub's documentation.
        (
            "github",
            b"Hello, World!",
            {
                "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                "X-GitHub-Event": "ping",
                "X-GitHub-Delivery": "d-1",
            },
        ),
        ("stripe", b'{"id": "evt_1"}', None),
        (
            {"header": "X-Signed", "timestamp_header": "X-At", "signed": "{timestamp}:{body}", "encoding": "hex"},
            b'{"id": "evt_1"}',
            None,
        ),
    ],
)
@pytest.mark.full
def test_other_ways_to_sign(hooks, signature, body: bytes, headers: dict[str, str] | None) -> None:
    hooks.source({"signature": signature})
    secret = "It's a Secret to Everybody"
    (hooks.project / "secret").write_text(secret)
    now = str(int(time.time()))
    if headers is None and signature == "stripe":
        digest = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={now},v1={'0' * 64},v1={digest},v0=abc"}
    elif headers is None:
        digest = hmac.new(secret.encode(), f"{now}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Signed": digest, "X-At": now}
    sender = hooks.serve()
    assert sender.post(body, headers)[0] == 202
    assert sender.post(body + b" ", headers)[0] == 401
    hooks.load()
    if signature == "github":
        # It is no JSON: it was signed, so it is kept.
        assert [raw for _, raw in hooks.letters()] == [body]
    else:
        key = "evt_1" if signature == "stripe" else None
        assert hooks.bronze("select id, _smelt_key from bronze") == [("evt_1", key)]


@pytest.mark.full
def test_secrets_are_nowhere_but_where_they_were_written(hooks) -> None:
    sender = hooks.serve()
    sender.send({"id": 1})
    sender.post(b"{}", {"webhook-signature": SECRET})
    hooks.stop()
    hooks.load()
    _, said = hooks.command("doctor", "--json")
    for needle in (SECRET, SECRET.removeprefix("whsec_"), KEY.decode()):
        assert needle not in said
        for path in (hooks.project / "lake").rglob("*"):
            assert not path.is_file() or needle.encode() not in path.read_bytes()


@pytest.mark.full
def test_the_command_signs_what_the_server_accepts(hooks) -> None:
    Path(hooks.project / "body.json").write_text('{"id": 1}')
    code, said = hooks.command("webhooks", "sign", "s.t", "body.json", "--id", "msg_x")
    assert code == 0, said
    headers = dict(part.strip().strip("'").split(": ", 1) for part in said.strip().split("-H ")[1:])
    assert hooks.serve().post(b'{"id": 1}', headers)[0] == 202
