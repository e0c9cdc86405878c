"""`smelt review-mapping` in a dbt project, as a user runs it: the server until Ctrl-C, and the page as a file."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pytest

from plugins.source_mapping.document import read_mapping

SMELT = str(Path(sys.executable).with_name("smelt"))
GIVEN = ("Mia", "Jonas", "Lena", "Paul", "Anna", "Felix", "Laura", "Moritz")
REVIEWER = "Zoë [bold]O'Neil"
FILES = {
    "dbt_project.yml": "{name: crm, version: '1.0', profile: crm}",
    "profiles.yml": "crm: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}",
    "models/sources.yml": """
sources:
  - name: crm
    tables: [{name: clients}]
""",
}


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crm")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with duckdb.connect(str(folder / "shop.duckdb")) as con:
        con.sql("create schema crm")
        con.sql("""
            create table crm.clients as
            select i as client_no, 'Mia ' || i as full_name, 'mia' || i || '@example.org' as mail, 'fr' as country
            from range(1, 40) t(i)
        """)
    _git(folder, "init", "-q")
    _git(folder, "config", "user.name", REVIEWER)
    _git(folder, "config", "user.email", "zoe@example.com")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "all")
    return folder


@pytest.fixture
def command(project: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [SMELT, "review-mapping", "crm", "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        arguments, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.mark.full
def test_it_serves_and_saves_until_ctrl_c(project: Path, command: subprocess.Popen[str]) -> None:
    assert command.stdout
    assert command.stderr
    url = urlsplit(command.stdout.readline().split()[1])
    assert url.hostname == "127.0.0.1"
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.request("GET", url.path)
    text = connection.getresponse().read().decode()
    found = re.search(r'id="data">(.*?)</script>', text)
    assert found
    page = json.loads(found[1])
    [stream] = page["streams"]
    [entity] = stream["entities"]
    assert "mia1@example.org" not in text
    target = entity["columns"][0]["target"]
    decision = {"stream": stream["name"], "entity": entity["entity"], "target": target, "verdict": "accept"}
    sent = json.dumps({"version": page["version"], "columns": [decision]})
    headers = {"Origin": f"http://{url.netloc}", "Content-Type": "application/json"}
    connection.request("POST", f"{url.path}save", sent, headers)
    assert connection.getresponse().status == 200
    command.send_signal(signal.SIGINT)
    out, err = command.stdout.read(), command.stderr.read()
    assert command.wait(timeout=60) == 0
    path = project / "sources" / "crm" / "mapping.yml"
    assert out.splitlines() == [
        "         Ctrl-C ends it",
        f"saved    {path.resolve()}",
        f"next     git add {path.resolve()} && git commit -m 'Decide on crm' && smelt map crm",
        "ended",
    ]
    assert "Traceback" not in err
    mapping = read_mapping(path)
    assert mapping
    assert mapping.streams[0].entities[0].columns[0].reviewer == REVIEWER


@pytest.mark.full
def test_the_page_as_a_file(project: Path) -> None:
    run = subprocess.run(
        [SMELT, "review-mapping", "crm", "--html", "out/review.html"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("written  out/review.html\n")
    text = (project / "out" / "review.html").read_text(encoding="utf-8")
    assert "connect-src" not in text
    assert "mia1@example.org" not in text


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    run = subprocess.run(
        [SMELT, "review-mapping", "crm"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "there is no dbt_project.yml" in run.stderr


@pytest.mark.full
def test_what_source_yml_and_discovery_call_personal_is_not_in_the_page(tmp_path: Path) -> None:
    rows = "".join(f"{n};{name};B{n % 4}x;0{n + 1}.03.1980\n" for n, name in enumerate(GIVEN))
    texts = {
        "dbt_project.yml": FILES["dbt_project.yml"],
        "profiles.yml": FILES["profiles.yml"],
        "models/days.sql": "select 1 as day_number\n",
        "smelt.toml": f'[connections.till]\ntype = "files"\nurl = "{tmp_path / "exports"}"\n',
        "exports/kunden.csv": f"Nr;Vorname;Merkmal;Geburtsdatum\n{rows}",
        "sources/till/source.yml": "description: Tills.\nkind: files\nconnection: till\nowner: sales\n\nstreams:\n"
        "  - name: kunden\n    files: {glob: kunden.csv, format: csv, delimiter: ;}\n"
        "    sync_mode: full\n    pii: [merkmal]\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    for arguments in (["ingest", "till"], ["review-mapping", "till", "--html", "review.html"]):
        run = subprocess.run([SMELT, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr

    text = (tmp_path / "review.html").read_text(encoding="utf-8")
    found = re.search(r'id="data">(.*?)</script>', text)
    assert found
    page = json.loads(found[1])
    shown = {one["name"].lower(): one["samples"] for one in page["streams"][0]["columns"]}
    assert shown["merkmal"] == shown["vorname"] == shown["geburtsdatum"] == ["[PII]"]
    assert shown["nr"][:2] == ["0", "1"]
    assert not any(value in text for value in (*GIVEN, "B3x", "1980"))
