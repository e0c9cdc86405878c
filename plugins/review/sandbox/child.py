"""The confined process, a fork of the server.

Order matters: what is trusted is imported first, then the doors are closed, then the task runs.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import socket
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from plugins.core.errors import SmeltError
from plugins.review.sandbox import landlock

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000

# Nothing of a dbt build needs these.
_NETWORK_EVENTS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"})
_REFUSED_EVENTS = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
        "os.forkpty",
        "pty.spawn",
        "ctypes.dlopen",
    }
)
_PATH_EVENTS = frozenset(
    {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
)

# Of the system, what Python, DuckDB and dbt look at.
_SYSTEM_READABLE = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/etc/os-release",
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/stat",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
)
# How names become addresses, and whom TLS trusts.
_NETWORK_READABLE = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd", "/etc/ssl", "/etc/pki")
# Semaphores of multiprocessing live in /dev/shm.
_SYSTEM_WRITABLE = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/shm")  # noqa: S108


def main(connection: int, log: int) -> None:
    """Do the tasks that come on `connection`, a line each, after one that says what this process may.

    Answers with this process's id, and for each task with its result or the reason why there is none.
    """
    os.setsid()
    die_with_parent()
    # dbt makes millions of objects that stay: to look through them again and again takes a third of its time.
    gc.set_threshold(200_000, 50, 50)
    with socket.socket(fileno=connection) as pipe, pipe.makefile("rb") as requests:
        pipe.sendall(f"{os.getpid()}\n".encode())
        confinement = json.loads(requests.readline())
        _settle(confinement, log)
        is_open = True
        for line in requests:
            request = json.loads(line)
            try:
                function = _find(request["task"])
                if is_open:
                    import_module(f"dbt.adapters.{confinement['adapter']}")
                    _close_doors(confinement)
                    is_open = False
                answer: dict[str, Any] = {"result": function(request["arguments"])}
            except SmeltError as error:
                answer = {"error": error.message, "hint": error.hint}
            except Exception as error:  # noqa: BLE001 - the reason must reach the parent, whatever it is
                answer = {"error": f"{type(error).__name__}: {error}"}
            answer["cpu_seconds"] = time.process_time()
            pipe.sendall(json.dumps(answer).encode() + b"\n")


def _settle(request: Mapping[str, Any], log: int) -> None:
    """Be at home where the request says, and not where the server was."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["writable"][0])
    tempfile.tempdir = None


def _find(task: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    module, _, name = task.partition(":")
    return getattr(import_module(module), name)


def die_with_parent() -> None:
    """Be killed when the process that started this one ends."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _close_doors(request: Mapping[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = request["limits"]["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    has_network = request["has_network"]
    if not has_network:
        _leave_network()
    writable = [Path(path).resolve() for path in request["writable"]]
    readable = [Path(path).resolve() for path in request["readable"]] + _own_code()
    # /proc/self is a link to this process.
    readable += [Path(path).resolve() for path in _SYSTEM_READABLE]
    writable += [Path(path) for path in _SYSTEM_WRITABLE]
    if has_network:
        readable += [Path(path) for path in _NETWORK_READABLE]
    landlock.restrict(readable, writable, has_network=has_network)
    refused = _REFUSED_EVENTS if has_network else _REFUSED_EVENTS | _NETWORK_EVENTS
    sys.addaudithook(_hook(readable, writable, refused))


def _own_code() -> list[Path]:
    """Where Python and Smelt are installed; not the folder that a checkout of Smelt lies in."""
    import plugins

    found = {Path(sys.prefix), Path(sys.base_prefix), *map(Path, sysconfig.get_paths().values())}
    found |= {Path(path) for path in plugins.__path__}
    found |= {Path(sys.executable).resolve().parents[1]}
    return sorted({path.resolve() for path in found if path.exists()})


def _leave_network() -> None:
    """A network of its own, with nothing in it, where the system lets us; Landlock and the hook stand besides."""
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _hook(
    readable: list[Path], writable: list[Path], refused: frozenset[str]
) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook (PEP 578) that refuses connections, processes, and files outside the lists."""
    may_read = tuple(str(path) for path in readable + writable)
    may_write = tuple(str(path) for path in writable)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in refused:
            raise PermissionError(f"the sandbox refuses {event}")
        if event == "open":
            path, _, flags = arguments
            is_write = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
            _check(path, may_write if is_write else may_read, event)
        elif event in _PATH_EVENTS:
            for argument in arguments[:2]:
                _check(argument, may_write, event)

    return hook


def _check(path: Any, allowed: tuple[str, ...], event: str) -> None:
    if isinstance(path, (str, bytes, os.PathLike)):
        # realpath and not abspath: a link inside may lead outside.
        real = os.path.realpath(os.fsdecode(path))
        if not any(real == root or real.startswith(root + os.sep) for root in allowed):
            raise PermissionError(f"the sandbox refuses {event} of {real}")
