"""Connectors of small specs, run by airbyte-cdk against a mock that does what a label says: counts have to
agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_specs import cases, listing, record, spec, write

from plugins.connectors import check_connector, connect
from plugins.connectors.mock import Faults, Labels, serve

QUIET = Faults(rate_limited_every=0, unavailable_every=0)
HELD = 33
TIMED = record(updated_at={"type": "string", "format": "date-time"})


def labelled(*streams: dict[str, Any], auth: dict[str, Any] | None = None) -> Labels:
    plain = {"primary_key": ["id"], "pagination": {"kind": "none"}, "cursor": None}
    return Labels.model_validate(
        {
            "spec": "small.yaml",
            "paths": "all",
            "base_url": "https://api.acme.example/v1",
            "auth": auth or {"kind": "none"},
            "streams": [{**plain, **stream} for stream in streams],
        }
    )


def schemes(**found: Any) -> dict[str, Any]:
    return {"components": {"securitySchemes": found}, "security": [{name: [] for name in found}]}


OAUTH = {"tokenUrl": "https://api.acme.example/oauth/token", "scopes": {}}
OAUTH_LABEL = {"kind": "oauth2", "name": "Authorization"}
AUTH = [
    ("bearer", {"type": "http", "scheme": "bearer"}, {"kind": "bearer", "name": "Authorization"}),
    ("basic", {"type": "http", "scheme": "basic"}, {"kind": "basic", "name": "Authorization"}),
    ("header", {"type": "apiKey", "in": "header", "name": "X-Key"}, {"kind": "api_key_header", "name": "X-Key"}),
    ("query", {"type": "apiKey", "in": "query", "name": "key"}, {"kind": "api_key_query", "name": "key"}),
    ("client credentials", {"type": "oauth2", "flows": {"clientCredentials": OAUTH}}, OAUTH_LABEL),
    ("refresh token", {"type": "oauth2", "flows": {"authorizationCode": OAUTH}}, OAUTH_LABEL),
]  # fmt: skip


@pytest.mark.parametrize(("name", "scheme", "label"), AUTH, ids=[case[0] for case in AUTH])
def test_credentials_reach_the_api(
    tmp_path: Path, name: str, scheme: dict[str, Any], label: dict[str, Any]
) -> None:
    document = spec({"/orders": listing()}, **schemes(auth=scheme))
    with serve(document, labelled({"path": "/orders", "records": []}, auth=label), HELD, faults=QUIET) as mock:
        if mock.token_url and "flows" in scheme:
            flow = next(iter(scheme["flows"]))
            document["components"]["securitySchemes"]["auth"]["flows"] = {
                flow: {**OAUTH, "tokenUrl": mock.token_url}
            }
        made = connect(write(tmp_path, document))
        known = {
            "api_token": mock.secrets.token,
            "api_key": mock.secrets.api_key,
            **{
                one: getattr(mock.secrets, one)
                for one in ("username", "password", "client_id", "client_secret", "refresh_token")
            },
        }
        config = {"base_url": mock.url, **{one.name: known[one.name] for one in made.inputs}}
        assert check_connector(made.manifest, config).counts == {"orders": HELD}
        wrong = {**config, **{one.name: "wrong" for one in made.inputs}}
        refused = check_connector(made.manifest, wrong)
        assert not refused.is_good
        assert "401" in refused.check_error or "refused" in refused.check_error or mock.token_url


SIZED = {"limit": {"type": "integer", "maximum": 10}}


@pytest.mark.parametrize("case", cases("read_pages"), ids=lambda case: case["name"])
def test_all_pages_are_read(tmp_path: Path, case: dict[str, Any]) -> None:
    label = case["label"]
    headers = ["Link"] if label["kind"] == "link_header" else None
    path = listing(query=case["query"], wrapper="orders", beside=case["beside"], headers=headers)
    document = spec({"/orders": path})
    stream = {"path": "/orders", "records": ["orders"], "pagination": label}
    with serve(document, labelled(stream), HELD, faults=QUIET) as mock:
        made = connect(write(tmp_path, document))
        done = check_connector(made.manifest, {"base_url": mock.url}, samples=HELD)
        assert done.counts == {"orders": HELD}, done
        ids = [one["id"] for one in done.streams[0].sample]
        assert sorted(ids) == sorted(one["id"] for one in mock.records("/orders"))


def test_records_that_are_wrapped_one_by_one_are_unwrapped(tmp_path: Path) -> None:
    wrapped = {"type": "object", "properties": {"order": record()}}
    document = spec({"/orders": listing(wrapped), "/refunds": listing(wrapped, wrapper="data")})
    labels = labelled(
        {"path": "/orders", "records": ["*", "order"]}, {"path": "/refunds", "records": ["data", "*", "order"]}
    )
    with serve(document, labels, HELD, faults=QUIET) as mock:
        done = check_connector(connect(write(tmp_path, document)).manifest, {"base_url": mock.url}, samples=1)
        assert done.counts == {"orders": HELD, "refunds": HELD}
        assert all("id" in one.sample[0] for one in done.streams)


def test_a_second_read_brings_only_what_is_new(tmp_path: Path) -> None:
    query = {"updated_since": {"type": "string", "format": "date-time"}}
    document = spec({"/orders": listing(TIMED, query=query)})
    label = {"path": "/orders", "records": [], "cursor": {"field": "updated_at", "parameter": "updated_since"}}
    made = connect(write(tmp_path, document))
    with serve(document, labelled(label), HELD, faults=QUIET) as mock:
        first = check_connector(made.manifest, {"base_url": mock.url})
        assert first.counts == {"orders": HELD}
        states = {one.name: one.state for one in first.streams}
        again = check_connector(made.manifest, {"base_url": mock.url}, states=states)
        # What changed in the cursor's last second may have changed since: it comes again.
        assert again.counts == {"orders": 1}
    with serve(document, labelled(label), HELD + 5, faults=QUIET) as mock:
        later = check_connector(made.manifest, {"base_url": mock.url}, states=states)
        assert later.counts == {"orders": 6}
        middle = mock.records("/orders")[20]["updated_at"]
        begun = check_connector(made.manifest, {"base_url": mock.url, "start_date": middle[:10]})
        assert 0 < begun.counts["orders"] <= HELD + 5


def test_children_and_their_children_are_read_for_each_parent(tmp_path: Path) -> None:
    paths = {
        "/projects": listing(),
        "/projects/{project_id}/tasks": listing(),
        "/projects/{project_id}/tasks/{task_id}/notes": listing(),
        "/labels": listing(query={"project": {"type": "string", "required": True}}),
    }
    own = {"path": "/projects", "parameter": "project_id", "field": "id"}
    task = {"path": "/projects/{project_id}/tasks", "parameter": "task_id", "field": "id"}
    labels = labelled(
        {"path": "/projects", "records": []},
        {"path": "/projects/{project_id}/tasks", "records": [], "parent": own},
        {"path": "/projects/{project_id}/tasks/{task_id}/notes", "records": [], "parent": task},
        {"path": "/labels", "records": [], "parent": {**own, "parameter": "project"}},
    )
    held = {
        "/projects": 3,
        "/projects/{project_id}/tasks": 8,
        "/projects/{project_id}/tasks/{task_id}/notes": 19,
        "/labels": 7,
    }
    document = spec(paths)
    with serve(document, labels, held, faults=QUIET) as mock:
        made = connect(write(tmp_path, document))
        done = check_connector(made.manifest, {"base_url": mock.url}, samples=20)
        assert done.counts == {"projects": 3, "project_tasks": 8, "task_notes": 19, "labels": 7}
        tasks = next(one for one in done.streams if one.name == "project_tasks")
        # Which project a task is of would be lost, if the record didn't carry it.
        known = {str(one["id"]) for one in mock.records("/projects")}
        assert {one["project_id"] for one in tasks.sample} <= known


def test_four_levels_of_children_are_read(tmp_path: Path) -> None:
    levels = ["/alphas", "/{alpha_id}/betas", "/{beta_id}/gammas", "/{gamma_id}/deltas"]
    paths = ["".join(levels[: number + 1]) for number in range(4)]
    labels = [{"path": paths[0], "records": []}]
    for number, parameter in enumerate(("alpha_id", "beta_id", "gamma_id")):
        parent = {"path": paths[number], "parameter": parameter, "field": "id"}
        labels.append({"path": paths[number + 1], "records": [], "parent": parent})
    document = spec({path: listing() for path in paths})
    with serve(document, labelled(*labels), dict(zip(paths, (2, 3, 5, 7), strict=True)), faults=QUIET) as mock:
        done = check_connector(connect(write(tmp_path, document)).manifest, {"base_url": mock.url})
        assert list(done.counts.values()) == [2, 3, 5, 7]


def test_two_fields_of_one_parent_make_one_path(tmp_path: Path) -> None:
    repository = {"type": "object", "properties": {"owner": {"type": "string"}, "repo": {"type": "string"}}}
    notes = "/repos/{owner}/{repo}/issues/{issue_id}/notes"
    document = spec({"/repos": listing(repository), "/repos/{owner}/{repo}/issues": listing(), notes: listing()})
    parents = [{"path": "/repos", "parameter": one, "field": one} for one in ("owner", "repo")]
    labels = labelled(
        {"path": "/repos", "records": [], "primary_key": ["owner", "repo"]},
        {"path": "/repos/{owner}/{repo}/issues", "records": [], "parent": parents},
        {
            "path": notes,
            "records": [],
            "parent": {"path": "/repos/{owner}/{repo}/issues", "parameter": "issue_id", "field": "id"},
        },
    )
    held = {"/repos": 4, "/repos/{owner}/{repo}/issues": 9, notes: 11}
    with serve(document, labels, held, faults=QUIET) as mock:
        done = check_connector(connect(write(tmp_path, document)).manifest, {"base_url": mock.url})
        assert done.counts == {"repos": 4, "repo_issues": 9, "issue_notes": 11}


@pytest.mark.full
def test_an_api_that_throttles_and_falters_is_read_to_the_end(tmp_path: Path) -> None:
    query = {"page": {"type": "integer"}, **SIZED}
    document = spec({"/orders": listing(query=query)})
    pages = {"kind": "page", "parameter": "page", "size_parameter": "limit", "max_size": 10}
    label = {"path": "/orders", "records": [], "pagination": pages}
    with serve(document, labelled(label), 95, faults=Faults(rate_limited_every=4, unavailable_every=9)) as mock:
        made = connect(write(tmp_path, document))
        assert check_connector(made.manifest, {"base_url": mock.url}).counts == {"orders": 95}
        assert mock.held.faults["rate_limited"] >= 2
        assert mock.held.faults["unavailable"] >= 1


def test_an_answer_that_is_not_as_guessed_is_an_error_and_not_an_empty_stream(tmp_path: Path) -> None:
    document = spec({"/orders": listing(query={"page": {"type": "integer"}})})
    document["paths"]["/orders"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {}
    label = {"path": "/orders", "records": ["rows"], "fields": {"id": "integer"}}
    with serve(document, labelled(label), HELD, faults=QUIET) as mock:
        made = connect(write(tmp_path, document))
        assert made.streams[0].records.is_doubtful
        done = check_connector(made.manifest, {"base_url": mock.url})
        assert "field_path" in done.streams[0].error


def test_an_address_with_nothing_behind_it_is_an_error(tmp_path: Path) -> None:
    document = spec({"/orders": listing()})
    with serve(
        spec({"/others": listing()}), labelled({"path": "/others", "records": []}), 1, faults=QUIET
    ) as mock:
        done = check_connector(connect(write(tmp_path, document)).manifest, {"base_url": mock.url})
        assert "404" in done.check_error + done.streams[0].error
        assert not done.is_good
