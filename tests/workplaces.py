"""Workplaces for whole stages: real store, real MLflow, real Lightning, everything small."""

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from omegaconf import DictConfig

from likerank.app.compose import command_configuration
from likerank.app.paths import open_store, open_tracking
from likerank.commands.ingest import ingest
from likerank.run_names import CHECKPOINTS
from likerank.store import Store
from likerank.tracking import Run, Tracking
from likerank.training.checkpoints import checkpoint_weights as weights_of
from likerank.training.run import train_run
from tests.forking import Forked, start_script
from tests.scripts_called import call_script

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ("source=demo", "source.posts=300", "source.authors=6")
TINY = (
    "snapshot.size=16",
    "snapshot.balance=none",
    "network.stem=4",
    "network.blocks=[8]",
    "trainer.max_epochs=3",
    "trainer.enable_progress_bar=false",
    "figures=false",  # Half of such a training's time.
)
TINY_PAPER = (
    "experiment=paper",
    "snapshot.size=16",
    "snapshot.balance=none",
    "network.kernel_sizes=[5,3]",
    "network.dense=[20,10]",
    "trainer.max_epochs=2",
    "trainer.enable_progress_bar=false",
    "figures=false",
)


@dataclass(frozen=True)
class Workplace:
    """A folder of its own, and of its own an empty database in the shared server and an MLflow experiment.

    Attributes:
        folder: Where its commands run.
        name: The experiment's, and the database's.
        database: The database, where it is another workplace's.
    """

    folder: Path
    name: str
    database: str = ""

    @property
    def places(self) -> list[str]:
        """The overrides that lead there."""
        return [
            f"paths.data={self.folder / 'data'}",
            f"paths.mlruns={self.folder / 'mlruns'}",
            f"store.database={self.database or self.name}",
            f"tracking.experiment={self.name}",
        ]

    def compose(self, script: str, *overrides: str) -> DictConfig:
        """Returns the configuration of a command."""
        return command_configuration(script, [*self.places, *overrides])

    def keep_places_in_local_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lets commands that run in its folder find its database and experiment without overrides."""
        (self.folder / "conf").mkdir()
        (self.folder / "conf" / "local.yaml").write_text(
            f"store: {{database: {self.database or self.name}}}\ntracking: {{experiment: {self.name}}}\n"
        )
        monkeypatch.delenv("LIKERANK_CONF")

    def _command(self, script: str, overrides: tuple[str, ...]) -> list[str]:
        return [str(ROOT / "scripts" / f"{script}.py"), *self.places, *overrides]

    def start(self, script: str, *overrides: str) -> Forked:
        """Starts a script in a process and a process group of its own."""
        return start_script(self._command(script, overrides), self.folder)

    def run(self, script: str, *overrides: str) -> "subprocess.CompletedProcess[str]":
        """Runs a script to its end, in a process of its own."""
        process = self.start(script, *overrides)
        output, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.wait(), output, errors)

    def call(self, script: str, *overrides: str) -> "subprocess.CompletedProcess[str]":
        """Runs a script to its end in this process, which has imported torch, Lightning and MLflow before."""
        return call_script(self._command(script, overrides), self.folder)

    def train(self, *overrides: str) -> Run:
        """Trains in this process and returns the run."""
        return train_run(self.compose("train", *overrides)).run

    def store(self) -> AbstractContextManager[Store]:
        return open_store(self.compose("export", "folder=none"))

    def tracking(self) -> Tracking:
        return open_tracking(self.compose("train"))

    def runs(self) -> list[Run]:
        """All runs, finished or not."""
        tracking = self.tracking()
        found = tracking.client.search_runs([tracking._experiment_id])
        return [tracking.run(run.info.run_id) for run in found]

    def posts(self) -> list[str]:
        """The keys of the stored posts."""
        with self.store() as store:
            return sorted(key for batch in store.scan_posts() for key in batch["key"].to_pylist())

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """All documents of the database, in a fixed order."""
        with self.store() as store:
            return {
                name: sorted(store.collection(name).find(), key=lambda document: str(document["_id"]))
                for name in ("posts", "authors", "observations")
            }

    def fingerprints(self) -> list[str]:
        return sorted(file.parent.name for file in self.folder.glob("data/snapshots/*/snapshot.json"))


def wait_for(condition: Callable[[], object], process: Forked, seconds: float = 900) -> None:
    """Asks again and again until it is true; fails where the process ends before, or hangs."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"ended too early: {process.communicate()}")
        if time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"not within {seconds} s: {process.communicate()}")
        time.sleep(0.005)


def kill(process: Forked) -> None:
    """Ends a script as `kill -9` does; its worker processes must see to themselves."""
    process.kill()
    process.wait()


def checkpoint_weights(run: Run) -> dict[str, torch.Tensor]:
    """The weights of the checkpoint that a finished run keeps."""
    (checkpoint,) = run.artifact(CHECKPOINTS).glob("*.ckpt")
    return weights_of(checkpoint)


def identical(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class MakeWorkplace(Protocol):
    def __call__(self, *, cold: bool = False, own_runs: bool = False) -> Workplace:
        """Makes one; a cold one has neither a server nor an MLflow database yet.

        One with `own_runs` shares its MLflow database with no other: for what looks through all runs, or
        registers a model.
        """
        ...


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, to be copied: MLflow's migrations take seconds for each new one."""
    tracking = Tracking("sqlite", "Default", tmp_path_factory.mktemp("mlruns"))
    return Path(tracking.uri.removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def make_workplace(
    tmp_path_factory: pytest.TempPathFactory, embedded_folder: Path, mlflow_database: Path
) -> Iterator[MakeWorkplace]:
    """Makes workplaces whose databases are dropped at the end."""
    made: list[Workplace] = []
    mlruns = tmp_path_factory.mktemp("mlruns")
    shutil.copy(mlflow_database, mlruns)

    def make(*, cold: bool = False, own_runs: bool = False) -> Workplace:
        folder = tmp_path_factory.mktemp("workplace")
        (folder / "data").mkdir()
        if not cold:
            # One server for all: each start costs seconds.
            (folder / "data" / "mongo").symlink_to(embedded_folder, target_is_directory=True)
        if own_runs:
            (folder / "mlruns").mkdir()
            shutil.copy(mlflow_database, folder / "mlruns")
        elif not cold:
            (folder / "mlruns").symlink_to(mlruns, target_is_directory=True)
        made.append(Workplace(folder, f"test_{uuid.uuid4().hex}"))
        return made[-1]

    yield make
    for workplace in made:
        home = workplace.folder / "data" / "mongo"
        if home.is_symlink():
            with workplace.store() as store:
                store.collection("posts").database.client.drop_database(workplace.name)
        elif (home / "server.pid").exists():
            # Its supervisor follows it.
            os.kill(int((home / "server.pid").read_text()), signal.SIGTERM)


@pytest.fixture
def workplace(make_workplace: MakeWorkplace) -> Workplace:
    """An empty one."""
    return make_workplace()


@pytest.fixture
def lone_workplace(make_workplace: MakeWorkplace) -> Workplace:
    """An empty one that shares its MLflow database with no other."""
    return make_workplace(own_runs=True)


@pytest.fixture(scope="session")
def corpus(make_workplace: MakeWorkplace) -> Workplace:
    """One with the small drawn corpus in its store; to be read and trained on."""
    place = make_workplace()
    ingest(place.compose("ingest", *CORPUS))
    return place


@pytest.fixture(scope="session")
def trained(corpus: Workplace) -> Run:
    """A finished training of the defaults, made tiny."""
    return corpus.train(*TINY)
