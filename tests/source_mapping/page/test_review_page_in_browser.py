"""The review page as a person uses it, in Debian's chromium: by keyboard or mouse, light or dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mapping_reader import MappingReader, expect, reviewing, tab
from playwright.sync_api import Browser
from reviewed_mapping import BREAKOUT, REVIEWER, Desk, hostile_desk, large_desk, serving

from plugins.source_mapping.document import ColumnMapping, SourceMapping, parse_mapping, render_mapping
from plugins.source_mapping.page import write_page
from plugins.source_mapping.page.decisions import ColumnDecision, Decisions, EntityDecision
from plugins.source_mapping.page.server import ReviewServer

pytestmark = pytest.mark.full


@pytest.fixture
def server(desk: Desk) -> Iterator[ReviewServer]:
    with serving(desk) as server:
        yield server


@pytest.fixture
def reader(browser: Browser, server: ReviewServer) -> Iterator[MappingReader]:
    with reviewing(browser, server.url) as reader:
        yield reader


def test_it_opens_at_the_first_question_with_both_sides(reader: MappingReader) -> None:
    expect(reader.page).to_have_title("library · source mapping")
    assert reader.cursor() == "patrons.full_name"
    expect(reader.progress).to_have_text("1 of 11 decided, 3 questions")
    rows = reader.rows()
    assert "patron_id | bigint | 1 · 2 · 3 | MemberNo | bigint | 1001 · 1002 · 1003 | 0.97 | proposed" in rows
    assert "fee_ct | integer | 1250 · 990" in " ".join(rows)
    for text in ("Given and family name.", "names of persons; half of what the target holds", "last name", "0.48"):
        expect(reader.detail).to_contain_text(text)


def test_accepting_overriding_and_saving_by_keyboard_alone(desk: Desk, reader: MappingReader) -> None:
    reader.go_to("patrons.patron_id")
    reader.press("a")
    # On to the next row.
    assert reader.cursor() == "patrons.full_name"
    reader.press("o")
    reader.type("last")
    reader.press("Enter")
    assert reader.cursor() == "patrons.email"
    reader.press("n")
    reader.go_to("patrons.annual_fee")
    reader.press("x")
    decided = {"patron_id": "accepted", "full_name": "overridden", "email": "nothing", "annual_fee": "rejected"}
    assert reader.chips().items() >= decided.items()
    assert reader.chips()["joined_on"] == "proposed"
    expect(reader.progress).to_have_text("5 of 11 decided, 1 question")
    reader.save()
    expect(reader.page.locator("#keys")).to_contain_text("Saved. 1 question still open. Next: smelt map library")
    expect(reader.page.locator("#save")).to_have_text("Save")
    found = {name: desk.column("members", "patrons", name) for name in ("patron_id", "full_name", "email")}
    assert all((one.status, one.reviewer) == ("approved", REVIEWER) for one in found.values())
    assert found["patron_id"].columns == ("MemberNo",)
    assert found["full_name"].columns == ("last name",)
    assert found["email"].columns == ()
    assert desk.column("members", "patrons", "annual_fee").status == "rejected"
    assert desk.column("members", "patrons", "joined_on").reviewer is None


def test_several_columns_become_an_expression(desk: Desk, reader: MappingReader) -> None:
    reader.go_to("patrons.full_name")
    reader.press("o")
    reader.type("given,last na")
    reader.press("Enter")
    expect(reader.picker.locator("textarea")).to_have_value("concat_ws(' ', given, \"last name\")")
    reader.press("Enter")
    assert reader.chips()["full_name"] == "overridden"
    reader.save()
    name = desk.column("members", "patrons", "full_name")
    assert name.columns == ("given", "last name")
    assert name.expression == "concat_ws(' ', given, \"last name\")"


def test_an_expression_that_stands_is_replaced_by_what_is_typed(
    browser: Browser, desk: Desk, server: ReviewServer
) -> None:
    with reviewing(browser, server.url) as reader:
        reader.go_to("patrons.joined_on")
        reader.press("o", "=")
        reader.type("cast(joined as date)")
        reader.press("Enter")
        reader.save()
    assert desk.column("members", "patrons", "joined_on").expression == "cast(joined as date)"


def test_a_bad_expression_is_told_at_its_row_and_can_be_mended(
    browser: Browser, desk: Desk, server: ReviewServer
) -> None:
    before = desk.path.read_bytes()
    with reviewing(browser, server.url, wrong=1) as reader:
        reader.go_to("patrons.annual_fee")
        reader.press("o", "=")
        reader.type("sum(fee_ct) / 100")
        reader.press("Enter", "g")
        reader.save()
        expect(reader.notice).to_contain_text("Not saved: 1 row to look at again.")
        assert reader.cursor() == "patrons.annual_fee"
        expect(reader.detail.get_by_role("alert")).to_contain_text("an aggregate makes one value of many rows")
        assert reader.chips()["annual_fee"] == "look again"
        assert desk.path.read_bytes() == before
        reader.press("o")
        expect(reader.picker.locator("textarea")).to_be_focused()
        reader.press("Control+a")
        reader.type("fee_ct / 100.0")
        reader.press("Enter")
        reader.save()
        expect(reader.notice).to_be_hidden()
    fee = desk.column("members", "patrons", "annual_fee")
    assert (fee.columns, fee.expression) == (("fee_ct",), "fee_ct / 100.0")


def test_a_runner_up_is_one_key_away_and_is_read_as_the_planner_reads_it(
    desk: Desk, reader: MappingReader
) -> None:
    reader.go_to("patrons.annual_fee")
    reader.press("1")
    reader.save()
    fee = desk.column("members", "patrons", "annual_fee")
    assert (fee.columns, fee.expression) == (("fee_ct",), "try_cast(fee_ct / 100.0 as decimal(10,2))")


def test_choosing_what_is_proposed_accepts_it_as_it_is(desk: Desk, reader: MappingReader) -> None:
    reader.go_to("patrons.joined_on")
    reader.press("o")
    reader.type("joined")
    reader.press("Enter")
    assert reader.chips()["joined_on"] == "accepted"
    reader.save()
    assert desk.column("members", "patrons", "joined_on").expression == "try_cast(joined as date)"


def test_undo_and_redo(reader: MappingReader) -> None:
    reader.go_to("patrons.email")
    reader.press("a")
    assert reader.chips()["email"] == "accepted"
    reader.press("u")
    assert (reader.chips()["email"], reader.cursor()) == ("proposed", "patrons.email")
    reader.press("U")
    assert reader.chips()["email"] == "accepted"
    reader.press("Control+z")
    assert reader.chips()["email"] == "proposed"
    expect(reader.progress).to_have_text("1 of 11 decided, 3 questions")


def test_approving_all_above_a_confidence(desk: Desk, reader: MappingReader) -> None:
    reader.press("t")
    expect(reader.page.locator("#threshold-count")).to_contain_text("6 undecided rows")
    reader.type("0.95")
    expect(reader.page.locator("#threshold-count")).to_contain_text("2 undecided rows")
    reader.press("Enter")
    expect(reader.progress).to_have_text("3 of 11 decided, 3 questions")
    reader.press("u")
    expect(reader.progress).to_have_text("1 of 11 decided, 3 questions")
    reader.press("t")
    reader.type("0.9")
    reader.press("Enter")
    reader.save()
    columns = desk.entity("members", "patrons").columns
    assert {c.target for c in columns if c.status == "approved"} == {"patron_id", "email", "joined_on"}
    assert desk.entity("members", "patrons").status == "approved"
    assert desk.entity("loans", "checkouts").status == "question"


def test_escape_approves_nothing(reader: MappingReader) -> None:
    reader.press("t")
    reader.press("Escape")
    expect(reader.progress).to_have_text("1 of 11 decided, 3 questions")
    reader.press("j")
    assert reader.cursor() == "patrons.email"


def test_a_stream_that_does_not_feed_an_entity_has_no_questions_there(desk: Desk, reader: MappingReader) -> None:
    reader.go_to("loans → checkouts")
    reader.press("x")
    expect(reader.progress).to_have_text("1 of 8 decided, 2 questions")
    assert not any(row.startswith("due_on") for row in reader.rows())
    reader.save()
    assert desk.entity("loans", "checkouts").status == "rejected"
    assert desk.column("loans", "checkouts", "due_on").reviewer is None


def test_only_the_open_questions(reader: MappingReader) -> None:
    reader.page.get_by_role("button", name="Questions").click()
    assert [row.split(" | ")[0] for row in reader.rows()] == [
        "▾members → patrons",
        "full_name",
        "annual_fee",
        "▾loans → checkouts",
    ]
    reader.go_to("patrons.full_name")
    # What is decided leaves the list, and the next question comes.
    reader.press("a")
    assert reader.cursor() == "patrons.annual_fee"
    assert "full_name" not in " ".join(reader.rows()).split(" | ")
    reader.press("f", "f", "f")
    assert [row.split(" | ")[0] for row in reader.rows()] == ["▾3 columns of members go nowhere", *_BECAUSE]
    reader.press("f")
    assert len(reader.rows()) > 10


_BECAUSE = ["full_name was given to `given`", "cents, where the target has euros", "no target column is like it"]


def test_filtering_by_name(reader: MappingReader) -> None:
    reader.press("/")
    reader.type("due")
    assert [row.split(" | ")[0] for row in reader.rows()] == ["▾loans → checkouts", "due_on"]
    # Keys are letters here, and commands again when the list is back.
    reader.press("Enter", "G", "a")
    expect(reader.progress).to_contain_text("2 of 11")
    reader.press("/")
    reader.page.keyboard.press("Control+a")
    reader.type("no such column")
    expect(reader.page.locator("#empty")).to_have_text("No column is called like this.")


def test_an_unmapped_column_finds_its_target(desk: Desk, reader: MappingReader) -> None:
    reader.go_to("members.fee_ct")
    expect(reader.detail).to_contain_text("cents, where the target has euros")
    expect(reader.detail).to_contain_text("1250")
    reader.press("o")
    # What is made from nothing comes first.
    expect(reader.options().first).to_contain_text("patrons.branch_code")
    reader.type("fee")
    reader.press("Enter")
    reader.save()
    assert desk.column("members", "patrons", "annual_fee").columns == ("fee_ct",)
    assert "fee_ct" not in desk.unmapped("members")


def test_with_the_mouse_alone(desk: Desk, reader: MappingReader) -> None:
    page = reader.page
    page.locator(".row.column", has_text="patron_id").first.click()
    reader.detail.get_by_role("button", name="Accept").click()
    page.locator(".row.column", has_text="full_name").click()
    reader.detail.get_by_role("button", name="Override").click()
    for name in ("given", "last name"):
        reader.options().filter(has_text=name).locator(".tick").click()
    reader.picker.get_by_role("button", name="First that is filled").click()
    reader.picker.get_by_role("button", name="Use it").click()
    with page.expect_response("**/save"):
        page.locator("#save").click()
    expect(page.locator("#keys")).to_contain_text("Saved")
    assert desk.column("members", "patrons", "patron_id").reviewer == REVIEWER
    assert desk.column("members", "patrons", "full_name").expression == 'coalesce(given, "last name")'


def test_a_saved_decision_can_be_reopened(desk: Desk, reader: MappingReader) -> None:
    reader.go_to("checkouts.patron_id")
    expect(reader.detail).to_contain_text("Approved by Bea.")
    reader.press("c")
    reader.save()
    assert desk.column("loans", "checkouts", "patron_id").status == "question"
    expect(reader.progress).to_have_text("0 of 11 decided, 4 questions")


def test_what_is_not_saved_survives_a_closed_tab(browser: Browser, desk: Desk, server: ReviewServer) -> None:
    context = browser.new_context()
    with tab(context) as first:
        first.open(server.url)
        first.go_to("patrons.email")
        first.press("a", "n")
        expect(first.page).to_have_title("• library · source mapping")
        first.page.close(run_before_unload=True)
        first.page.wait_for_event("close")
        assert first.dialogs == ["beforeunload"]
    with tab(context) as second:
        second.open(server.url)
        expect(second.notice).to_contain_text("Kept from your last visit: 2 edits not saved yet.")
        assert (second.chips()["email"], second.chips()["joined_on"]) == ("accepted", "nothing")
        second.save()
        assert desk.column("members", "patrons", "joined_on").columns == ()
        assert second.troubles == []
    with tab(context) as third:
        third.open(server.url)
        expect(third.notice).to_be_hidden()
        third.page.close(run_before_unload=True)
        assert third.dialogs == []
    context.close()


def test_edits_survive_the_end_of_the_command(browser: Browser, desk: Desk) -> None:
    with serving(desk) as first:
        port = first.server_port
        context = browser.new_context()
        with tab(context) as reader:
            reader.open(first.url)
            reader.go_to("patrons.email")
            reader.press("a")
            first.shutdown()
            first.server_close()
            reader.press("s")
            expect(reader.notice).to_contain_text("The command that serves this page has ended.")
    with serving(desk, port) as again, tab(context) as reader:
        reader.open(again.url)
        expect(reader.notice).to_contain_text("1 edit not saved yet")
        reader.save()
    context.close()
    assert desk.column("members", "patrons", "email").status == "approved"


def test_a_file_changed_meanwhile_is_not_overwritten_and_edits_are_kept(
    browser: Browser, desk: Desk, server: ReviewServer
) -> None:
    with reviewing(browser, server.url, wrong=1) as reader:
        reader.go_to("patrons.email")
        reader.press("a")
        theirs = desk.path.read_text().replace("confidence: 0.95", "confidence: 0.95\n            reviewer: Bea")
        desk.path.write_text(theirs)
        reader.save()
        expect(reader.notice).to_contain_text("mapping.yml was changed by somebody else")
        assert desk.path.read_text() == theirs
        reader.page.get_by_role("button", name="Reload, and keep my edits").click()
        expect(reader.notice).to_contain_text("1 row of these changed in the file meanwhile: look again.")
        reader.settle()
        assert reader.chips()["email"] == "look again"
        reader.save()
        assert reader.dialogs == []
    assert desk.column("members", "patrons", "email").reviewer == REVIEWER


def test_hostile_text_is_text(browser: Browser, tmp_path: Path) -> None:
    desk = hostile_desk(tmp_path / "mapping.yml")
    with serving(desk) as server, reviewing(browser, server.url) as reader:
        assert BREAKOUT in reader.cursor()
        reader.press("o")
        expect(reader.options().first).to_contain_text(BREAKOUT)
        reader.press("Escape", "a", "j", "j", "k", "k", "k")
        assert reader.page.locator("img").count() == 0
        assert reader.page.locator("script").count() == 2
        reader.save()
    assert desk.saved().streams[0].entities[0].columns[0].status == "approved"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser: Browser, server: ReviewServer, scheme: str) -> None:
    with reviewing(browser, server.url, scheme=scheme) as reader:
        reader.press("a", "n", "x", "j")
        for keys in ([], ["o"], ["Escape", "G"], ["k", "k", "k"]):
            reader.press(*keys)
            ratio, text = reader.worst_contrast()
            assert ratio >= 4.5, text


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_nothing_is_wider_than_the_window(browser: Browser, server: ReviewServer, width: int) -> None:
    with reviewing(browser, server.url, width=width, height=844) as reader:
        reader.press("o")
        assert reader.page.evaluate("() => document.documentElement.scrollWidth") <= width
        for place in ("#list", "#detail", "header.bar"):
            wide = reader.page.locator(place).evaluate("(one) => one.scrollWidth - one.clientWidth")
            assert wide <= 0, place


def test_a_wide_mapping_stays_fluid(browser: Browser, tmp_path: Path) -> None:
    desk = large_desk(tmp_path / "mapping.yml")
    with serving(desk) as server, reviewing(browser, server.url) as reader:
        expect(reader.progress).to_have_text("0 of 741 decided, 343 questions")
        # What is off screen is not in the document.
        assert reader.page.locator("*").count() < 1_200
        took = reader.page.evaluate("""async () => {
          const frame = () => new Promise((done) => requestAnimationFrame(done));
          const took = [];
          for (const key of "jjjjjjjjjjjjjjjjjjjjaaaaaaaaaaaaaaaaaaaannnnnnnnnnuuuuuuuuuu") {
            const begun = performance.now();
            document.getElementById("list").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
            took.push(performance.now() - begun);
            await frame();
          }
          return took.sort((a, b) => a - b);
        }""")
        print(f"{len(took)} keys, median {took[len(took) // 2]:.1f} ms, worst {took[-1]:.1f} ms")
        reader.press("G")
        assert reader.cursor() == "wide.src_col_179"
        reader.press("/")
        reader.type("target_739")
        reader.press("Enter", "G", "o")
        reader.type("src_col_17")
        expect(reader.options()).to_have_count(11)
        reader.press("Enter")
        reader.save()
    assert desk.column("wide", "wide_entity", "target_739").columns == ("src_col_17",)


def test_a_page_without_a_server_makes_the_same_file(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    page = write_page(desk.review.document(), tmp_path / "out" / "review.html")
    with reviewing(browser, page.as_uri()) as reader:
        reader.page.get_by_label("Reviewer").fill("Cara: 'the' \"second\"")
        reader.press("Escape")
        reader.go_to("patrons.patron_id")
        reader.press("a", "1", "n", "x")
        reader.go_to("patrons.branch_code")
        reader.press("o", "=")
        reader.type("upper(note)")
        reader.press("Enter")
        reader.go_to("checkouts.patron_id")
        reader.press("c")
        reader.go_to("loans → checkouts")
        reader.press("a")
        with reader.page.expect_download() as downloading:
            reader.press("s")
        assert downloading.value.suggested_filename == "mapping.yml"
        made = Path(downloading.value.path()).read_text(encoding="utf-8")
        expect(reader.notice).to_contain_text("sources/library/mapping.yml")
    desk.review.reviewer = "Cara: 'the' \"second\""
    desk.review.save(_SAME.model_copy(update={"version": desk.review.document()["version"]}))
    assert parse_mapping(made) == desk.saved()
    assert _without_quotes(made) == _without_quotes(desk.path.read_text())


def _patrons(target: str, verdict: str, columns: tuple[str, ...] = (), expression: str = "") -> ColumnDecision:
    return ColumnDecision.model_validate(
        {"stream": "members", "entity": "patrons", "target": target, "verdict": verdict}
        | {"columns": list(columns), "expression": expression}
    )


_SAME = Decisions(
    version="",
    entities=[EntityDecision(stream="loans", entity="checkouts", verdict="accept")],
    columns=[
        _patrons("patron_id", "accept"),
        _patrons("full_name", "override", ("last name",)),
        _patrons("email", "none"),
        _patrons("joined_on", "reject"),
        _patrons("branch_code", "override", (), "upper(note)"),
        ColumnDecision(stream="loans", entity="checkouts", target="patron_id", verdict="reopen"),
    ],
)


def _without_quotes(text: str) -> list[str]:
    """Lines as both write them: where quotes stand is each one's own."""
    return [re.sub(r"[\"'\\]", "", line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "null",
        "1e3",
        "- a",
        "a: b",
        "#x",
        "a #b",
        " a ",
        "'",
        '"\\',
        "é\u0085\u2028",
        "{a}",
        "\t",
        "0x1F",
        "~",
        "2020-01-01",
    ],
)
def test_any_text_survives_a_page_without_a_server(browser: Browser, tmp_path: Path, text: str) -> None:
    entry = ColumnMapping(target=text, columns=(text + "s",), confidence=0.5, evidence=text, expression=text)
    mapping = SourceMapping.model_validate(
        {
            "source": "s",
            "streams": [{"stream": text, "entities": [{"entity": text, "columns": [entry.model_dump()]}]}],
        }
    )
    desk = Desk(tmp_path / "mapping.yml", mapping, {}, {})
    page = write_page(desk.review.document(), tmp_path / "review.html")
    with reviewing(browser, page.as_uri()) as reader, reader.page.expect_download() as downloading:
        reader.press("s")
        made = parse_mapping(Path(downloading.value.path()).read_text(encoding="utf-8"))
    assert made == parse_mapping(render_mapping(mapping))
