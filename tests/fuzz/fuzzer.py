"""Tries one input: whether its reader ends in time, within its memory, and in no error but a sentence."""

import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Final

from likerank.errors import LikerankError
from likerank.store import Store

_SECONDS: Final = 20
_MEBIBYTES: Final = 1200  # A picture of 100 million pixels has a third of it.
_LONGEST_SENTENCE: Final = 3000


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        draw: Writes a random input into an empty folder.
        read: Reads the input of a folder as a command does; the store takes records.
        weight: How often it is drawn, compared with the others.
    """

    draw: Callable[[Random, Path], None]
    read: Callable[[Path, Store], None]
    weight: float = 1.0


class _TooLongError(BaseException):
    """The reader did not end in time."""


def failure_of(kind: Kind, folder: Path, store: Store) -> str:
    """Reads an input; returns what was wrong with the reading, "" where nothing was."""
    before, began = _most_memory(), time.monotonic()
    wrong = ""
    try:
        with _within(_SECONDS):
            kind.read(folder, store)
    except LikerankError as error:
        wrong = _wrong_sentence(str(error))
    except _TooLongError:
        wrong = f"more than {_SECONDS} s:\n{traceback.format_exc()}"
    except Exception:
        wrong = traceback.format_exc()
    if not wrong and (seconds := time.monotonic() - began) > _SECONDS:
        wrong = f"took {seconds:.0f} s"
    if not wrong and (grown := _most_memory() - before) > _MEBIBYTES:
        wrong = f"took {grown} MiB"
    return wrong


def _wrong_sentence(sentence: str) -> str:
    if not sentence.strip() or len(sentence) > _LONGEST_SENTENCE or "\n" in sentence.strip():
        return f"no sentence of one line: {sentence[:5000]!r}"
    return ""


def _most_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> (20 if sys.platform == "darwin" else 10)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
