"""A million posts: each stage's time for a post, against its time among few posts; and its memory.

A post's time must not grow with the number of posts. They are synthetic and share small pictures; each stage
runs in a process of its own, as a command does.
"""

import io
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

import hydra
import numpy as np
import pandas as pd
import pytorch_lightning as pl
from omegaconf import DictConfig
from PIL import Image

from benchmarks.shared import Fixtures, Measurement, new_process, timed, with_peak_memory, worded_memory
from likerank.app.paths import Folders
from likerank.commands.ingest import ingest
from likerank.sources.synthetic.landscapes import draw, sample_scene
from likerank.training.assembly import Assembly
from likerank.training.evaluate import evaluate_run
from likerank.training.fit import fit_weights
from likerank.training.run import train_run
from likerank.training.snapshot import snapshot_folder


def million(fixtures: Fixtures) -> Iterator[Measurement]:
    numbers = fixtures.sizes.million.few, fixtures.sizes.million.many
    few, many = (_stage_costs(fixtures, number) for number in numbers)
    costs = [(stage, few[stage][0], *many[stage]) for stage in many]
    with new_process() as pool:
        trainings = [_training_config(fixtures, number, _snapshot_of(fixtures, number)) for number in numbers]
        pauses = fixtures.sizes.million.pauses
        epochs, most = with_peak_memory(pool, _seconds_of_epochs, *trainings, pauses)
    of_few, of_many = (seconds / number for seconds, number in zip(epochs, numbers, strict=True))
    for stage, before, seconds, memory in [*costs, ("epoch", of_few, of_many, most)]:
        speed = f"{1 / seconds:,.0f} posts/s"
        compared = f"{stage}: a post's time of {numbers[1]:,} / of {numbers[0]:,} ({speed})"
        yield Measurement(f"million, {stage}", compared, [seconds / before], 1.2, at_most=True)
        running = f"{stage} of {numbers[1]:,} posts runs ({worded_memory(memory)})"
        compared, highest = f"most RssAnon of a process while {running}", max(memory.values())
        yield Measurement(f"million, {stage}, memory", compared, [highest], 2048, " MiB", at_most=True)


def _stage_costs(fixtures: Fixtures, number: int) -> dict[str, tuple[float, Counter[str]]]:
    """Runs the stages that need the store.

    Returns:
        Seconds a post, without the start, and the most memory of each process in MiB, by stage.
    """
    folder = fixtures.folder / f"photos{number}"
    _write_small_photos(folder, number, fixtures.sizes.million.pictures)
    (fixtures.folder / f"data{number}").mkdir()
    (fixtures.folder / f"data{number}" / "mongo").symlink_to(fixtures.folder / f"posts{number}")
    manifest = f"source.manifest={folder / 'manifest.parquet'}"
    folders = _folder_overrides(fixtures, number)
    ingesting = hydra.compose("ingest", [*folders, "source=table", manifest, "image_size=64"])
    config = _training_config(fixtures, number)
    costs: dict[str, tuple[float, Counter[str]]] = {}

    def stage(name: str, seconds_of: Callable[..., float], work: object) -> None:
        with new_process() as pool:
            seconds, most = with_peak_memory(pool, seconds_of, work)
        costs[name] = seconds / number, most

    with fixtures.store(f"posts{number}"):  # Its server is then a child of this process, and is measured.
        stage("ingest", timed, partial(ingest, ingesting))
        stage("snapshot", timed, partial(snapshot_folder, config))
        stage("evaluate", _seconds_of_evaluate, config)
    return costs


def _folder_overrides(fixtures: Fixtures, number: int) -> list[str]:
    return [
        f"paths.data={fixtures.folder / f'data{number}'}",
        f"paths.mlruns={fixtures.folder / f'photos{number}' / 'mlruns'}",
    ]


def _snapshot_of(fixtures: Fixtures, number: int) -> str:
    """Returns the override that names the snapshot of a stage, for use without the store's server."""
    (folder,) = (fixtures.folder / f"data{number}" / "snapshots").glob("s*")
    return f"snapshot.fingerprint={folder.name}"


def _training_config(fixtures: Fixtures, number: int, *overrides: str) -> DictConfig:
    few = ["trainer.max_epochs=1", "evaluation.baselines=[mean,author_mean]", "network.stem=8"]
    size = ["snapshot.size=32", "snapshot.balance=none", "network.blocks=[16,32]"]
    return hydra.compose("train", [*_folder_overrides(fixtures, number), *few, *size, *overrides])


def _seconds_of_evaluate(config: DictConfig) -> float:
    with redirect_stderr(io.StringIO()):
        run = train_run(config, show=False).run
    return timed(lambda: evaluate_run(run, Folders.of(config), show=False))


def _seconds_of_epochs(few: DictConfig, many: DictConfig, pauses: int) -> tuple[float, float]:
    """Times an epoch of few posts in pauses of one of many, since a shared machine changes its pace."""
    of_few: list[float] = []
    of_many = _seconds_of_an_epoch(many, pauses, lambda: of_few.append(_seconds_of_an_epoch(few)))
    return statistics.median(of_few), of_many


def _seconds_of_an_epoch(
    config: DictConfig, pauses: int = 0, pausing: Callable[[], None] = lambda: None
) -> float:
    clock = _EpochClock(pauses, pausing)
    training = Assembly(config).on(snapshot_folder(config))
    with redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as checkpoints:
        training.trainer.callbacks.append(clock)  # type: ignore[attr-defined]
        fit_weights(training, Path(checkpoints), None)
    return clock.seconds


class _EpochClock(pl.Callback):
    """Times the steps of an epoch, without its pauses, in which something else runs."""

    def __init__(self, pauses: int, pausing: Callable[[], None]) -> None:
        self._pauses, self._pausing = pauses, pausing
        self._start = self.seconds = 0.0

    def on_train_epoch_start(self, *_: object) -> None:
        self._start = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        part = int(trainer.num_training_batches) // self._pauses if self._pauses else 0
        if part and trainer.fit_loop.epoch_loop.batch_progress.current.ready % part == 0:
            self.seconds += time.perf_counter() - self._start
            self._pausing()
            self._start = time.perf_counter()

    def on_train_epoch_end(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._start


def _write_small_photos(folder: Path, posts: int, pictures: int) -> None:
    """Writes a manifest of posts that share a number of small pictures."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(pictures):
        picture = Image.fromarray(draw(sample_scene(rng))).resize((64, 64))
        picture.save(folder / f"{number}.jpg", quality=85)
    author = rng.integers(0, max(posts // 200, 2), posts)
    pd.DataFrame(
        {
            "image": [f"{number}.jpg" for number in rng.integers(0, pictures, posts)],
            "author": [f"author{each}" for each in author],
            "likes": rng.lognormal(6, 1, posts).astype(np.int64),
            "source_id": np.arange(posts).astype(str),
        }
    ).to_parquet(folder / "manifest.parquet", index=False)
