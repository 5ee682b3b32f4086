"""Two processes train as one does: one run, one table, the same ranking; where they cannot, one sentence."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import psutil
import pytest
from pytorch_lightning import Trainer

from likerank.errors import LikerankError
from likerank.training.distributed import Handover, passing_on, received_handover, refuse_impossible_processes
from tests.workplaces import TINY, TINY_PAPER, MakeWorkplace, Workplace, wait_for

TWO = ("trainer.devices=2", "trainer.accelerator=cpu")
GIVEN = Handover("a run", "a snapshot")


def two_processes(**settings: int) -> Trainer:
    return Trainer(accelerator="cpu", devices=2, logger=False, enable_progress_bar=False, **settings)  # type: ignore[arg-type]


@pytest.fixture
def place(make_workplace: MakeWorkplace, corpus: Workplace) -> Workplace:
    """One on the small drawn corpus, where nothing has been trained yet."""
    return replace(make_workplace(), database=corpus.name)


def test_the_first_process_is_given_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    with passing_on(GIVEN):
        assert received_handover() is None


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK"])
def test_another_process_takes_what_the_first_hands_on(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with passing_on(GIVEN):
        assert received_handover() == GIVEN
    with pytest.raises(LikerankError, match=r"with trainer.devices=N and without torchrun"):
        received_handover()


def test_one_machine_takes_several_processes() -> None:
    refuse_impossible_processes(two_processes(), sweep=False, folds=False)


def test_folds_and_several_machines_are_refused() -> None:
    with pytest.raises(LikerankError, match=r"Folds are trained in one process, .* asks for 2: "):
        refuse_impossible_processes(two_processes(), sweep=False, folds=True)
    with pytest.raises(LikerankError, match=r"on one machine: "):
        refuse_impossible_processes(two_processes(num_nodes=2), sweep=False, folds=False)


def test_a_sweeps_trial_is_refused() -> None:
    with pytest.raises(LikerankError, match=r"A sweep's trials have one process each, .* asks for 2: "):
        refuse_impossible_processes(two_processes(), sweep=True, folds=False)


def test_processes_that_something_else_started_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(LikerankError, match=r"starts its other processes itself"):
        refuse_impossible_processes(two_processes(), sweep=False, folds=False)


@pytest.mark.slow
def test_two_processes_rank_as_one_does_and_leave_one_run(place: Workplace) -> None:
    """Without dropout and statistics over a batch, halves of a batch add up to its gradient.

    So the weights of both trainings differ by rounding and the last batch's uneven halves alone.
    """
    chosen = (*TINY_PAPER, "network.dropout=0", "trainer.max_epochs=4")
    ran = place.run("train", *chosen, *TWO)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(" starts. If it is cut short: ") == ran.stdout.count("Snapshot ") == 1
    assert ran.stdout.count("within an author  ") == 1
    (two,) = place.runs()
    assert two.status == "FINISHED"
    assert all(np.isfinite(value) for value in two.metrics.values())
    assert len(place.fingerprints()) == 1
    assert not list(place.folder.glob(f"mlruns/checkpoints/{two.id}"))

    one = place.train(*chosen)
    scores = [pd.read_parquet(run.artifact("predictions/val.parquet"))["network"] for run in (one, two)]
    assert scores[1].to_numpy() == pytest.approx(scores[0].to_numpy(), abs=0.02 * scores[0].std())
    for name in ("train/loss", "val/loss"):
        assert two.metrics[name] == pytest.approx(one.metrics[name], rel=1e-3)
    rows = json.loads(one.artifact("results.json").read_text())["val"]["rows"]
    (row,) = (
        r for r in rows if (r["predictor"], r["scope"], r["metric"]) == ("network", "across", "pairwise")
    )
    assert row["low"] <= two.metrics["val/network/across/pairwise"] <= row["high"]


@pytest.mark.slow
def test_a_sweep_of_several_processes_is_refused_at_once(place: Workplace) -> None:
    ran = place.call("train", *TINY, *TWO, "seed=1,2", "-m")
    assert ran.returncode == 1
    (sentence,) = (line for line in ran.stderr.splitlines() if line.startswith("likerank: "))
    assert sentence.startswith(
        "likerank: A sweep's trials have one process each, and trainer.devices asks for 2"
    )
    assert place.runs() == []
    assert place.fingerprints() == []


@pytest.mark.slow
def test_a_killed_process_ends_the_other_and_both_resume(place: Workplace) -> None:
    process = place.start("train", *TINY, *TWO, "trainer.max_epochs=40", "early_stopping=null")
    wait_for(
        lambda: any(
            (place.folder / "mlruns/checkpoints" / run.id / "last.ckpt").exists() for run in place.runs()
        ),
        process,
    )
    children = psutil.Process(process.pid).children()
    (beside,) = (child for child in children if "trainer.devices=2" in child.cmdline())
    beside.kill()
    _, errors = process.communicate()
    assert process.returncode != 0
    (run,) = place.runs()
    assert run.status == "FAILED", errors

    resumed = place.run(
        "train", *TINY, *TWO, "trainer.max_epochs=40", "early_stopping=null", f"resume={run.id}"
    )
    assert resumed.returncode == 0, resumed.stderr
    assert [(each.id, each.status) for each in place.runs()] == [(run.id, "FINISHED")]
    history = run._client.get_metric_history(run.id, "train/loss")
    # Killed between its loss and its checkpoint, an epoch is done again, and says the same again.
    assert len({(point.step, point.value) for point in history}) == 40
    assert len(history) <= 41
