"""Lightning's logger for a run."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pytorch_lightning.loggers import MLFlowLogger


@contextmanager
def _interrupts_held() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs signal handlers in the main thread alone.
        return
    held: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


class RunLogger(MLFlowLogger):
    """Lightning's logger for a run that stays open after the fit, since ranking follows."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Writes metrics; Ctrl-C waits meanwhile, or it would leave SQLite's transaction open and locked."""
        with _interrupts_held():
            super().log_metrics(metrics, step)

    def finalize(self, status: str = "success") -> None:
        """Leaves the run open."""
