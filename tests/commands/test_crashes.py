"""Killed at any moment and started again, a stage ends as if nothing had happened."""

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import mlflow
import pandas as pd
import psutil
import pytest

from likerank.tracking import Run
from likerank.training.snapshot import snapshot_folder
from tests.workplaces import (
    CORPUS,
    TINY,
    MakeWorkplace,
    Workplace,
    checkpoint_weights,
    identical,
    kill,
    wait_for,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crashes")]

RECIPE = ("snapshot.size=128", "snapshot.balance=none")
LONG = (*TINY, "trainer.max_epochs=60", "early_stopping=null", "seed=31", "figures=true")


def living(group: int) -> list[psutil.Process]:
    """The processes of a process group that have not ended."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def ended_within(seconds: float, group: int) -> bool:
    """Whether a killed command's processes end by themselves; ends them where they do not."""
    deadline = time.monotonic() + seconds
    while left := living(group):
        if time.monotonic() > deadline:
            for process in left:
                process.kill()
            return False
        time.sleep(0.1)
    return True


def test_an_ingest_killed_three_times_loses_and_doubles_nothing(
    make_workplace: MakeWorkplace, corpus: Workplace
) -> None:
    """The first kill may meet the server's start, the last one the middle of a batch."""
    place = make_workplace(cold=True)
    moments, outlived = random.Random(0), 0
    for seconds in sorted(moments.uniform(0.8, 4.0) for _ in range(3)):
        process = place.start("ingest", *CORPUS)
        time.sleep(seconds)
        kill(process)
        outlived += not ended_within(300, process.pid)
    ran = place.run("ingest", *CORPUS)
    assert ran.returncode == 0, ran.stderr
    stored = [each.contents() for each in (place, corpus)]
    for post in (post for contents in stored for post in contents["posts"]):
        del post["added_at"]  # The corpus came at another time.
    assert stored[0] == stored[1]
    again = place.call("ingest", *CORPUS)
    assert "posts 0 new, 0 updated, 300 unchanged" in again.stdout
    assert "0 new observations" in again.stdout
    assert not outlived, f"worker processes outlived {outlived} of 3 killed commands"


def test_a_snapshot_killed_three_times_is_the_undisturbed_one(
    make_workplace: MakeWorkplace, corpus: Workplace
) -> None:
    store = f"store.database={corpus.name}"
    undisturbed = snapshot_folder(make_workplace().compose("train", store, *RECIPE))
    place = make_workplace()
    snapshots = place.folder / "data" / "snapshots"
    moments = random.Random(1)
    for _ in range(3):
        process = place.start("train", store, *RECIPE, *TINY[2:])
        wait_for(lambda: list(snapshots.glob(".building-*/pixels.npy")), process)
        time.sleep(moments.uniform(0, 0.3))
        kill(process)
    folder = snapshot_folder(place.compose("train", store, *RECIPE))
    assert folder.name == undisturbed.name
    assert [path.name for path in snapshots.iterdir() if path.name != ".lock"] == [folder.name]
    for file in ("pixels.npy", "posts.parquet"):
        assert (folder / file).read_bytes() == (undisturbed / file).read_bytes()


def test_a_killed_build_leaves_no_snapshot(make_workplace: MakeWorkplace, corpus: Workplace) -> None:
    """Everything is written aside by then, and only the name is still to come."""
    place = make_workplace()
    config = place.compose("train", f"store.database={corpus.name}", *TINY)
    folder = snapshot_folder(config)
    folder.rename(folder.with_name(".building-abandoned"))
    assert snapshot_folder(config) == folder
    assert not folder.with_name(".building-abandoned").exists()


@pytest.fixture
def disturbed(make_workplace: MakeWorkplace, corpus: Workplace) -> tuple[Run, Run]:
    """An undisturbed training, and one killed twice in its epochs, then while it was ranked."""
    store = f"store.database={corpus.name}"
    place = make_workplace()
    undisturbed = place.train(store, *LONG)

    moments = random.Random(2)
    mlruns = place.folder / "mlruns"
    process = place.start("train", store, *LONG, "reuse=false")
    wait_for(lambda: len(place.runs()) == 2, process)
    (run,) = (run for run in place.runs() if run.id != undisturbed.id)
    last = mlruns / "checkpoints" / run.id / "last.ckpt"

    def kill_when(happened: Callable[[], object], delay: float) -> None:
        wait_for(happened, process)
        time.sleep(delay)
        kill(process)

    def is_newer(than: float) -> Callable[[], bool]:
        return lambda: last.exists() and last.stat().st_mtime > than

    kill_when(last.exists, moments.uniform(0, 0.2))
    process = place.start("train", store, *LONG, f"resume={run.id}")
    kill_when(is_newer(last.stat().st_mtime), moments.uniform(0, 0.2))
    process = place.start("train", store, *LONG, f"resume={run.id}")
    kill_when((mlruns / "artifacts" / run.id / "artifacts" / "checkpoints").exists, 0.0)
    assert run.status == "RUNNING"
    assert place.tracking().run(run.id).status == "KILLED"
    return undisturbed, place.train(store, *LONG, f"resume={run.id}")


def test_a_training_killed_three_times_ends_with_the_same_bits(disturbed: tuple[Run, Run]) -> None:
    undisturbed, resumed = disturbed
    assert resumed.status == "FINISHED"
    assert identical(checkpoint_weights(resumed), checkpoint_weights(undisturbed))
    assert resumed.metrics == undisturbed.metrics
    assert resumed.params == undisturbed.params
    client = mlflow.MlflowClient(resumed._uri)
    losses = {
        (name, run.id): {(point.step, point.value) for point in client.get_metric_history(run.id, name)}
        for name in ("train/loss", "val/loss")
        for run in disturbed
    }
    assert {len(losses[name, undisturbed.id]) for name in ("train/loss", "val/loss")} == {60}
    assert losses["val/loss", resumed.id] == losses["val/loss", undisturbed.id]
    assert losses["train/loss", resumed.id] == losses["train/loss", undisturbed.id]
    assert len(losses["train/loss", resumed.id]) == 60
    for path, read in (("predictions/val.parquet", pd.read_parquet), ("results.json", Path.read_text)):
        kept, kept_resumed = (str(read(run.artifact(path))) for run in (undisturbed, resumed))
        assert kept == kept_resumed
    assert not (Path(resumed._uri.removeprefix("sqlite:///")).parent / "checkpoints" / resumed.id).exists()
