"""Endpoints that misbehave in every way cost their budget once, in one line, and leave the file complete."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shop import load_shop, new_project

from plugins.build import build
from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import Settings, load_settings
from plugins.observability import emit_run

_LOADS = 20


def _settings(folder: Path, endpoint: str, more: str = "") -> Settings:
    (folder / "smelt.toml").write_text(f'[openlineage]\nendpoint = "{endpoint}"\n{more}')
    return load_settings(folder)


def _run(settings: Settings) -> str:
    with open_run(Ledger(settings), "ingest") as run:
        load = {"source": "shop", "outcome": "loaded", "rows_loaded": 1, "bytes": 1, "snapshot_id": 1}
        run.append("stream_loads", *({**load, "stream": f"t{n}"} for n in range(_LOADS)))
    return run.id


def _lines(settings: Settings) -> int:
    return len(
        [json.loads(line) for line in (settings.local_root / "openlineage.ndjson").read_text().splitlines()]
    )


def _never(client: socket.socket) -> None:
    client.recv(65536)
    time.sleep(10)


def _drop_by_drop(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        client.sendall(b".")
        time.sleep(0.1)


def _error(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    client.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    servers: list[socket.socket] = []

    def answer(client: socket.socket, behaviour: Callable[[socket.socket], None]) -> None:
        try:
            behaviour(client)
        except OSError:
            client.close()  # the other side gave up, as it should

    def accept(server: socket.socket, behaviour: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client, behaviour), daemon=True).start()

    def start(behaviour: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=accept, args=(server, behaviour), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


def _closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("behaviour", [None, _never, _drop_by_drop, _error])
def test_two_runs_of_one_command_pay_for_a_bad_endpoint_once(tmp_path: Path, serve, behaviour) -> None:
    endpoint = serve(behaviour) if behaviour else _closed()
    settings = _settings(tmp_path, endpoint)
    runs = [_run(settings), _run(settings)]
    import plugins.observability.emit  # noqa: F401 - imports are not what is measured

    started = time.monotonic()
    warnings = [emit_run(settings, run) for run in runs]
    assert time.monotonic() - started < 1.5
    total = 2 + 2 * _LOADS
    assert all(f"{total} of {total} lineage events were not sent" in (warning or "") for warning in warnings)
    assert _lines(settings) == 2 * total


def test_a_build_publishes_though_the_endpoint_never_answers(tmp_path: Path, serve) -> None:
    settings = new_project(tmp_path)
    load_shop(settings)
    options = settings.openlineage.model_copy(update={"endpoint": serve(_never)})
    result = build(settings.model_copy(update={"openlineage": options}))
    assert (result.outcome, result.exit_code) == ("published", 0)
    (warning,) = result.warnings
    assert "lineage events were not sent (no answer within 1 s); the file has them" in warning


@pytest.mark.parametrize(
    ("endpoint", "more", "said"),
    [
        ("nonsense", "", "nonsense"),
        ("http://127.0.0.1:9", 'api_key = "env:NO_SUCH_KEY"\n', "NO_SUCH_KEY"),
    ],
)
def test_a_wrong_setting_is_said_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], endpoint: str, more: str, said: str
) -> None:
    settings = _settings(tmp_path, endpoint, more)
    warning = emit_run(settings, _run(settings))
    assert warning is not None
    assert said in warning
    assert "\n" not in warning
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file, where a folder is needed")
    (tmp_path / "smelt.toml").write_text('[openlineage]\nfile = "blocked/events.ndjson"\n')
    settings = load_settings(tmp_path)
    assert "were not written" in (emit_run(settings, _run(settings)) or "")


def _tell(folder: Path, run_ids: list[str]) -> None:
    for run_id in run_ids:
        emit_run(load_settings(folder), run_id)


def test_lines_of_several_processes_stay_whole(tmp_path: Path) -> None:
    (tmp_path / "smelt.toml").write_text("")
    settings = load_settings(tmp_path)
    runs = [_run(settings) for _ in range(8)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["plugins.observability.emit"])
    processes = [context.Process(target=_tell, args=(tmp_path, runs[n::4])) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert _lines(settings) == 8 * (2 + 2 * _LOADS)
