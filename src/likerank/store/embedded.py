"""The local server behind `store.uri=embedded`: found where it runs, else started."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from filelock import FileLock, Timeout

from likerank.errors import LikerankError
from likerank.store import supervisor

# Long enough for a server before this one to write its checkpoint, and for this one to read its journal.
_START_SECONDS: Final = 90.0


class Address(NamedTuple):
    """The port of 127.0.0.1 at which a server answers, and its password; none with an older likerank's."""

    port: int
    password: str | None
    password_file: Path


@contextmanager
def embedded_server(folder: Path, idle_seconds: float = 60.0) -> Iterator[Address]:
    """Keeps the folder's server running for the length of a `with` statement.

    The server is a process of its own that any number of commands share. It ends itself after a while without
    use; a killed command does not keep it alive, since the kernel releases its lock. It asks for a password,
    which is in a file of the folder; others than the owner cannot look into the folder.

    Args:
        folder: The server's home; made where there is none.
        idle_seconds: The time without use after which the server ends, if this call starts it.

    Yields:
        Its address and password.

    Raises:
        LikerankError: If the server is not installed, the folder cannot be written or the start fails.
    """
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o700)
        in_use = (folder / supervisor.IN_USE_LOCK).open("a")
    except OSError as error:
        raise LikerankError(
            f"The embedded store's folder {folder} cannot be written: {error.strerror or error}."
        ) from error
    with in_use:
        # Locked before the search: a server about to end is waited for, and one that is found stays.
        if not supervisor.wait_until(lambda: supervisor.try_lock(in_use, fcntl.LOCK_SH), _START_SECONDS):
            raise _not_started(folder)
        try:
            with FileLock(folder / "start.lock", timeout=2 * _START_SECONDS):
                port = _find_or_start(folder, idle_seconds)
        except Timeout:
            raise _not_started(folder) from None
        password_file = folder / supervisor.PASSWORD_FILE
        password = password_file.read_text() if password_file.exists() else None
        yield Address(port, password, password_file)


def _find_or_start(folder: Path, idle_seconds: float) -> int:
    started: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if _supervised(folder):
            # Missing or damaged, the file is written again by the supervisor.
            with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
                port = int(json.loads((folder / supervisor.SERVER_FILE).read_bytes())["port"])
                # Checked again: the server of a supervisor that has just died answers a little longer.
                if supervisor.answers(port) and _supervised(folder):
                    return port
        elif started is None:
            # The file is a dead server's.
            (folder / supervisor.SERVER_FILE).unlink(missing_ok=True)
            started = _start_supervisor(folder, idle_seconds)
        elif started.poll() is not None:
            break
        time.sleep(0.02)
    raise _not_started(folder)


def _supervised(folder: Path) -> bool:
    with (folder / supervisor.SUPERVISOR_LOCK).open("a") as lock:
        return not supervisor.try_lock(lock, fcntl.LOCK_SH)


def _start_supervisor(folder: Path, idle_seconds: float) -> "subprocess.Popen[bytes]":
    if supervisor.find_server() is None:
        raise LikerankError(
            "The embedded store needs SecantusDB: pip install 'likerank[embedded]', or use store=mongodb "
            "with a MongoDB's URI in LIKERANK_MONGODB_URI."
        )
    command = [sys.executable, "-I", supervisor.__file__, str(folder), "--idle-seconds", str(idle_seconds)]
    with (folder / supervisor.LOG_FILE).open("ab") as log:
        # A session of its own: Ctrl-C in the terminal ends the command, not the server.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )


def _not_started(folder: Path) -> LikerankError:
    log = folder / supervisor.LOG_FILE
    try:
        last_lines = log.read_text(errors="replace").strip().splitlines()[-1:]
    except OSError:
        last_lines = []
    reason = f" ({last_lines[0].strip()})" if last_lines else ""
    return LikerankError(f"The embedded store in {folder} did not start{reason}; see its log, {log}.")
