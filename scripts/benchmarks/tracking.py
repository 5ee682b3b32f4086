"""Tracking: the time in MLflow's calls, against the whole time of a training of the paper's size."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

from pytorch_lightning.loggers import Logger

from benchmarks.shared import Fixtures, Measurement, paper_config, timed
from likerank.tracking import Tracking
from likerank.training.assembly import Assembly
from likerank.training.fit import fit_weights

_PAPER_EPOCHS: Final = 50


def tracking(fixtures: Fixtures) -> Iterator[Measurement]:
    epochs = fixtures.sizes.training.epochs
    config = paper_config(f"trainer.max_epochs={epochs}", "early_stopping=null")
    training = Assembly(config).on(fixtures.corpus)
    # The opening of MLflow belongs to the start-up; only a run's writes are timed.
    run = Tracking("sqlite", "benchmark", fixtures.folder / "mlruns").start_run({}, "benchmark")
    logger = _TimedLogger(run.lightning_logger())
    once = timed(lambda: run.log_params({f"group.key{number}": number for number in range(60)}))
    with redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as checkpoints:
        whole = timed(lambda: fit_weights(training, Path(checkpoints), logger))
        once += timed(lambda: run.log_file(Path(checkpoints) / "best.ckpt", "checkpoints"))
    once += timed(lambda: run.log_metrics({f"val/ridge/within/metric{each}": 0.5 for each in range(80)}))
    seconds = (whole - logger.seconds) * _PAPER_EPOCHS / epochs
    share = (once + logger.seconds * _PAPER_EPOCHS / epochs) / seconds
    compared = f"time in MLflow's calls / a training of the paper's size and {_PAPER_EPOCHS} epochs"
    yield Measurement("MLflow", compared, [100 * share], 3, " %", at_most=True)


class _TimedLogger(Logger):
    """Lightning's logger into MLflow, with the time that it takes."""

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self.seconds = 0.0
        self._logger = logger

    @property
    def name(self) -> str | None:
        return self._logger.name

    @property
    def version(self) -> int | str | None:
        return self._logger.version

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.seconds += timed(lambda: self._logger.log_metrics(metrics, step))

    def log_hyperparams(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        self.seconds += timed(lambda: self._logger.log_hyperparams(*arguments, **named))
