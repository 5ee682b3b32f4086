"""Signals that ask a command to end: it ends as after Ctrl-C, with the exit status that shells give them."""

import signal
import sys
import time
from types import FrameType
from typing import Final

_STOPPING: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP.
_SECONDS: Final = 5.0

_last = float("-inf")


def end_on_signals() -> None:
    """Makes SIGTERM end the process with status 143 and SIGHUP with 129, after what `finally` clauses do.

    A signal that the process was started to ignore, as by nohup, stays ignored.
    """
    for number in _STOPPING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    global _last
    now = time.monotonic()
    if now - _last < _SECONDS:
        return  # A second signal, as impatient schedulers send, must not interrupt the records of the first.
    _last = now
    sys.exit(128 + number)
