"""A project in a folder of its own, whose commands are killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import mlflow
import numpy as np
import psutil

from fake_instagram import FakeInstagram, Site
from likerank.app.compose import command_configuration
from likerank.app.paths import open_store
from likerank.images import encode_jpeg
from tests.workplaces import CORPUS, TINY

_LIKERANK = (sys.executable, "-c", "from likerank.cli import main; main()")
_LEFTOVERS = (".building-*", "*.tmp", ".*.tmp", "*.part", ".exporting-*", "*.partial")
_LONGEST_SECONDS = 600.0
_OUTLIVES_SECONDS = 60.0


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: Its exit status; negative if a signal ended it.
        output: What it printed, on both streams.
        seconds: How long it ran.
        outlived: The names of its processes that ran on after it was killed.
    """

    status: int
    output: str
    seconds: float
    outlived: tuple[str, ...]

    def complaints(self, *, killed: bool) -> Iterator[str]:
        """Yields what should not be; a command that was killed, or had no space, may fail in a sentence."""
        if "Traceback" in self.output:
            yield f"a traceback: {' / '.join(self.output.strip().splitlines()[-6:])}"
        if not killed and self.status != 0:
            yield f"again ended with {self.status}: {' / '.join(self.output.splitlines()[-4:])}"
        if killed and self.status not in (0, -signal.SIGKILL) and "likerank: " not in self.output:
            yield f"ended with {self.status} without a sentence"
        if self.outlived:
            yield f"outlived by {', '.join(self.outlived)}"


class Project:
    """A project with a small corpus, a champion, photos to rank, and synthetic accounts to collect.

    Attributes:
        folder: The project's folder.
        photos: A folder with photos.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photos = folder / "photos"
        self._exits = ExitStack()
        self._environment = dict(os.environ)

    def __enter__(self) -> Self:
        start = datetime.now(UTC) - timedelta(days=7)
        site = Site(posts=24, authors=2, seed=1, start=start, history_days=300, coming_days=7)
        self._environment |= self._exits.enter_context(FakeInstagram(site)).environment
        (self.folder / "accounts.txt").write_text("".join(f"{a.first_name}\n" for a in site.accounts))
        self.photos.mkdir()
        for number in range(20):
            (self.photos / f"{number}.jpg").write_bytes(photo(number))
        for arguments in (("ingest", *CORPUS), ("train", *TINY, "trainer.max_epochs=1")):
            ran = self.run(arguments)
            assert ran.status == 0, ran.output
        self.run(("promote", f"run_id={self.run_ids()[0]}", "force=true"))
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            os.kill(int((self.folder / "data/mongo/server.pid").read_text()), signal.SIGTERM)
        self._exits.close()

    def run(self, arguments: tuple[str, ...], kill_after: float | None = None) -> Ended:
        """Runs a command to its end, or kills it as `kill -9` does after some seconds."""
        began = time.monotonic()
        with tempfile.TemporaryFile("w+") as log:  # On another disk than a full one.
            process = subprocess.Popen(
                [*_LIKERANK, *arguments],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                process.wait(_LONGEST_SECONDS if kill_after is None else kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            seconds = time.monotonic() - began
            outlived = _outlived(process.pid)
            log.seek(0)
            return Ended(process.returncode, log.read(), seconds, tuple(outlived))

    @contextmanager
    def full_disk(self, room: int) -> Iterator[None]:
        """Fills the disk of the project but for some bytes."""
        ballast = self.folder / "ballast"
        size = shutil.disk_usage(self.folder).free - room
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
        try:
            yield
        finally:
            ballast.unlink()

    def run_ids(self, status: str = "FINISHED") -> list[str]:
        """Returns the ids of the trainings with a status."""
        client = mlflow.MlflowClient(f"sqlite:///{self.folder / 'mlruns/mlflow.db'}")
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        found = client.search_runs(experiments, f"attributes.status = '{status}'")
        return [run.info.run_id for run in found if "seed" in run.data.params]

    def stored(self, source: str) -> int:
        """Returns the number of stored posts of a source."""
        config = command_configuration("export", [f"paths.data={self.folder / 'data'}", "folder=none"])
        with open_store(config) as store:
            return store.collection("posts").count_documents({"source": source})

    def complaints(self) -> Iterator[str]:
        """Yields what no killed command may leave after it has been run again."""
        left = [path for pattern in _LEFTOVERS for path in self.folder.rglob(pattern)]
        if left:
            yield f"left behind: {', '.join(str(path.relative_to(self.folder)) for path in left)}"
        if running := self.run_ids("RUNNING"):
            yield f"{len(running)} runs are RUNNING"
        if (posts := self.stored("demo_planted")) != 300:
            yield f"the corpus has {posts} posts"


def photo(number: int) -> bytes:
    """Returns a small photo that differs from those of other numbers, as JPEG."""
    random = np.random.default_rng(number)
    return encode_jpeg(random.integers(0, 255, (32, 40, 3), dtype=np.uint8))


def _outlived(group: int) -> Iterator[str]:
    """Ends what still runs of a process group some time later, and yields the names."""
    end = time.monotonic() + _OUTLIVES_SECONDS
    while (left := list(_living(group))) and time.monotonic() < end:
        time.sleep(0.1)
    for process in left:
        with suppress(psutil.Error):
            yield " ".join(process.cmdline())[:80]
            process.kill()


def _living(group: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                yield process
