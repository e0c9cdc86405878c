"""A Python model that tries to get out, and writes down what it could do."""

import os
import pathlib
import socket
import subprocess
import urllib.request

import duckdb


def _connect():
    with socket.create_connection(("127.0.0.1", int("PORT")), timeout=2) as connection:
        return connection.recv(100)


ATTEMPTS = {
    "read /etc/passwd": lambda: pathlib.Path("/etc/passwd").read_text(),
    "read a secret": lambda: pathlib.Path("SECRET").read_text(),
    "read a secret by a link": lambda: (
        os.symlink("SECRET", "link"),
        pathlib.Path("link").read_text(),
    ),
    "read the environment of the parent": lambda: pathlib.Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read the git repository": lambda: pathlib.Path("GIT").read_text(),
    "list the home folder": lambda: os.listdir("HOME"),
    "write outside": lambda: pathlib.Path("OUTSIDE").write_text("x"),
    "delete outside": lambda: os.remove("SECRET"),
    "connect": _connect,
    "fetch": lambda: urllib.request.urlopen("http://127.0.0.1:PORT", timeout=2).read(),
    "start a process": lambda: subprocess.run(["/usr/bin/id"], capture_output=True, check=True).stdout,
    "start a shell": lambda: os.popen("id").read(),
    "fork": lambda: os.fork() or os._exit(0),
    "see the environment": lambda: os.environ["CANARY"],
    "duckdb reads": lambda session: session.sql("select * from read_text('/etc/passwd')").fetchall(),
    "duckdb writes": lambda session: session.sql("copy (select 1) to 'OUTSIDE.csv'"),
    "duckdb attaches": lambda session: session.sql("attach 'OUTSIDE.db'"),
    "duckdb fetches": lambda session: session.sql(
        "select * from read_csv('http://127.0.0.1:PORT/x.csv')"
    ).fetchall(),
}


def model(dbt, session):
    rows = []
    for name, attempt in ATTEMPTS.items():
        try:
            # A failed statement would end the transaction that this model is built in.
            got = attempt(duckdb.connect()) if name.startswith("duckdb") else attempt()
            rows.append((name, True, repr(got)[:100]))
        except Exception as error:  # noqa: BLE001
            rows.append((name, False, type(error).__name__))
    names = ", ".join(f"('{n}', {ok}, '{said.replace(chr(39), chr(39) * 2)}')" for n, ok, said in rows)
    return session.sql(f"select * from (values {names}) as t(attempt, succeeded, said)")
