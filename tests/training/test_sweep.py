"""A sweep is one parent on one snapshot; a trial fails alone, and a killed sweep goes on where it stopped."""

import io
import re
import subprocess
from collections import Counter
from collections.abc import Callable

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, RunData, RunInfo, RunTag

from likerank.run_names import BEST, OVERRIDES, PARENT, SWEEP
from likerank.tracking import Run
from likerank.training.sweep import trial_frame
from tests.workplaces import TINY, TINY_PAPER, MakeWorkplace, Workplace, kill, wait_for

OBJECTIVE = "val/network/across/pairwise"
SWEPT = (*TINY, f"objective={OBJECTIVE}")


@pytest.fixture
def place(corpus: Workplace, make_workplace: MakeWorkplace) -> Workplace:
    """The corpus's store under an MLflow experiment of the test's own."""
    own = make_workplace()
    (own.folder / "data" / "mongo").unlink()
    (own.folder / "data").rmdir()
    (own.folder / "data").symlink_to(corpus.folder / "data", target_is_directory=True)
    return own


def sweep(
    run: Callable[..., "subprocess.CompletedProcess[str]"], corpus: Workplace, *overrides: str
) -> tuple[int, str, str]:
    ran = run("train", f"store.database={corpus.name}", *SWEPT, *overrides, "-m")
    return ran.returncode, ran.stdout, ran.stderr


def parents_and_trials(place: Workplace) -> tuple[list[Run], list[Run]]:
    runs = place.runs()
    return [run for run in runs if SWEEP in run.tags], [run for run in runs if SWEEP not in run.tags]


def ranking(parent: Run) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(parent.artifact("sweep/trials.csv").read_text()))


def record(name: str, status: str, started_at: int, **metrics: float) -> Run:
    tags = {"likerank.trial": name, OVERRIDES: f'["optimizer.lr={name}", "snapshot.size=16"]'}
    if status == "FAILED":
        tags["likerank.reason"] = "It does not fit."
    run_id = f"{name}-{started_at}"
    info = RunInfo(run_id, "0", "user", status, 1000 * started_at, None, "active", run_name=name)
    data = RunData(
        [Metric(key, value, 0, 0) for key, value in metrics.items()],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    return Run(MlflowClient("sqlite://"), "sqlite://", run_id, mlflow.entities.Run(info, data))


def test_trials_are_ranked_with_what_differs_and_each_counts_once() -> None:
    records = [
        record("0.1", "FINISHED", 1, score=0.6),
        record("0.1", "KILLED", 2),
        record("0.2", "KILLED", 1),
        record("0.2", "FINISHED", 3, score=0.7),
        record("0.3", "FAILED", 4),
    ]
    frame = trial_frame(records, "score")
    assert list(frame.columns) == ["run", "status", "objective", "reason", "optimizer.lr"]
    assert list(frame["run"]) == ["0.2-3", "0.1-1", "0.3-4"]
    assert list(frame["optimizer.lr"]) == ["0.2", "0.1", "0.3"]
    assert frame["reason"].iloc[2] == "It does not fit."


@pytest.mark.slow
def test_a_sweep_has_one_parent_and_survives_a_failed_trial(corpus: Workplace, place: Workplace) -> None:
    choices = ("network.kernel_sizes=[5,3],[99,3]", "seed=1,2")
    asked = (*TINY_PAPER, f"objective={OBJECTIVE}", *choices, "-m")
    ran = place.call("train", f"store.database={corpus.name}", *asked)
    status, output, errors = ran.returncode, ran.stdout, ran.stderr
    assert status == 1
    assert "2 of 4 trials failed" in errors
    assert "Traceback" not in output + errors
    assert len(re.findall(r"^Snapshot s", output, re.MULTILINE)) == 1
    (parent,), trials = parents_and_trials(place)
    assert {trial.tags[PARENT] for trial in trials} == {parent.id}
    assert Counter(trial.status for trial in trials) == {"FINISHED": 2, "FAILED": 2}
    names = {trial.name for trial in trials}
    assert names == {f"kernel_sizes={k}, seed={seed}" for k in ("[5,3]", "[99,3]") for seed in (1, 2)}
    reasons = {trial.tags["likerank.reason"] for trial in trials if trial.status == "FAILED"}
    assert len(reasons) == 1
    assert "The 99x99 kernel of convolution 1 does not fit" in reasons.pop()
    ranked = ranking(parent)
    best = max((t for t in trials if t.status == "FINISHED"), key=lambda t: t.metrics[OBJECTIVE])
    assert ranked["run"].iloc[0] == parent.tags[BEST] == best.id
    assert parent.metrics[OBJECTIVE] == best.metrics[OBJECTIVE]
    assert set(ranked.columns) == {"run", "objective", "network.kernel_sizes", "seed"}
    assert "The 99x99 kernel" in parent.artifact("sweep/sweep.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("sweeper", [(), ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=3")])
def test_a_killed_sweep_goes_on_where_it_stopped(
    corpus: Workplace, place: Workplace, sweeper: tuple[str, ...]
) -> None:
    choices = (*sweeper, "seed=1,2,3")
    if sweeper:
        choices += (
            "hydra.sweeper.direction=maximize",
            "hydra.sweeper.sampler.seed=0",
            "hydra.sweeper.n_jobs=1",
        )
    process = place.start("train", f"store.database={corpus.name}", *SWEPT, *choices, "-m")
    wait_for(lambda: any(run.status == "FINISHED" for run in parents_and_trials(place)[1]), process)
    kill(process)
    (parent,), before = parents_and_trials(place)
    finished = {run.id for run in before if run.status == "FINISHED"}
    status, output, errors = sweep(place.call, corpus, *choices)
    assert status == 0, errors
    assert f"Sweep {parent.id} goes on" in output
    (same,), trials = parents_and_trials(place)
    assert (same.id, same.status) == (parent.id, "FINISHED")
    assert finished <= {run.id for run in trials}
    asked = [run.tags[OVERRIDES] for run in trials if run.status == "FINISHED"]
    assert len(asked) == len(set(asked)), "a finished trial was trained again"
    assert {run.status for run in trials} <= {"FINISHED", "KILLED"}
    assert len(ranking(same)) == len(set(asked))


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "ray"])
def test_a_launchers_trials_share_parent_snapshot_and_cores(
    corpus: Workplace, place: Workplace, launcher: str
) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.removesuffix('_local')}_launcher")
    two = ("seed=1,2", "trainer.max_epochs=1")
    status, _, errors = sweep(place.run, corpus, f"launcher={launcher}", *two)
    assert status == 0, errors
    (parent,), trials = parents_and_trials(place)
    assert len(trials) == 2
    assert {(run.status, run.tags[PARENT]) for run in trials} == {("FINISHED", parent.id)}
    assert {run.params["threads"] for run in trials} == {"1"}
    assert len({run.params["snapshot.fingerprint"] for run in trials}) == 1
    again, _, _ = sweep(place.call, corpus, *two)
    assert again == 0
    assert len(parents_and_trials(place)[1]) == 2, "another launcher trained finished trials again"


@pytest.mark.slow
def test_a_search_over_shapes_passes_over_those_that_cannot_be(corpus: Workplace, place: Workplace) -> None:
    small = (
        "figures=false",
        "snapshot.size=16",
        "trainer.max_epochs=1",
        "hydra.sweeper.n_trials=6",
        "hydra.sweeper.n_jobs=1",
    )
    ran = place.call(
        "train", f"store.database={corpus.name}", "sweep=architecture", "snapshot.balance=none", *small, "-m"
    )
    (parent,), trials = parents_and_trials(place)
    failed = [run for run in trials if run.status == "FAILED"]
    assert len(trials) == 6
    assert 0 < len(failed) < 6, "16 pixels are too few for some kernels"
    assert ran.returncode == 1
    assert all(
        "fit" in run.tags["likerank.reason"] or "entries" in run.tags["likerank.reason"] for run in failed
    )
    assert parent.status == "FINISHED"


@pytest.mark.slow
def test_a_swept_snapshot_is_made_for_each_trial(corpus: Workplace, place: Workplace) -> None:
    status, _, errors = sweep(place.call, corpus, "trainer.max_epochs=1", "snapshot.size=16,20")
    assert status == 0, errors
    _, trials = parents_and_trials(place)
    assert len({run.params["snapshot.fingerprint"] for run in trials}) == 2


@pytest.mark.slow
def test_a_sweep_without_posts_says_so_before_the_first_trial(workplace: Workplace) -> None:
    ran = workplace.call("train", *SWEPT, "seed=1,2", "-m")
    assert ran.returncode == 1
    assert "likerank: The store" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert workplace.runs() == []
