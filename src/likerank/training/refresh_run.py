"""The run of a refresh in MLflow, and the lock that only one refresh holds."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from likerank.app.paths import Folders
from likerank.app.refresh_summary import INTERRUPTED, AnotherRefreshError, RefreshSummary
from likerank.run_names import PARENT, REFRESH, SUMMARIES
from likerank.tracking import Run, Tracking
from likerank.training.retrain import remove_checkpoints


@contextmanager
def only_refresh(folders: Folders, started: datetime) -> Iterator[None]:
    """Holds the lock of all refreshes of a data folder; the kernel releases it when a process is killed.

    Raises:
        AnotherRefreshError: If another refresh holds it.
    """
    lock_file = folders.data / "refresh.lock"
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = lock_file.read_text().strip() or "it has just begun"
        raise AnotherRefreshError(
            f"Another refresh of {lock_file.parent} is running ({holder}); let it end, or end it."
        ) from None
    try:
        lock_file.write_text(f"pid {os.getpid()}, since {started:%Y-%m-%d %H:%M:%S} UTC\n")
        yield
    finally:
        lock.release()


@contextmanager
def refresh_run(summary: RefreshSummary, tracking: Tracking, folders: Folders) -> Iterator[Run]:
    """Yields the refresh's run, which keeps the summary however the refresh ends."""
    _end_interrupted_runs(tracking, folders)
    run = tracking.start_run({REFRESH: str(folders.data)}, f"refresh {summary.started:%Y-%m-%d %H:%M}")
    summary.run = run.id
    try:
        yield run
    except BaseException as error:
        summary.fail(error)
        raise
    finally:
        summary.finished = datetime.now(UTC)
        run.log_metrics(summary.metrics())
        run.log_text(summary.to_text(), f"{SUMMARIES}/refresh.json")
        status = "KILLED" if summary.status == INTERRUPTED else "FAILED" if summary.errors else "FINISHED"
        run.finish(status, " ".join(summary.errors))


def _end_interrupted_runs(tracking: Tracking, folders: Folders) -> None:
    """Ends the runs of killed refreshes and removes their checkpoints; under the lock none is alive."""
    for run in tracking.runs({REFRESH: str(folders.data)}):
        if run.status not in ("RUNNING", "KILLED"):
            continue
        remove_checkpoints(tracking, run, folders)
        for child in tracking.runs({PARENT: run.id}):
            if child.status == "RUNNING":
                child.finish("KILLED", "its refresh was cut short")
        if run.status == "RUNNING":
            run.finish("KILLED", "cut short")
