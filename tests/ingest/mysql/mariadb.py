"""A real MariaDB server as a child process, with a binlog that can be followed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

_SHARE = Path("/usr/share/mysql")
_SCRIPTS = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
_SMALL = ("--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M")
_FOLLOWED = ("--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-metadata=FULL")
_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def program() -> str:
    """The server's program. It is Debian's: `apt-get install mariadb-server-core`."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found, "there is no mariadbd: apt-get install mariadb-server-core"
    return found


@dataclass
class Server:
    """One server in `folder`. options: further ones of its command line."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, with new data if there is none, and wait until it answers."""
        if not self._data.is_dir():
            self._initialise()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command(), f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
                 f"--socket={self.folder / 's'}", *_FOLLOWED, *self.options],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + _SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "it did not start in time"
            time.sleep(0.05)

    def stop(self) -> None:
        """As an administrator does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_SECONDS)

    def kill(self) -> None:
        """As a power failure does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=_SECONDS)

    def connect(self, **options: object) -> pymysql.Connection:
        given = {"host": "127.0.0.1", "port": self.port, "user": "root", "autocommit": True, "charset": "utf8mb4"}
        return pymysql.connect(**{**given, **options})

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _command(self) -> list[str]:
        # Whoever runs the tests owns the data; root must say so.
        user = ("--user=root",) if os.geteuid() == 0 else ()
        return [program(), "--no-defaults", f"--datadir={self._data}", *user, *_SMALL]

    def _initialise(self) -> None:
        self._data.mkdir(parents=True)
        statements = ["create database mysql;", "use mysql;", "set @auth_root_socket = null;"]
        scripts = [(_SHARE / name).read_text() for name in _SCRIPTS]
        done = subprocess.run(
            [*self._command(), "--bootstrap", "--skip-log-bin", "--skip-networking"],
            input="\n".join([*statements, *scripts]), capture_output=True, text=True, timeout=_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.MySQLError:
            return False
        return True


def folder() -> Path:
    """A new folder; its path is short enough for a socket."""
    return Path(tempfile.mkdtemp(prefix="smelt-maria-"))
