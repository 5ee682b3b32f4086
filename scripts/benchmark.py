"""Run: python scripts/benchmark.py, or only=[decode,table]; size=tiny only shows that it runs.

Each number stands beside its plain alternative of the same run. The two sides take turns, so that a busy
machine slows both; the median of the turns' ratios is printed. Nothing is asserted.
"""

import io
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import combinations, cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import hydra
import numpy as np
import pandas as pd
import psutil
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig
from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from pytorch_lightning.loggers import Logger
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch.nn.utils import parameters_to_vector
from torch.utils.data import DataLoader, TensorDataset

from likerank.app.paths import Folders
from likerank.cli import main as run_command
from likerank.commands.ingest import ingest
from likerank.dataset import TRAIN, VALIDATION, Recipe, build_snapshot
from likerank.dataset.copies import copy_groups, near_pairs
from likerank.dataset.datamodule import BatchSampler
from likerank.errors import LikerankError
from likerank.evaluation import Scores, score_table
from likerank.evaluation.intervals import Interval, interval
from likerank.evaluation.metrics import pairwise_accuracy
from likerank.evaluation.position_match import position_match
from likerank.images import StoredImage, make_stored_image, to_pixels
from likerank.models.least_squares import LeastSquares
from likerank.models.scorer import Scorer
from likerank.records import Author, Post
from likerank.sources import Demo
from likerank.sources.synthetic.landscapes import draw, sample_scene
from likerank.store import Store, open_store
from likerank.tracking import Tracking
from likerank.training.assembly import Assembly, Predictors
from likerank.training.evaluate import evaluate_run
from likerank.training.fit import fit_weights
from likerank.training.run import train_run
from likerank.training.snapshot import snapshot_folder

T = TypeVar("T")
SCRIPTS = Path(__file__).resolve().parent
CROPS = (0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class _Line:
    """A number, as measured in each round, beside its target."""

    name: str
    compared: str
    values: Sequence[float]
    target: float | None = None
    unit: str = "x"
    at_most: bool = False

    def cells(self) -> list[str]:
        median, spread = statistics.median(self.values), f"{min(self.values):.3g} to {max(self.values):.3g}"
        result = f"{median:.3g}{self.unit}" if median < 1000 else f"{median:,.0f}{self.unit}"
        rounds = "1 round" if len(self.values) == 1 else f"{len(self.values)} rounds, {spread}"
        if self.target is None:
            return [self.name, self.compared, result, "", "", rounds]
        met = median <= self.target if self.at_most else median >= self.target
        target = f"{'<=' if self.at_most else '>='} {self.target:.4g}"
        return [self.name, self.compared, result, target, "yes" if met else "NO", rounds]


@dataclass
class _Workshop:
    """What benchmarks share: their sizes, a folder that goes away, and a drawn corpus."""

    sizes: DictConfig
    folder: Path
    photos: str | None

    @cached_property
    def corpus(self) -> Path:
        source = Demo(posts=self.sizes.corpus.posts, authors=self.sizes.corpus.authors)
        with self.store("corpus") as store:
            fill_store(store, source, lambda post: make_stored_image(post.picture.read(), post.picture.name))
            return self.snapshot(store)

    @contextmanager
    def store(self, name: str) -> Iterator[Store]:
        with open_store("embedded", "benchmark", self.folder / name) as store:
            yield store
        # Now, and not when it has been idle for a while: its folder goes away.
        server = psutil.Process(int((self.folder / name / "server.pid").read_text()))
        server.terminate()
        server.wait(60)

    def snapshot(self, store: Store) -> Path:
        return build_snapshot(
            store, Recipe(balance="none", near_copies="ignore"), self.folder / "snapshots", keep=9
        )


def fill_store(store: Store, source: Demo, image_of: Callable[[Post], StoredImage]) -> None:
    records = source.records()
    while batch := list(islice(records, 1000)):
        authors = [record for record in batch if isinstance(record, Author)]
        posts = [(record, image_of(record)) for record in batch if isinstance(record, Post)]
        store.write(authors, posts)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def watched(pool: Executor, work: Callable[..., T], *arguments: object) -> tuple[T, Counter[str]]:
    """Returns what work in a pool does, and the most memory of each process meanwhile."""
    most: Counter[str] = Counter()
    future = pool.submit(work, *arguments)
    while not wait([future], 0.2).done:
        most |= anonymous_memory()
    return future.result(), most | anonymous_memory()


def each_of(most: Counter[str]) -> str:
    return ", ".join(f"{name} {mebibytes}" for name, mebibytes in most.items())


def ratios(plain: Callable[[], object], ours: Callable[[], object], rounds: int) -> list[float]:
    """Returns, for each round, how many times as fast ours is; both warm up first."""
    plain()
    ours()
    return [timed(plain) / timed(ours) for _ in range(rounds)]


def memory(workshop: _Workshop) -> Iterator[_Line]:
    if not Path("/proc/self/status").exists():
        print("memory is left out: it reads /proc, which only Linux has.", file=sys.stderr)
        return
    number, size = workshop.sizes.memory.posts, workshop.sizes.memory.image_size
    few = [post.picture for post in Demo(posts=8).records() if isinstance(post, Post)]
    images = cycle([make_stored_image(picture.read(), picture.name, size) for picture in few])
    with workshop.store("many") as store, ThreadPoolExecutor(1) as pool:
        fill_store(store, Demo(posts=number), lambda post: replace(next(images), digest=post.key))
        seconds, most = watched(pool, timed, lambda: workshop.snapshot(store))
        scans = scans_beside_raw_batches(store, workshop.sizes.memory.scans)
    compared = f"most RssAnon of a process while a snapshot of {number:,} posts is made ({each_of(most)})"
    yield _Line("snapshot, memory", compared, [max(most.values())], 1536, " MiB", at_most=True)
    compared = f"{number:,} stored images of {size} pixels from the store to a snapshot"
    yield _Line("snapshot, speed", compared, [number / seconds], unit=" posts/s")
    compared = "a bare loop over pymongo's find_raw_batches({}) / the snapshot's scan of the stored images"
    yield _Line("scan", compared, scans, 0.7)


def scans_beside_raw_batches(store: Store, rounds: int) -> list[float]:
    keys = [key for batch in store.scan_posts() for key in batch["key"].to_pylist()]

    def raw() -> int:
        return sum(len(batch) for batch in store.collection("posts").find_raw_batches({}))

    def scanned() -> int:
        return sum(len(jpeg) for batch in store.scan_images(keys) for _, jpeg in batch)

    return ratios(raw, scanned, rounds)


def anonymous_memory() -> Counter[str]:
    """Returns the RssAnon, in MiB, of this process and of all below it, the store's server among them."""
    found: Counter[str] = Counter()
    for process in (this := psutil.Process(), *this.children(recursive=True)):
        with suppress(OSError, psutil.Error, IndexError):  # It may have ended by now.
            status = Path(f"/proc/{process.pid}/status").read_text()
            mebibytes = int(status.split("RssAnon:")[1].split()[0]) // 1024
            found |= Counter({"this one" if process == this else process.name(): mebibytes})
    return found


def decode(workshop: _Workshop) -> Iterator[_Line]:
    number, rounds = workshop.sizes.decode.photos, workshop.sizes.rounds
    # How many bytes a photo has decides more than its pixels: all of them are read, even for a small decode.
    usual, grainy, heavy = (drawn_photos(number, texture) for texture in (1, 2, 4))
    progressive = drawn_photos(number, 4, progressive=True)
    kinds = (
        ("", usual, 7),
        (", grainy", grainy, None),
        (", heavy", heavy, None),
        (", progressive", progressive, None),
    )
    for kind, files, target in kinds:
        kilobytes = np.mean([len(file) for file in files]) / 1000
        compared = f"plain Pillow / to_pixels, one core, 1080x1350 JPEGs of {kilobytes:.0f} kB"
        plain, ours = partial(decode_plainly, files), partial(decode_photos, files)
        yield _Line(f"decode{kind}", compared, ratios(plain, ours, rounds), target)
    parts = [usual[start::8] for start in range(8)]

    def decode_by(pool: Executor) -> None:
        list(pool.map(decode_photos, parts))

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        measured = ratios(partial(decode_by, one), partial(decode_by, two), rounds)
    yield _Line("decode, two threads", "to_pixels, one thread / two, as a snapshot's", measured, 1.7)


def drawn_photos(number: int, texture: float, progressive: bool = False) -> list[bytes]:
    """Draws landscapes of Instagram's size; more texture makes larger files."""
    rng, photos = np.random.default_rng(0), []
    for _ in range(number):
        landscape = Image.fromarray(draw(sample_scene(rng))).resize((1080, 1350), Image.Resampling.BICUBIC)
        detailed = np.asarray(landscape) + rng.normal(0, texture, (1350, 1080, 1))
        file, rgb = io.BytesIO(), np.clip(detailed, 0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(file, "JPEG", quality=80, progressive=progressive)
        photos.append(file.getvalue())
    return photos


def decode_plainly(photos: list[bytes]) -> list[NDArray[np.uint8]]:
    return [np.asarray(Image.open(io.BytesIO(p)).convert("RGB").resize((50, 50))) for p in photos]


def decode_photos(photos: list[bytes]) -> list[NDArray[np.uint8]]:
    return [to_pixels(photo, 50) for photo in photos]


def loader(workshop: _Workshop) -> Iterator[_Line]:
    config = paper_config()
    data = Assembly(config).predictors(workshop.corpus).data
    rows = data.snapshot.rows(TRAIN)
    posts = TensorDataset(*map(torch.from_numpy, (data.snapshot.pixels[rows], data.targets[rows])))
    plain, ours = DataLoader(posts, config.data.batch_size, shuffle=True), data.train_dataloader()
    measured = ratios(lambda: list(plain), lambda: list(ours), workshop.sizes.rounds)
    yield _Line("batches", "posts in memory, one by one and collated / the DataModule's batches", measured)


def training(workshop: _Workshop) -> Iterator[_Line]:
    beside = trained_beside_bare_loop(workshop, "default")
    compared = "bare loop on tensors in memory / Lightning and DataModule, an epoch's steps"
    yield _Line("training", compared, beside.ratios(), 0.95)
    weights = (parameters_to_vector(scorer.parameters()) for scorer in (beside.bare, beside.scorer))
    difference = torch.sub(*weights).abs().max().item()
    compared = "largest difference of the weights that both end with"
    yield _Line("training, weights", compared, [difference], 1e-6, "", at_most=True)


def fast(workshop: _Workshop) -> Iterator[_Line]:
    beside = trained_beside_bare_loop(workshop, "fast")
    compared = "bare loop in 32 bits / Lightning with trainer=fast, an epoch's steps"
    yield _Line("training, fast", compared, beside.ratios(), 1.6)
    ours, bare = beside.ranking(beside.scorer), beside.ranking(beside.bare)
    half_width = float("nan") if bare.high is None else bare.high - bare.estimate
    compared = f"pairs on validation within authors: {worded(bare)} bare - {worded(ours)} fast"
    difference = abs(bare.estimate - ours.estimate)
    yield _Line("ranking, fast", compared, [difference], half_width, "", at_most=True)


def worded(found: Interval) -> str:
    bounds = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    return f"{found.estimate:.3f}{bounds}"


def paper_config(*overrides: str) -> DictConfig:
    # The paper's target leaves rankings so unsteady that rounding alone would move them.
    paper = ["experiment=paper", "target=author_log", "trainer.accelerator=cpu"]
    return hydra.compose("train", [*paper, *overrides])


def trained_beside_bare_loop(workshop: _Workshop, trainer: str) -> "_BesideBareLoop":
    config = paper_config(f"trainer={trainer}", f"trainer.max_epochs={workshop.sizes.training.epochs}")
    training = Assembly(config).on(workshop.corpus)
    scorer, snapshot = training.predictors.scorer, training.snapshot
    scorer.fit_normalisation(snapshot.pixels, snapshot.rows(TRAIN))
    beside = _BesideBareLoop(training.predictors)
    # The progress bar costs time and so stays, but off the screen.
    with redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as checkpoints:
        training.trainer.callbacks.insert(0, beside)  # type: ignore[attr-defined]
        fit_weights(training, Path(checkpoints), None)
    return beside


class _BesideBareLoop(pl.Callback):
    """After each of Lightning's epochs runs the same one in a bare loop, in 32-bit floats, and times both."""

    def __init__(self, predictors: Predictors) -> None:
        config, snapshot = paper_config(), predictors.snapshot
        self.scorer, self.bare = predictors.scorer, Assembly(config).scorer()
        self.bare.load_state_dict(self.scorer.state_dict())
        self._snapshot = snapshot
        self._optimizer = instantiate(config.optimizer)(self.bare.parameters())
        self._batches = BatchSampler(snapshot.rows(TRAIN), config.data.batch_size, config.seed)
        self._pixels, self._targets = map(
            torch.from_numpy, (np.array(snapshot.pixels), predictors.data.targets)
        )
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


def tracking(workshop: _Workshop) -> Iterator[_Line]:
    epochs, papers = workshop.sizes.training.epochs, 50
    config = paper_config(f"trainer.max_epochs={epochs}", "early_stopping=null")
    training = Assembly(config).on(workshop.corpus)
    # To open MLflow is part of starting up; what a run writes is counted from here on.
    run = Tracking("sqlite", "benchmark", workshop.folder / "mlruns").start_run({}, "benchmark")
    logger = _TimedLogger(run.lightning_logger())
    once = timed(lambda: run.log_params({f"group.key{number}": number for number in range(60)}))
    with redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as checkpoints:
        whole = timed(lambda: fit_weights(training, Path(checkpoints), logger))
        once += timed(lambda: run.log_file(Path(checkpoints) / "best.ckpt", "checkpoints"))
    once += timed(lambda: run.log_metrics({f"val/ridge/within/metric{each}": 0.5 for each in range(80)}))
    seconds = (whole - logger.seconds) * papers / epochs
    share = (once + logger.seconds * papers / epochs) / seconds
    compared = f"time in MLflow's calls / a training of the paper's size and {papers} epochs"
    yield _Line("MLflow", compared, [100 * share], 3, " %", at_most=True)


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


def start_up(workshop: _Workshop) -> Iterator[_Line]:
    command = _train_command(workshop, "trainer.max_epochs=1", "evaluation.baselines=[]", "reuse=false")
    # The last: the first finds the libraries' files on the disk alone.
    seconds = [first_step_after(command) for _ in range(workshop.sizes.start_up.starts)][-1:]
    yield _Line("start-up", "from the command to the first training step", seconds, unit=" s")
    helped = [sys.executable, str(SCRIPTS / "train.py"), "--help"]
    seconds = [timed(lambda: subprocess.run(helped, capture_output=True, check=True)) for _ in range(3)]
    yield _Line("start-up, --help", "the whole of scripts/train.py --help", seconds, unit=" s")


def first_step_after(command: list[str]) -> float:
    """Returns the seconds until Lightning's bar shows the first epoch."""
    start, seen = time.perf_counter(), b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        while b"Epoch 0" not in seen:
            if not (read := os.read(process.stdout.fileno(), 4096)):
                raise LikerankError(f"The training ended before its first step: {seen.decode()}")
            seen += read
        seconds = time.perf_counter() - start
        process.communicate()
    return seconds


def sweep(workshop: _Workshop) -> Iterator[_Line]:
    sizes = workshop.sizes.sweep
    seeds = f"seed=range(1,{sizes.trials + 1})"
    command = _train_command(
        workshop,
        *("evaluation.baselines=[]", "reuse=false", "experiment=paper", "target=author_log"),
        *(f"trainer.max_epochs={sizes.epochs}", "trainer.enable_progress_bar=false", seeds),
    )
    one_core = {**os.environ, "OMP_NUM_THREADS": "1"}
    pin = ["taskset", "-c", "0"]
    side_by_side, both, one = [], [], []
    for _ in range(sizes.rounds):
        side_by_side.append(timed(lambda: run_quietly([*command, "launcher=joblib", "-m"])))
        both.append(timed(lambda: run_quietly([*command, "-m"])))
        one.append(timed(lambda: run_quietly([*pin, *command, "-m"], one_core)))
    for name, plain, target in (("both cores", both, 1.1), ("one core", one, 1.7)):
        compared = f"{sizes.trials} trials one after another on {name} / by joblib, a core each"
        measured = [slow / fast for slow, fast in zip(plain, side_by_side, strict=True)]
        yield _Line(f"sweep, {name}", compared, measured, target)


def _train_command(workshop: _Workshop, *overrides: str) -> list[str]:
    folders = [f"paths.data={workshop.folder}", f"paths.mlruns={workshop.folder / 'mlruns'}"]
    named = f"snapshot.fingerprint={workshop.corpus.name}"
    return [sys.executable, str(SCRIPTS / "train.py"), *folders, named, *overrides]


def run_quietly(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise LikerankError(f"{' '.join(command)} failed: {ran.stderr[-500:]}")


def million(workshop: _Workshop) -> Iterator[_Line]:
    """Every stage at two sizes: what a post costs must not grow with their number."""
    numbers = workshop.sizes.million.few, workshop.sizes.million.many
    few, many = (stage_costs(workshop, number) for number in numbers)
    costs = [(stage, few[stage][0], *many[stage]) for stage in many]
    with a_process() as pool:
        trainings = [training_config(workshop, number, made_snapshot(workshop, number)) for number in numbers]
        epochs, most = watched(pool, seconds_of_epochs, *trainings, workshop.sizes.million.pauses)
    of_few, of_many = (seconds / number for seconds, number in zip(epochs, numbers, strict=True))
    for stage, before, seconds, memory_of in [*costs, ("epoch", of_few, of_many, most)]:
        compared = (
            f"{stage}: a post's time of {numbers[1]:,} / of {numbers[0]:,} ({1 / seconds:,.0f} posts/s)"
        )
        yield _Line(f"million, {stage}", compared, [seconds / before], 1.2, at_most=True)
        compared = (
            f"most RssAnon of a process while {stage} of {numbers[1]:,} posts runs ({each_of(memory_of)})"
        )
        highest = max(memory_of.values())
        yield _Line(f"million, {stage}, memory", compared, [highest], 2048, " MiB", at_most=True)


def a_process() -> ProcessPoolExecutor:
    """Returns a process that starts as a command does, with nothing in its memory."""
    return ProcessPoolExecutor(1, get_context("spawn"))


def stage_costs(workshop: _Workshop, number: int) -> dict[str, tuple[float, Counter[str]]]:
    """Runs the stages on made posts with small pictures, each in a process of its own, as commands do.

    Returns:
        Seconds a post, starting apart, and the most memory of each process, by stage.
    """
    folder = workshop.folder / f"photos{number}"
    write_small_photos(folder, number, workshop.sizes.million.pictures)
    (workshop.folder / f"data{number}").mkdir()
    (workshop.folder / f"data{number}" / "mongo").symlink_to(workshop.folder / f"posts{number}")
    manifest = f"source.manifest={folder / 'manifest.parquet'}"
    places = places_of(workshop, number)
    ingesting = hydra.compose("ingest", [*places, "source=table", manifest, "image_size=64"])
    config = training_config(workshop, number)
    costs: dict[str, tuple[float, Counter[str]]] = {}

    def stage(name: str, seconds_of: Callable[..., float], work: object) -> None:
        with a_process() as pool:
            seconds, most = watched(pool, seconds_of, work)
        costs[name] = seconds / number, most

    with workshop.store(f"posts{number}"):  # Its server is then ours to see.
        stage("ingest", timed, partial(ingest, ingesting))
        stage("snapshot", timed, partial(snapshot_folder, config))
        stage("evaluate", seconds_of_evaluate, config)
    return costs


def places_of(workshop: _Workshop, number: int) -> list[str]:
    return [
        f"paths.data={workshop.folder / f'data{number}'}",
        f"paths.mlruns={workshop.folder / f'photos{number}' / 'mlruns'}",
    ]


def made_snapshot(workshop: _Workshop, number: int) -> str:
    """Returns what names the snapshot of a stage, for use without the store's server."""
    (folder,) = (workshop.folder / f"data{number}" / "snapshots").glob("s*")
    return f"snapshot.fingerprint={folder.name}"


def training_config(workshop: _Workshop, number: int, *overrides: str) -> DictConfig:
    few = ["trainer.max_epochs=1", "evaluation.baselines=[mean,author_mean]", "network.stem=8"]
    size = ["snapshot.size=32", "snapshot.balance=none", "network.blocks=[16,32]"]
    return hydra.compose("train", [*places_of(workshop, number), *few, *size, *overrides])


def seconds_of_evaluate(config: DictConfig) -> float:
    with redirect_stderr(io.StringIO()):
        run = train_run(config, show=False).run
    return timed(lambda: evaluate_run(run, Folders.of(config), show=False))


def seconds_of_epochs(few: DictConfig, many: DictConfig, pauses: int) -> tuple[float, float]:
    """Times an epoch of few posts in pauses of one of many, since a shared machine changes its pace."""
    of_few: list[float] = []
    of_many = seconds_of_an_epoch(many, pauses, lambda: of_few.append(seconds_of_an_epoch(few)))
    return statistics.median(of_few), of_many


def seconds_of_an_epoch(
    config: DictConfig, pauses: int = 0, pausing: Callable[[], None] = lambda: None
) -> float:
    clock = _EpochClock(pauses, pausing)
    training = Assembly(config).on(snapshot_folder(config))
    with redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as checkpoints:
        training.trainer.callbacks.append(clock)  # type: ignore[attr-defined]
        fit_weights(training, Path(checkpoints), None)
    return clock.seconds


class _EpochClock(pl.Callback):
    """Times the steps of an epoch, which pauses so many times for something else."""

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


def write_small_photos(folder: Path, posts: int, pictures: int) -> None:
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


def linear(workshop: _Workshop) -> Iterator[_Line]:
    posts, side = workshop.sizes.linear.posts, workshop.sizes.linear.side
    rng, unseen = np.random.default_rng(0), 500
    blocks = rng.normal(128, 40, (posts + unseen, side // 5, side // 5, 3)).astype(np.float32)
    smooth = blocks.repeat(5, axis=1).repeat(5, axis=2)
    noisy = smooth + 10 * rng.standard_normal(smooth.shape, np.float32)
    pixels: NDArray[np.uint8] = np.clip(noisy, 0, 255).astype(np.uint8)
    X, rows = pixels.reshape(len(pixels), -1).astype(np.float64), np.arange(posts)
    values = blocks[:posts, 0, 0].sum(axis=1) / 40 + rng.normal(0, 1, posts)
    start = time.perf_counter()
    plain = LinearRegression().fit(X[:posts], values)
    middle = time.perf_counter()
    ours = LeastSquares(pixels, values, rows).ordinary()
    ratio = (middle - start) / (time.perf_counter() - middle)
    compared = f"scikit-learn's LinearRegression in float64 / ours, {posts:,} x {X.shape[1]:,}"
    yield _Line("linear", compared, [ratio], 6)
    difference = float(np.abs(plain.predict(X) - ours.predict(pixels, np.arange(len(X)))).max())
    compared = f"largest difference of their predictions, of training posts and {unseen} others"
    yield _Line("linear, difference", compared, [difference], 1e-6, "", at_most=True)


def table(workshop: _Workshop) -> Iterator[_Line]:
    posts, authors, few = (workshop.sizes.table[name] for name in ("posts", "authors", "counted"))
    rng = np.random.default_rng(0)
    author = rng.integers(0, authors, posts)
    appeal, audience = rng.normal(0, 0.75, posts), rng.normal(7, 1, authors)[author]
    likes = np.exp(appeal + audience + rng.normal(0, 0.33, posts)).round()
    predictions = [appeal + rng.normal(0, sd, posts) for sd in (0.4, 1, 4)] + [audience, np.zeros(posts)]
    predictors = {str(number): Scores(each, each) for number, each in enumerate(predictions)}

    def whole() -> object:
        return score_table(
            likes=likes, targets=appeal, authors=author, predictors=predictors, truth=(appeal, audience)
        )

    compared = f"all scores and intervals of 5 predictors and 2 truths, {posts} posts of {authors} authors"
    seconds = [timed(whole) for _ in range(workshop.sizes.rounds)]
    yield _Line("table", compared, seconds, 20, " s", at_most=True)
    truth, score = rng.permutation(few), rng.permutation(few)
    difference = max(abs(position_match(n)(truth, score) - counted(truth, score, n)) for n in (2, 5, 10))
    compared = f"largest difference from counting all sets of 2, 5 and 10 of {few} posts"
    yield _Line("position match", compared, [difference], 1e-9, "", at_most=True)


def copies(workshop: _Workshop) -> Iterator[_Line]:
    sizes, rng = workshop.sizes.copies, np.random.default_rng(0)
    kinds = {"drawn": [Image.fromarray(draw(sample_scene(rng))) for _ in range(sizes.pictures)]}
    folder = Path(workshop.photos) if workshop.photos else None
    if folder is not None and folder.is_dir():
        kinds["photos"] = [Image.open(file).convert("RGB") for file in sorted(folder.rglob("*.jpg"))]
    for kind, pictures in kinds.items():
        originals = signatures_of(pictures, 95)
        pairs = len(pictures) * (len(pictures) - 1) / 2
        compared = (
            f"pairs of {len(pictures):,} different pictures that are taken for near copies, of {pairs:,.0f}"
        )
        yield _Line(f"copies, {kind}, false", compared, [len(near_pairs(originals))], unit="")
        few = originals[: sizes.edited]
        for name, (edit, quality) in EDITS.items():
            edited = signatures_of([edit(picture) for picture in pictures[: sizes.edited]], quality)
            found = near_pairs(np.concatenate([few, edited]))
            caught = 100 * float((found[:, 1] - found[:, 0] == len(few)).sum()) / len(few)
            yield _Line(f"copies, {kind}, {name}", f"caught of {len(few)}", [caught], unit=" %")
    for number in sizes.searched:
        noise = rng.integers(0, 256, (number, 256), dtype=np.uint8)
        seconds = timed(
            partial(copy_groups, np.arange(number).astype(str).astype(object), noise, np.arange(number))
        )
        yield _Line(f"copies, {number:,}", "search among pictures of noise, one thread", [seconds], unit=" s")


def signatures_of(pictures: Sequence[Image.Image], quality: int) -> NDArray[np.uint8]:
    rows = []
    for picture in pictures:
        picture.convert("RGB").save(file := io.BytesIO(), "JPEG", quality=quality)
        rows.append(np.frombuffer(make_stored_image(file.getvalue(), "picture").signature, np.uint8))
    return np.stack(rows)


def cropped(share: float, all_sides: bool, picture: Image.Image) -> Image.Image:
    width, height = picture.size
    if not all_sides:
        return picture.crop((round(share * width), 0, width, height))
    x, y = round(share * width / 2), round(share * height / 2)
    return picture.crop((x, y, width - x, height - y))


def sepia(picture: Image.Image) -> Image.Image:
    mixed = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return Image.fromarray(np.clip(np.asarray(picture) @ mixed.T, 0, 255).astype(np.uint8))


def enhanced(
    kind: Callable[[Image.Image], ImageEnhance._Enhance], factor: float, picture: Image.Image
) -> Image.Image:
    return kind(picture).enhance(factor)


def with_border(share: float, picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, max(1, round(share * min(picture.size))), "white")


def with_box(picture: Image.Image) -> Image.Image:
    (width, height), marked = picture.size, picture.copy()
    corners = (0.7 * width, 0.88 * height, 0.95 * width, 0.95 * height)
    ImageDraw.Draw(marked).rectangle(corners, fill="white")
    return marked


def shrunk(factor: float, picture: Image.Image) -> Image.Image:
    return picture.resize((round(factor * picture.width), round(factor * picture.height)))


EDITS: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    **{f"JPEG q {quality}": (lambda picture: picture, quality) for quality in (30, 50, 70, 90)},
    **{f"resized x{factor}": (partial(shrunk, factor), 90) for factor in (0.5, 0.25)},
    **{f"cropped {each:.0%} of each side's length": (partial(cropped, each, True), 90) for each in CROPS},
    **{f"cropped {each:.0%} at the left": (partial(cropped, each, False), 90) for each in CROPS},
    **{f"brightness x{each}": (partial(enhanced, ImageEnhance.Brightness, each), 90) for each in (0.7, 1.3)},
    **{f"contrast x{each}": (partial(enhanced, ImageEnhance.Contrast, each), 90) for each in (0.7, 1.3)},
    **{f"saturation x{each}": (partial(enhanced, ImageEnhance.Color, each), 90) for each in (0.5, 1.5)},
    "gray": (ImageOps.grayscale, 90),
    "sepia": (sepia, 90),
    "mirrored": (ImageOps.mirror, 90),
    **{f"white border of {each:.0%}": (partial(with_border, each), 90) for each in (0.02, 0.05)},
    "white box on 2 %": (with_box, 90),
}


def counted(truth: NDArray[np.int64], score: NDArray[np.int64], n: int) -> float:
    """Returns the share of posts at their true place, over every set of n."""
    sets = np.array(list(combinations(range(len(truth)), n)))
    true_places, places = (values[sets].argsort(axis=1).argsort(axis=1) for values in (truth, score))
    return float((true_places == places).mean())


# Memory first, while this process holds nothing of the others'.
BENCHMARKS = {
    work.__name__: work
    for work in (
        memory,
        decode,
        table,
        copies,
        loader,
        training,
        fast,
        linear,
        tracking,
        start_up,
        sweep,
        million,
    )
}
# Half an hour and 20 GB: only when it is named.
UNASKED = [name for name in BENCHMARKS if name != "million"]


def benchmark(config: DictConfig) -> None:
    chosen = list(config.only or UNASKED)
    if unknown := set(chosen) - set(BENCHMARKS):
        raise LikerankError(
            f"No benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}."
        )
    threads = config.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    shown = Table(
        "benchmark", "what is compared", "result", "target", "met", "rounds", caption=machine(threads)
    )
    temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    try:
        with threadpool_limits(threads), temporary as folder:
            workshop = _Workshop(config[config.size], Path(folder), config.photos)
            for name in chosen:
                print(f"{name} ...", file=sys.stderr)
                for line in BENCHMARKS[name](workshop):
                    shown.add_row(*line.cells())
    finally:
        Console().print(shown)


def machine(threads: int) -> str:
    processor = platform.processor() or platform.machine()
    with suppress(OSError, IndexError):
        processor = Path("/proc/cpuinfo").read_text().split("model name")[1].split(":")[1].splitlines()[0]
    cores = f"{os.cpu_count()} cores, {threads} threads, load {os.getloadavg()[0]:.1f} before"
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    return f"{processor.strip()}, {cores}; {versions}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def main(config: DictConfig) -> None:
    benchmark(config)


if __name__ == "__main__":
    run_command("benchmark", "__main__:main")
