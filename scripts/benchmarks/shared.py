"""Parts that all benchmarks share: a measurement, fixtures, the timing of two sides, processes and memory."""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeVar

import hydra
import psutil
from omegaconf import DictConfig

from likerank.dataset import Recipe, build_snapshot
from likerank.images import StoredImage, make_stored_image
from likerank.records import Author, Post
from likerank.sources import Demo
from likerank.store import Store, open_store

T = TypeVar("T")

TRAIN_SCRIPT: Final = str(Path(__file__).resolve().parents[1] / "train.py")


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number, as measured in each round, and its target: a row of the printed table."""

    name: str
    compared: str
    values: Sequence[float]
    target: float | None = None
    unit: str = "x"
    at_most: bool = False

    def cells(self) -> list[str]:
        """Returns the row: name, comparison, median, target, whether it is met, and the rounds' spread."""
        median, spread = statistics.median(self.values), f"{min(self.values):.3g} to {max(self.values):.3g}"
        result = f"{median:.3g}{self.unit}" if median < 1000 else f"{median:,.0f}{self.unit}"
        rounds = "1 round" if len(self.values) == 1 else f"{len(self.values)} rounds, {spread}"
        if self.target is None:
            return [self.name, self.compared, result, "", "", rounds]
        met = median <= self.target if self.at_most else median >= self.target
        target = f"{'<=' if self.at_most else '>='} {self.target:.4g}"
        return [self.name, self.compared, result, target, "yes" if met else "NO", rounds]


@dataclass
class Fixtures:
    """The fixtures of a run: sizes, a temporary folder, a folder of photos, and a drawn corpus.

    Attributes:
        sizes: The part of conf/benchmark.yaml for this size.
        folder: An existing folder, which the run removes at its end.
        photos: The user's folder of pictures for the benchmark `copies`.
    """

    sizes: DictConfig
    folder: Path
    photos: str | None

    @cached_property
    def corpus(self) -> Path:
        """The folder of a snapshot of drawn posts."""
        source = Demo(posts=self.sizes.corpus.posts, authors=self.sizes.corpus.authors)
        with self.store("corpus") as store:
            fill_store(store, source, lambda post: make_stored_image(post.picture.read(), post.picture.name))
            return self.snapshot(store)

    @contextmanager
    def store(self, name: str) -> Iterator[Store]:
        """Opens an embedded store in the folder, and ends its server afterwards."""
        with open_store("embedded", "benchmark", self.folder / name) as store:
            yield store
        # Otherwise the server runs until it has been idle for a while, and its folder is removed before.
        server = psutil.Process(int((self.folder / name / "server.pid").read_text()))
        server.terminate()
        server.wait(60)

    def snapshot(self, store: Store) -> Path:
        """Makes a snapshot of all posts of a store, and returns its folder."""
        recipe = Recipe(balance="none", near_copies="ignore")
        return build_snapshot(store, recipe, self.folder / "snapshots", keep=9)


def fill_store(store: Store, source: Demo, image_of: Callable[[Post], StoredImage]) -> None:
    records = source.records()
    while batch := list(islice(records, 1000)):
        authors = [record for record in batch if isinstance(record, Author)]
        posts = [(record, image_of(record)) for record in batch if isinstance(record, Post)]
        store.write(authors, posts)


def timed(work: Callable[[], object]) -> float:
    """Returns the seconds of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratios(plain: Callable[[], object], ours: Callable[[], object], rounds: int) -> list[float]:
    """Returns, for each round, how many times as fast ours is; both warm up first."""
    plain()
    ours()
    return [timed(plain) / timed(ours) for _ in range(rounds)]


def new_process() -> ProcessPoolExecutor:
    """Returns a pool of one process that starts as a command does, with imports alone in its memory."""
    context = get_context("forkserver")  # It imports once for all pools.
    context.set_forkserver_preload(["likerank.training.run"])
    return ProcessPoolExecutor(1, context)


def with_peak_memory(pool: Executor, work: Callable[..., T], *arguments: object) -> tuple[T, Counter[str]]:
    """Returns the result of work in a pool, and the most memory of each process meanwhile."""
    most: Counter[str] = Counter()
    future = pool.submit(work, *arguments)
    while not wait([future], 0.2).done:
        most |= _anonymous_memory()
    return future.result(), most | _anonymous_memory()


def worded_memory(most: Counter[str]) -> str:
    return ", ".join(f"{name} {mebibytes}" for name, mebibytes in most.items())


def _anonymous_memory() -> Counter[str]:
    """Returns the RssAnon, in MiB, of this process and of all below it, the store's server among them."""
    found: Counter[str] = Counter()
    for process in (this := psutil.Process(), *this.children(recursive=True)):
        with suppress(OSError, psutil.Error, IndexError):  # The process may have ended by now.
            status = Path(f"/proc/{process.pid}/status").read_text()
            mebibytes = int(status.split("RssAnon:")[1].split()[0]) // 1024
            found |= Counter({"this one" if process == this else process.name(): mebibytes})
    return found


def paper_config(*overrides: str) -> DictConfig:
    """Returns the configuration of a training of the paper's size on the CPU."""
    # The paper's target leaves rankings so unsteady that rounding would change them.
    paper = ["experiment=paper", "target=author_log", "trainer.accelerator=cpu"]
    return hydra.compose("train", [*paper, *overrides])


def train_command(fixtures: Fixtures, *overrides: str) -> list[str]:
    """Returns the command line that trains on the drawn corpus and repeats finished runs."""
    folders = [f"paths.data={fixtures.folder}", f"paths.mlruns={fixtures.folder / 'mlruns'}"]
    snapshot = f"snapshot.fingerprint={fixtures.corpus.name}"
    plain = ["evaluation.baselines=[]", "figures=false", "reuse=false"]
    return [sys.executable, TRAIN_SCRIPT, *folders, snapshot, *plain, *overrides]
