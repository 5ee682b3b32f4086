"""Training: an epoch of Lightning and DataModule, plain and with trainer=fast, against a bare PyTorch loop.

The bare loop takes the same batches, from tensors in memory, and the same dropout, in 32-bit floats. So both
end with the same weights, and with trainer=fast with rankings whose difference is within their intervals.
"""

import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from hydra.utils import instantiate
from torch.nn.utils import parameters_to_vector

from benchmarks.shared import Fixtures, Measurement, paper_config, timed
from likerank.dataset import TRAIN, VALIDATION
from likerank.dataset.datamodule import BatchSampler
from likerank.evaluation.intervals import Interval, interval
from likerank.evaluation.metrics import pairwise_accuracy
from likerank.models.scorer import Scorer
from likerank.training.assembly import Assembly, Predictors
from likerank.training.fit import fit_weights


def training(fixtures: Fixtures) -> Iterator[Measurement]:
    beside = _train_beside_bare_loop(fixtures, "default")
    compared = "bare loop on tensors in memory / Lightning and DataModule, an epoch's steps"
    yield Measurement("training", compared, beside.ratios(), 0.95)
    weights = (parameters_to_vector(scorer.parameters()) for scorer in (beside.bare, beside.scorer))
    difference = torch.sub(*weights).abs().max().item()
    compared = "largest difference of the weights that both end with"
    yield Measurement("training, weights", compared, [difference], 1e-6, "", at_most=True)


def fast(fixtures: Fixtures) -> Iterator[Measurement]:
    beside = _train_beside_bare_loop(fixtures, "fast")
    compared = "bare loop in 32 bits / Lightning with trainer=fast, an epoch's steps"
    yield Measurement("training, fast", compared, beside.ratios(), 1.6)
    ours, bare = beside.ranking(beside.scorer), beside.ranking(beside.bare)
    half_width = float("nan") if bare.high is None else bare.high - bare.estimate
    compared = f"pairs on validation within authors: {_with_bounds(bare)} bare - {_with_bounds(ours)} fast"
    difference = abs(bare.estimate - ours.estimate)
    yield Measurement("ranking, fast", compared, [difference], half_width, "", at_most=True)


def _with_bounds(found: Interval) -> str:
    bounds = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    return f"{found.estimate:.3f}{bounds}"


def _train_beside_bare_loop(fixtures: Fixtures, trainer: str) -> "_BesideBareLoop":
    config = paper_config(f"trainer={trainer}", f"trainer.max_epochs={fixtures.sizes.training.epochs}")
    training = Assembly(config).on(fixtures.corpus)
    scorer, snapshot = training.predictors.scorer, training.snapshot
    scorer.fit_normalisation(snapshot.pixels, snapshot.rows(TRAIN))
    beside = _BesideBareLoop(training.predictors)
    # The progress bar costs time, which is measured as well: it stays, but off the screen.
    with redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as checkpoints:
        training.trainer.callbacks.insert(0, beside)  # type: ignore[attr-defined]
        fit_weights(training, Path(checkpoints), None)
    return beside


class _BesideBareLoop(pl.Callback):
    """Runs after each of Lightning's epochs the same one in a bare loop, in 32-bit floats, and times both."""

    def __init__(self, predictors: Predictors) -> None:
        config, snapshot = paper_config(), predictors.snapshot
        self.scorer, self.bare = predictors.scorer, Assembly(config).scorer()
        self.bare.load_state_dict(self.scorer.state_dict())
        self._snapshot = snapshot
        self._optimizer = instantiate(config.optimizer)(self.bare.parameters())
        self._batches = BatchSampler(snapshot.rows(TRAIN), config.data.batch_size, config.seed)
        self._pixels = torch.from_numpy(np.array(snapshot.pixels))
        self._targets = torch.from_numpy(predictors.data.targets)
        self._ratios: list[float] = []
        self._start = self._last_step = 0.0

    def on_train_epoch_start(self, *_: object) -> None:
        self._start = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        # After the last one comes validation, which a bare loop does not have.
        self._last_step = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pl_module.on_train_epoch_start()  # The same dropout.
        self._batches.set_epoch(trainer.current_epoch)
        self._ratios.append(timed(self._bare_epoch) / (self._last_step - self._start))

    def _bare_epoch(self) -> None:
        for rows in map(torch.from_numpy, self._batches):
            loss = F.mse_loss(self.bare(self._pixels[rows]), self._targets[rows])
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    def ratios(self) -> list[float]:
        """Returns each epoch's but the first one's, in which both warm up."""
        return self._ratios[1:]

    def ranking(self, scorer: Scorer) -> Interval:
        rows = self._snapshot.rows(VALIDATION)
        posts, scores = self._snapshot.posts.iloc[rows], scorer.score(self._snapshot.pixels, rows)
        return interval(pairwise_accuracy, posts["likes"].to_numpy(), scores, posts["author"].to_numpy(str))
