"""The process that supervises a folder's MongoDB server: starts, watches and stops it.

Started by its path (`python -I supervisor.py FOLDER`), so that it imports only the standard library and
starts at once. In FOLDER:

- `supervisor.lock` is held by the one supervisor for as long as it lives.
- `in_use.lock` is held, shared, by every client; an exclusive lock means that there is no client.
- `server.json` holds the server's port; it exists only while the server answers.
- `server.pid` names the server, for those who look for it.
- `password` is that of the server's only user, `USER`; the folder's owner alone reads it.
- `server.log` is the log of server and supervisor; `wiredtiger/` is the data.
"""

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

SUPERVISOR_LOCK = "supervisor.lock"
IN_USE_LOCK = "in_use.lock"
SERVER_FILE = "server.json"
LOG_FILE = "server.log"
PASSWORD_FILE = "password"  # noqa: S105
USER = "likerank"
_PID_FILE = "server.pid"
_DATA_FOLDER = "wiredtiger"
_LOG_BYTES = 1_000_000
_PANIC = b"WT_PANIC"
_POLL_SECONDS = 0.2
_START_SECONDS = 30.0
# A server writes a checkpoint before it stops.
_STOP_SECONDS = 30.0


def find_server() -> str | None:
    """Returns the server's program, from the environment that this Python is in or else from PATH."""
    beside_python = str(Path(sys.executable).parent)
    return shutil.which("secantusd-py", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))


def try_lock(file: IO[str], mode: int) -> bool:
    """Takes a lock (`fcntl.LOCK_EX` or `LOCK_SH`) on an open file if it is free at once."""
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Polls a condition; returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def answers(port: int) -> bool:
    """Returns whether something on this machine accepts connections at the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """Supervises one server until it has been unused for a while, or ends; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--idle-seconds", type=float, required=True)
    options = parser.parse_args(arguments)
    folder: Path = options.folder.resolve()  # So that whatever path leads there, its server is recognised.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.umask(0o077)
    with (folder / SUPERVISOR_LOCK).open("a") as lock, (folder / IN_USE_LOCK).open("a") as in_use:
        # A client that looks for a supervisor holds the lock for a moment.
        if not wait_until(lambda: try_lock(lock, fcntl.LOCK_EX), 5):
            return 0
        _stop_orphans(folder)
        if not (folder / PASSWORD_FILE).exists():
            _make_password(folder)
        server, port = _start(folder, "--auth")
        try:
            _watch(server, in_use, options.idle_seconds, partial(_publish, folder, port))
        finally:
            # A client that comes now waits for `in_use`, and starts a new supervisor.
            (folder / SERVER_FILE).unlink(missing_ok=True)
            _stop(server)
            (folder / _PID_FILE).unlink(missing_ok=True)
    return 0


def _make_password(folder: Path) -> None:
    """Gives the server's data one user, with a new password.

    SecantusDB makes users only while it asks for no password. The data is new then, or an older likerank's,
    which never asked; users that somebody else makes meanwhile are removed.
    """
    from pymongo import MongoClient  # Here, since only a folder's first start needs it.

    password = secrets.token_urlsafe(32)
    server, port = _start(folder)
    try:
        client: MongoClient[dict[str, Any]]
        with MongoClient("127.0.0.1", port, directConnection=True) as client:
            users: list[dict[str, str]] = list(client.admin["system.users"].find())
            for user in users:
                client[user["db"]].command("dropUser", user["user"])
            client.admin.command("createUser", USER, pwd=password, roles=["root"])
    finally:
        _stop(server)
    aside = folder / f"{PASSWORD_FILE}.tmp"
    aside.write_text(password)
    aside.replace(folder / PASSWORD_FILE)


def _start(folder: Path, *options: str) -> tuple["subprocess.Popen[bytes]", int]:
    program = find_server()
    if program is None:
        sys.exit("secantusd-py is not installed")
    # Its own, empty: else the server would read one from the user's home.
    settings = folder / "secantusd.toml"
    settings.touch()
    for _ in range(3):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        command = [program, "--config", settings, "--host", "127.0.0.1", "--port", port]
        command += ["--storage-path", folder / _DATA_FOLDER, "--cache-size", "512M", "--log-level", "WARNING"]
        command += ["--standalone"]  # A replica set's log of operations would hold every picture again.
        command += options
        server = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            preexec_fn=partial(_die_with_parent, os.getpid()) if sys.platform == "linux" else None,
        )
        threading.Thread(target=_keep_output, args=(server, folder / LOG_FILE), daemon=True).start()
        (folder / _PID_FILE).write_text(str(server.pid))
        wait_until(lambda: server.poll() is not None or answers(port), _START_SECONDS)  # noqa: B023
        if server.poll() is None:
            return server, port
    sys.exit(f"secantusd-py ended with status {server.returncode}")


def _die_with_parent(parent: int) -> None:
    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGTERM)
    if os.getppid() != parent:  # It died before that.
        os._exit(1)


def _publish(folder: Path, port: int) -> None:
    """Writes the file with the port unless it is there and whole."""
    file, content = folder / SERVER_FILE, json.dumps({"port": port})
    with contextlib.suppress(OSError):  # Where the disk is full, the server answers those who know its port.
        if not file.exists() or file.read_text(errors="replace") != content:
            aside = folder / f"{SERVER_FILE}.tmp"
            aside.write_text(content)
            aside.replace(file)


def _watch(
    server: "subprocess.Popen[bytes]", in_use: IO[str], idle_seconds: float, publish: Callable[[], None]
) -> None:
    """Returns when the server has ended, or with `in_use` held when it was unused for long enough."""
    idle_since: float | None = None
    while server.poll() is None:
        publish()
        if try_lock(in_use, fcntl.LOCK_EX):
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since >= idle_seconds:
                return
            fcntl.flock(in_use, fcntl.LOCK_UN)
        else:
            idle_since = None
        time.sleep(_POLL_SECONDS)


def _keep_output(server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Appends what a server says to the log, and ends the server once its storage engine gave up.

    As after a full disk, which takes no log either: the server answers, but only a new one can write again.
    """
    assert server.stdout is not None  # noqa: S101 - for the type checker
    last = b""
    while said := os.read(server.stdout.fileno(), 1 << 16):
        with contextlib.suppress(OSError), log.open("ab") as file:
            if file.tell() > _LOG_BYTES:
                file.truncate(0)
            file.write(said)
        if _PANIC in last + said:
            server.kill()
        last = said[-len(_PANIC) :]


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _stop_orphans(folder: Path) -> None:
    """Ends servers of supervisors that were killed: only one at a time can have the data open.

    They are found by their command line: a supervisor may be killed before it has written a pid.
    """
    data = str(folder / _DATA_FOLDER)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid, command in _command_lines():
            if data in command:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, sign)
        if wait_until(lambda: not any(data in command for _, command in _command_lines()), _STOP_SECONDS):
            return


def _command_lines() -> Iterator[tuple[int, list[str]]]:
    """Yields the processes with their arguments; a zombie has none."""
    processes = Path("/proc")
    if (processes / "self").exists():
        for process in processes.iterdir():
            if process.name.isdecimal():
                with contextlib.suppress(OSError):
                    content = (process / "cmdline").read_bytes()
                    yield int(process.name), os.fsdecode(content).split("\0")
        return
    listed = subprocess.run(["ps", "-A", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), re.findall(r"--storage-path (.*?) --", command)


if __name__ == "__main__":
    sys.exit(main())
