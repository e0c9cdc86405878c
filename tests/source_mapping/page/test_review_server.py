"""The review page's server over real HTTP: what it saves, and everything that it refuses."""

from __future__ import annotations

import http.client
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reviewed_mapping import BREAKOUT, LIBRARY, REVIEWER, Desk, hostile_desk, serving

from plugins.core.discovery import discover_stream
from plugins.core.errors import SmeltError
from plugins.source_mapping.document import (
    ColumnMapping,
    EntityMapping,
    RunnerUp,
    SourceMapping,
    StreamMapping,
    parse_mapping,
    render_mapping,
)
from plugins.source_mapping.matching import Column, Table
from plugins.source_mapping.page import open_server, render_page, review_document
from plugins.source_mapping.page.personal import Personal, personal_sources, personal_targets
from plugins.source_mapping.page.server import ReviewServer


class Visitor:
    """Somebody who sends requests as a browser on the page does, unless told otherwise."""

    def __init__(self, server: ReviewServer) -> None:
        self.server = server
        self.host = f"127.0.0.1:{server.server_port}"
        self.origin = f"http://{self.host}"

    def send(
        self, method: str, path: str, body: bytes = b"", **headers: str | None
    ) -> tuple[int, str, http.client.HTTPMessage]:
        """Status, text and headers of an answer; a header of None is left out."""
        sent = {"Host": self.host, "Content-Length": str(len(body)) if method == "POST" else None}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text, response.headers

    def page(self) -> dict[str, Any]:
        """The data of the page."""
        status, text, _ = self.send("GET", f"/{self.server.token}/")
        assert status == 200
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
        assert found
        return json.loads(found[1])

    def save(self, sent: object, **headers: str | None) -> tuple[int, dict[str, Any]]:
        """Send decisions; the status and the answer."""
        usual = {"Origin": self.origin, "Content_Type": "application/json"}
        body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        status, text, _ = self.send("POST", f"/{self.server.token}/save", body, **{**usual, **headers})
        return status, json.loads(text)

    def decide(self, *columns: tuple[Any, ...], version: str | None = None) -> tuple[int, dict[str, Any]]:
        """Send decisions about columns: (target, verdict, columns, expression), of the patrons unless a path."""
        rows = []
        for target, verdict, *answer in columns:
            stream, entity, name = ["members", "patrons", target] if "." not in target else target.split(".")
            row: dict[str, Any] = {"stream": stream, "entity": entity, "target": name, "verdict": verdict}
            rows.append(row | dict(zip(("columns", "expression"), answer, strict=False)))
        return self.save({"version": version or self.page()["version"], "columns": rows})


@pytest.fixture
def visitor(desk: Desk) -> Iterator[Visitor]:
    with serving(desk) as server:
        yield Visitor(server)


def test_it_listens_on_loopback_with_a_token_of_its_own(desk: Desk) -> None:
    with serving(desk) as one, serving(desk) as other:
        assert one.server_address[0] == "127.0.0.1"
        assert len(one.token) >= 32
        assert one.token != other.token
        assert one.url == f"http://127.0.0.1:{one.server_port}/{one.token}/"


def test_a_port_that_is_taken_is_one_clear_message(desk: Desk) -> None:
    with serving(desk) as server, pytest.raises(SmeltError, match=f"port {server.server_port} .* cannot be used"):
        open_server(desk.review, server.server_port)


def test_the_page_shows_types_samples_confidence_evidence_and_runners_up(visitor: Visitor) -> None:
    page = visitor.page()
    members = page["streams"][0]
    [number] = [column for column in members["columns"] if column["name"] == "MemberNo"]
    assert number["type"] == "bigint"
    assert number["samples"] == ["1001", "1002", "1003", "1004", "1005"]
    name = members["entities"][0]["columns"][1]
    assert name["confidence"] == 0.52
    assert name["evidence"] == "names of persons; half of what the target holds"
    assert name["runners_up"] == [["last name", 0.48], ["contact", 0.07]]
    assert members["unmapped"][1] == {"column": "fee_ct", "because": "cents, where the target has euros"}
    # The entity has a column that the mapping does not name yet.
    assert [c["target"] for c in members["entities"][0]["columns"] if not c["is_listed"]] == ["branch_code"]
    assert page["reviewer"] == REVIEWER


def test_nothing_personal_enters_the_page(visitor: Visitor) -> None:
    _, text, _ = visitor.send("GET", f"/{visitor.server.token}/")
    for value in ("ann@example.com", "zoe@example.com", "Zoe Young", "Adams", "7946 0958"):
        assert value not in text
    columns = {column["name"]: column for column in visitor.page()["streams"][0]["columns"]}
    assert columns["contact"]["samples"] == ["[EMAIL]"]
    # It is called like nothing personal, but what it is mapped to is.
    assert columns["given"]["samples"] == ["[PII]"]
    assert columns["given"]["is_masked"]
    assert columns["note"]["samples"][0] == "call [PHONE] first"
    assert len(columns["note"]["samples"][1]) == 80
    assert columns["fee_ct"]["samples"] == ["1250", "990"]


def test_the_answer_keeps_other_pages_and_caches_out(visitor: Visitor) -> None:
    _, text, headers = visitor.send("GET", f"/{visitor.server.token}/")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in text
    assert "connect-src 'self'" in text


def test_what_is_accepted_is_approved_by_the_reviewer(desk: Desk, visitor: Visitor) -> None:
    status, answer = visitor.decide(("patron_id", "accept"), ("annual_fee", "reject"))
    assert status == 200
    accepted = desk.column("members", "patrons", "patron_id")
    assert (accepted.status, accepted.reviewer) == ("approved", REVIEWER)
    assert (accepted.columns, accepted.confidence) == (("MemberNo",), 0.97)
    rejected = desk.column("members", "patrons", "annual_fee")
    assert (rejected.status, rejected.reviewer, rejected.columns) == ("rejected", REVIEWER, ("legacy_flag",))
    # Others stay as they are, the page's rows that the file does not name too.
    before = {column.target: column for column in LIBRARY.streams[0].entities[0].columns}
    after = {column.target: column for column in desk.entity("members", "patrons").columns}
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"patron_id", "annual_fee"}
    assert desk.path.read_text() == render_mapping(desk.saved())
    assert answer["version"] == visitor.page()["version"]
    # What nothing is made from any more goes nowhere, and says why.
    assert desk.unmapped("members")["legacy_flag"] == f"no longer used after the review of {REVIEWER}"


def test_an_override_replaces_the_proposal_and_keeps_it_as_a_runner_up(desk: Desk, visitor: Visitor) -> None:
    status, _ = visitor.decide(("full_name", "override", ["last name"]), ("email", "none"))
    assert status == 200
    name = desk.column("members", "patrons", "full_name")
    assert (name.columns, name.expression, name.status, name.confidence) == (("last name",), "", "approved", 1.0)
    assert name.runners_up == (
        RunnerUp(column="given", confidence=0.52),
        RunnerUp(column="contact", confidence=0.07),
    )
    email = desk.column("members", "patrons", "email")
    assert (email.columns, email.status, email.reviewer) == ((), "approved", REVIEWER)
    assert email.runners_up == (RunnerUp(column="contact", confidence=0.95),)
    assert desk.unmapped("members").keys() == {"fee_ct", "note", "given", "contact"}


def test_an_expression_is_kept_as_written_with_the_columns_that_it_names(desk: Desk, visitor: Visitor) -> None:
    status, _ = visitor.decide(
        ("full_name", "override", [], """ concat_ws(' ', GIVEN, "last name") """),
        ("annual_fee", "override", ["note"], "fee_ct / 100.0"),
        ("branch_code", "override", [], "left(note, 2)"),
    )
    assert status == 200
    name = desk.column("members", "patrons", "full_name")
    assert name.expression == """concat_ws(' ', GIVEN, "last name")"""
    assert name.columns == ("given", "last name")
    assert desk.column("members", "patrons", "annual_fee").columns == ("fee_ct",)
    added = desk.column("members", "patrons", "branch_code")
    assert (added.columns, added.expression, added.reviewer) == (("note",), "left(note, 2)", REVIEWER)


def test_a_decision_can_be_reopened(desk: Desk, visitor: Visitor) -> None:
    assert visitor.decide(("loans.checkouts.patron_id", "reopen"))[0] == 200
    reopened = desk.column("loans", "checkouts", "patron_id")
    assert (reopened.status, reopened.reviewer, reopened.is_decided) == ("question", None, False)


def test_a_stream_feeds_an_entity_or_does_not(desk: Desk, visitor: Visitor) -> None:
    version = visitor.page()["version"]
    entities = [
        {"stream": "members", "entity": "patrons", "verdict": "accept"},
        {"stream": "loans", "entity": "checkouts", "verdict": "reject"},
    ]
    assert visitor.save({"version": version, "entities": entities})[0] == 200
    assert desk.entity("members", "patrons").status == "approved"
    refused = desk.entity("loans", "checkouts")
    assert (refused.status, refused.reviewer) == ("rejected", REVIEWER)
    assert desk.unmapped("loans").keys() == {"loan_id", "member", "due"}


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("given, contact", "not one expression"),
        ("given; drop table members", "not one expression"),
        ("given from members", "not one expression"),
        ("given) from members --", "a comment"),
        ("given) from (members", "no SQL expression"),
        ("upper(", "no SQL expression"),
        ("surname", "no column surname"),
        ("loans.member", "no column loans"),
        ("(select max(given) from members)", "a query inside"),
        ("exists (from members)", "a query inside"),
        ("sum(fee_ct)", "an aggregate"),
        ("row_number() over (order by given)", "a window function"),
        ("*", "no single value"),
        ("columns('g.*')", "several columns of one"),
        ("unnest([given])", "several rows of one"),
        ("#1", "called by its name"),
        ("(given, contact)", "a row of several values"),
        ("all given", "syntax error"),
        ("upper('MAIN')", "no constant"),
        ("random()", "no constant"),
        ("current_date", "no constant"),
        ("given as name", "names its result"),
        ("given -- so", "a comment"),
        ("given /* so */", "a comment"),
        ("?", "a parameter"),
        ("read_text('/etc/passwd')", "files and network"),
        ("getenv('HOME')", "it is not known"),
        ("current_setting('home_directory')", "settings"),
        ("{{ env_var('HOME') }}", "Jinja"),
        ("replace(given, '{%', '')", "Jinja"),
        ("(" * 2_000 + "given" + ")" * 2_000, "longer than"),
        ("(" * 900 + "given" + ")" * 900, "no SQL expression"),
    ],
)
def test_an_expression_that_is_no_scalar_over_the_stream_is_refused(
    desk: Desk, visitor: Visitor, expression: str, why: str
) -> None:
    before = desk.path.read_bytes()
    status, answer = visitor.decide(("patron_id", "accept"), ("full_name", "override", [], expression))
    assert status == 422
    [problem] = answer["problems"]
    assert why in problem["message"]
    assert (problem["stream"], problem["entity"], problem["target"]) == ("members", "patrons", "full_name")
    # All or nothing.
    assert desk.path.read_bytes() == before


@pytest.mark.parametrize("constant", ["'EUR'", "0", "-1.5", "null", "date '2024-01-31'"])
def test_a_constant_is_an_answer_of_its_own(desk: Desk, visitor: Visitor, constant: str) -> None:
    status, _ = visitor.decide(("full_name", "override", [], constant))
    assert status == 200
    name = desk.column("members", "patrons", "full_name")
    assert (name.columns, name.expression, name.status) == ((), constant, "approved")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("full_name", "override", ["nobody"]), "no column nobody"),
        (("full_name", "override", ["loan_id"]), "no column loan_id"),
        (("full_name", "override", []), "no column is chosen"),
        (("full_name", "override", ["given", "last name"]), "need an expression"),
        (("no_such", "accept"), "no such row"),
        (("members.checkouts.due_on", "accept"), "no such row"),
        (("nowhere.patrons.email", "accept"), "no such row"),
    ],
)
def test_a_row_or_column_that_is_not_there_is_refused(
    desk: Desk, visitor: Visitor, row: tuple[Any, ...], why: str
) -> None:
    before = desk.path.read_bytes()
    status, answer = visitor.decide(row)
    assert status == 422
    assert why in answer["problems"][0]["message"]
    assert desk.path.read_bytes() == before


def test_deciding_twice_is_refused(visitor: Visitor) -> None:
    status, answer = visitor.decide(("email", "accept"), ("email", "reject"))
    assert (status, answer["problems"][0]["message"]) == (422, "it is decided twice")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"no json",
        b"[]",
        b'{"version": 1}',
        b'{"version": "x", "more": 1}',
        b'{"version": "x", "columns": [{"stream": "members"}]}',
        b'{"version": "x", "entities": [{"stream": "a", "entity": "b", "verdict": "override"}]}',
        b'{"version": "x", "columns": ' + b"[" * 5_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_list_of_decisions_is_refused(desk: Desk, visitor: Visitor, sent: bytes) -> None:
    before = desk.path.read_bytes()
    status, answer = visitor.save(sent)
    assert status == 400
    assert answer["message"]
    assert desk.path.read_bytes() == before


def test_a_file_that_changed_meanwhile_is_not_overwritten(desk: Desk, visitor: Visitor) -> None:
    version = visitor.page()["version"]
    theirs = desk.path.read_text().replace("confidence: 0.97", "confidence: 0.96")
    desk.path.write_text(theirs)
    status, answer = visitor.decide(("patron_id", "accept"), version=version)
    assert status == 409
    assert "changed by somebody else" in answer["message"]
    assert desk.path.read_text() == theirs
    # The page, loaded again, has what they wrote, and saves.
    assert visitor.page()["streams"][0]["entities"][0]["columns"][0]["confidence"] == 0.96
    assert visitor.decide(("patron_id", "accept"))[0] == 200
    assert desk.column("members", "patrons", "patron_id").confidence == 0.96


def test_of_two_tabs_the_second_is_told(desk: Desk, visitor: Visitor) -> None:
    version = visitor.page()["version"]
    assert visitor.decide(("email", "accept"), version=version)[0] == 200
    assert visitor.decide(("email", "reject"), version=version)[0] == 409
    assert desk.column("members", "patrons", "email").status == "approved"


def test_the_page_of_a_file_that_did_not_change_is_not_made_anew(desk: Desk, visitor: Visitor) -> None:
    visitor.page()
    visitor.decide(("email", "accept"))
    visitor.page()
    assert desk.loads == 1


def test_a_mapping_without_a_file_yet_gets_one(desk: Desk, visitor: Visitor) -> None:
    desk.path.unlink()
    assert visitor.page()["version"] == "none"
    assert visitor.decide(("email", "accept"))[0] == 200
    assert desk.column("members", "patrons", "email").reviewer == REVIEWER


def test_saving_leaves_no_other_file_and_keeps_the_rights(desk: Desk, visitor: Visitor) -> None:
    desk.path.chmod(0o640)
    assert visitor.decide(("email", "accept"))[0] == 200
    assert [path.name for path in desk.path.parent.iterdir()] == ["mapping.yml"]
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o640


def test_a_file_that_is_broken_meanwhile_is_a_message(desk: Desk, visitor: Visitor) -> None:
    visitor.page()
    desk.path.write_text("source: [")
    status, text, headers = visitor.send("GET", f"/{visitor.server.token}/")
    assert status == 500
    assert headers.get_content_type() == "text/plain"
    assert "is no YAML" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("path", ["/", "/save", "/x/", "/{token}", "/{token}/x", "/{token}/../"])
def test_without_the_token_there_is_nothing(visitor: Visitor, path: str) -> None:
    asked = path.format(token=visitor.server.token)
    status, text, _ = visitor.send("GET", asked)
    assert status == 403
    assert "patron" not in text
    posted = visitor.send("POST", asked, b"{}", Origin=visitor.origin, Content_Type="application/json")
    assert posted[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "", None, "127.0.0.1.evil.example"]
)
def test_another_name_for_this_server_is_refused(visitor: Visitor, host: str | None) -> None:
    status, text, _ = visitor.send("GET", f"/{visitor.server.token}/", Host=host)
    assert status in (400, 403)
    assert "patron" not in text
    assert visitor.save({"version": "x"}, Host=host, Origin=f"http://{host}")[0] in (400, 403)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", None, "https://127.0.0.1", "http://127.0.0.1:1"]
)
def test_another_page_cannot_save(desk: Desk, visitor: Visitor, origin: str | None) -> None:
    version = visitor.page()["version"]
    before = desk.path.read_bytes()
    sent = {"version": version, "entities": [{"stream": "members", "entity": "patrons", "verdict": "accept"}]}
    status, answer = visitor.save(sent, Origin=origin)
    assert (status, answer["message"]) == (403, "the request comes from another page")
    assert desk.path.read_bytes() == before


def test_a_form_of_another_page_cannot_save(visitor: Visitor) -> None:
    assert visitor.save({"version": "x"}, Content_Type="text/plain")[0] == 415
    assert visitor.save({"version": "x"}, Content_Type=None)[0] == 415


@pytest.mark.parametrize("length", [None, "-1", "x", "99999999999", "²"])
def test_a_request_of_no_or_too_great_length_is_refused(visitor: Visitor, length: str | None) -> None:
    sent = length.encode().decode("latin-1") if length else length
    assert visitor.save(b"{}", Content_Length=sent)[0] == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(visitor: Visitor, method: str) -> None:
    assert visitor.send(method, f"/{visitor.server.token}/save")[0] == 501


def test_hostile_text_is_data_and_nothing_else(tmp_path: Path) -> None:
    desk = hostile_desk(tmp_path / "mapping.yml")
    with serving(desk) as server:
        visitor = Visitor(server)
        _, text, _ = visitor.send("GET", f"/{server.token}/")
        [stream] = visitor.page()["streams"]
        decision = {
            "stream": stream["name"],
            "entity": stream["name"],
            "target": stream["name"],
            "verdict": "accept",
        }
        status, _ = visitor.save({"version": visitor.page()["version"], "columns": [decision]})
    assert status == 200
    assert text.count("<script") == 2
    assert text.count("</script") == 2
    assert "<img" not in text
    assert BREAKOUT in stream["name"]
    assert BREAKOUT in stream["columns"][0]["samples"][0]
    assert desk.saved().streams[0].entities[0].columns[0].reviewer == REVIEWER


def test_the_page_is_the_same_shape_whatever_the_text(tmp_path: Path) -> None:
    def shape(desk: Desk) -> list[str]:
        document = review_document(desk.mapping, desk.sources, desk.targets)
        page = render_page({**document, "version": "v", "reviewer": "r"})
        without = re.sub(r"(<title>).*?(</title>)|(id=\"data\">).*?(</script>)", "", page, flags=re.DOTALL)
        return re.findall(r"<[/\w][^>]*>", without)

    assert shape(Desk(tmp_path / "a.yml")) == shape(hostile_desk(tmp_path / "b.yml"))


def test_tables_that_cannot_be_read_leave_the_names(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "mapping.yml", sources={}, targets={})
    with serving(desk) as server:
        visitor = Visitor(server)
        names = [column["name"] for column in visitor.page()["streams"][0]["columns"]]
        assert names == ["MemberNo", "fee_ct", "given", "last name", "contact", "joined", "legacy_flag", "note"]
        assert visitor.decide(("full_name", "override", ["note"]))[0] == 200
    assert desk.column("members", "patrons", "full_name").columns == ("note",)
    assert parse_mapping(desk.path.read_text()).source == "library"


def test_what_is_known_to_be_personal_is_masked_on_both_sides() -> None:
    stream = discover_stream(
        "kunden",
        [
            {
                "Vorname": first,
                "Straße": f"Lindenallee {n}",
                "Geburtsdatum": f"{n + 1:02d}.03.1980",
                "Merkmal": "rot",
            }
            for n, first in enumerate(("Mia", "Jonas", "Lena", "Paul", "Anna", "Felix", "Laura", "Max"))
        ],
    )
    known = personal_sources(stream.columns, ["MERKMAL"])
    table = Table(tuple(Column(c.name, c.values or ("Mia", "Jonas")) for c in stream.columns), "kunden")
    entity = Table((Column("beiname", ("Zoe", "Yan")), Column("anrede", ("Herr Doktor",))), "personen")
    mapping = SourceMapping(
        source="kasse",
        streams=(
            StreamMapping(
                stream="kunden",
                entities=(
                    EntityMapping(
                        entity="personen",
                        confidence=0.9,
                        columns=(
                            ColumnMapping(
                                target="beiname",
                                columns=("Vorname",),
                                confidence=0.9,
                                runners_up=(RunnerUp(column="Straße", confidence=0.2),),
                            ),
                            ColumnMapping(target="anrede", confidence=0.0),
                        ),
                    ),
                ),
            ),
        ),
    )

    page = review_document(
        mapping, {"kunden": table}, {"personen": entity}, personal=Personal({"kunden": known}, {})
    )

    columns = {column["name"]: column for column in page["streams"][0]["columns"]}
    assert {name for name, column in columns.items() if column["is_masked"]} == set(table.by_name)
    targets = {column["name"]: column for column in page["targets"]["personen"]["columns"]}
    assert targets["beiname"]["samples"] == ["[PII]"]
    assert targets["anrede"]["samples"] == ["Herr Doktor"]
    assert not any(value in json.dumps(page, ensure_ascii=False) for value in ("Mia", "Zoe", "rot"))


def test_an_entity_is_looked_through_for_personal_data() -> None:
    names = ("Mia Vogel", "Jonas Brandt", "Lena Koch", "Paul Wolf", "Anna Huber", "Felix Roth") * 3
    entity = Table((Column("Nachname", names), Column("Farbe", ("rot", "blau", "gelb") * 6), Column("Akte")), "e")

    assert personal_targets(entity, ["akte"]) == {"Nachname", "Akte"}


def test_descriptions_end_where_their_words_end() -> None:
    desk_targets = {"patrons": Table((Column("patron_id", description="A number.\n"),), "patrons", "People.\n\n")}

    page = review_document(LIBRARY, {}, desk_targets)

    assert page["targets"]["patrons"]["description"] == "People."
    number = next(one for one in page["targets"]["patrons"]["columns"] if one["name"] == "patron_id")
    assert number["description"] == "A number."
