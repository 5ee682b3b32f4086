"""Scripts in processes of their own that need not import torch, Lightning and MLflow once more.

One process for each worker of the tests has imported them, and forks for each script. Everything else is as
in a process that Python starts: a session of its own, arguments, folder, environment, output, exit status.
"""

import contextlib
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

_PRELOADED = (
    "likerank",
    "pytorch_lightning",
    "mlflow.pyfunc",
    "likerank.commands.train",
    "likerank.commands.refresh",
)
_LONGEST_MESSAGE = 1 << 20


class Forked:
    """A running or ended script, with the methods of `subprocess.Popen` that the tests use.

    Attributes:
        args: Its command line.
        pid: Its process, which leads a session of its own.
        returncode: Its exit status, negative for a signal; None until `poll`, `wait` or `communicate` saw it.
    """

    def __init__(self, server: "_Server", args: Sequence[str], pid: int, output: Path) -> None:
        self.args, self.pid = list(args), pid
        self.returncode: int | None = None
        self._server, self._output = server, output

    def poll(self) -> int | None:
        """Returns the exit status, or None while it runs."""
        self._server.receive(0)
        self.returncode = self._server.statuses.get(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end and returns the exit status."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._server.receive(1 if end is None else max(0, min(1, end - time.monotonic())))
        assert self.returncode is not None
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        """Waits for its end and returns what it printed and its errors."""
        self.wait()
        return (self._output / "stdout").read_text(), (self._output / "stderr").read_text()

    def send_signal(self, number: int) -> None:
        """Sends a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it as `kill -9` does; its worker processes must see to themselves."""
        self.send_signal(signal.SIGKILL)


def start_script(command: Sequence[str], folder: Path) -> Forked:
    """Starts a script in a folder; its command line is its path and its arguments."""
    return _server().start(command, folder)


def start_code(code: str, folder: Path) -> Forked:
    """Starts Python code in a folder, where it is kept as a script."""
    script = folder / f"{uuid.uuid4().hex}.py"
    script.write_text(code)
    return start_script([str(script)], folder)


@functools.cache
def _server() -> "_Server":
    return _Server()


class _Server:
    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self._outputs = Path(tempfile.mkdtemp(prefix="forked-"))
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, __file__, str(theirs.fileno())]
        subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
        theirs.close()

    def start(self, command: Sequence[str], folder: Path) -> Forked:
        output = Path(tempfile.mkdtemp(dir=self._outputs))
        request = {"argv": list(command), "cwd": str(folder), "env": dict(os.environ), "output": str(output)}
        self._ours.send(json.dumps(request).encode())
        while (pid := self._next()) is None:
            pass
        return Forked(self, command, pid, output)

    def receive(self, seconds: float) -> None:
        """Takes in the statuses that have come, and waits for the next one at most some seconds."""
        while select.select([self._ours], [], [], seconds)[0]:
            assert self._next() is None
            seconds = 0

    def _next(self) -> int | None:
        """Returns the pid of a started process, or None for the status of an ended one."""
        message = json.loads(self._ours.recv(_LONGEST_MESSAGE))
        if "status" not in message:
            return int(message["pid"])
        self.statuses[message["pid"]] = message["status"]
        return None


def _serve(connection: socket.socket) -> None:
    """Forks for each request and tells how each process ended, until the tests' process has ended."""
    for module in _PRELOADED:
        __import__(module)
    gc.collect()
    gc.freeze()
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    while True:
        ready, _, _ = select.select([connection, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            with contextlib.suppress(ChildProcessError):
                while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                    _tell(connection, pid=ended[0], status=os.waitstatus_to_exitcode(ended[1]))
        if connection in ready:
            if not (message := connection.recv(_LONGEST_MESSAGE)):
                return
            request = json.loads(message)
            if (pid := os.fork()) == 0:
                for end in (connection, woken, wake):
                    end.close()
                _become(request)
            _tell(connection, pid=pid)


def _tell(connection: socket.socket, **message: int) -> None:
    connection.send(json.dumps(message).encode())


def _become(request: dict[str, Any]) -> NoReturn:
    """Runs a script as Python would in a process that it had started for it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        file = os.open(f"{request['output']}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, stream.fileno())
        os.close(file)
    sys.argv = request["argv"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        status = 1 if isinstance(ended.code, str) else ended.code or 0
    except BaseException as error:
        traceback.print_exc()
        status = 130 if isinstance(error, KeyboardInterrupt) else 1
    else:
        status = 0
    _end(status)


def _end(status: int) -> NoReturn:
    """Ends as Python's own end does: what was registered for the end is run, and streams are written."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
