"""Locks of running runs: the kernel releases them when a process is killed, and the next command sees it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from likerank.errors import LikerankError

_FOLDER: Final = "running"
_held: Final[dict[str, tuple[Path, FileLock]]] = {}


def hold(mlruns: Path, run_id: str) -> None:
    """Locks a run for as long as this process runs it.

    Raises:
        LikerankError: If another process runs it.
    """
    if run_id in _held:
        return
    file = mlruns / _FOLDER / run_id
    file.parent.mkdir(exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LikerankError(
            f"Run {run_id} is still running in another process; let it end, or end it."
        ) from None
    _held[run_id] = file, lock


def release(run_id: str) -> None:
    """Removes the lock of a run, where this process holds it."""
    if run_id in _held:
        file, lock = _held.pop(run_id)
        file.unlink(missing_ok=True)
        lock.release()


def abandoned(mlruns: Path) -> Iterator[str]:
    """Yields the runs whose processes are gone, and removes their locks; only one process at a time."""
    for file in sorted((mlruns / _FOLDER).glob("*")):
        if file.name in _held:
            continue
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        yield file.name
        file.unlink(missing_ok=True)
        lock.release()
