"""Test is scored for one finished run, by evaluate alone, with everything rebuilt from that run."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from likerank.app.paths import Folders
from likerank.commands.evaluate import evaluate
from likerank.dataset import TEST, Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.evaluation import ScoreTable
from likerank.models.baselines import load_baseline
from likerank.run_names import CHECKPOINTS, FINGERPRINT
from likerank.tracking import Run
from likerank.training.rebuild import rebuild, trained_predictors
from tests.workplaces import TINY, TINY_PAPER, Workplace, checkpoint_weights, identical

pytestmark = pytest.mark.xdist_group("trained")

PREDICTORS = ["network", "ridge", "linear", "author_mean", "mean"]


def evaluated(place: Workplace, run: Run) -> ScoreTable:
    return evaluate(place.compose("evaluate", f"run_id={run.id}"))


def snapshot_of(place: Workplace, run: Run) -> Snapshot:
    config = place.compose("evaluate", "run_id=x")
    return Snapshot(find_snapshot(Folders.of(config).snapshots, run.tags[FINGERPRINT]))


@pytest.fixture(scope="module")
def judged(corpus: Workplace) -> Run:
    """A run of its own, so that evaluating leaves the shared one without test."""
    return corpus.train(*TINY, "seed=7")


def test_test_comes_beside_validation_and_leaves_it_as_it_was(corpus: Workplace, judged: Run) -> None:
    metrics, predictions = judged.metrics, pd.read_parquet(judged.artifact("predictions/val.parquet"))
    results = json.loads(judged.artifact("results.json").read_text())
    table = evaluated(corpus, judged)
    after = judged.metrics
    assert {key: value for key, value in after.items() if not key.startswith("test/")} == metrics
    assert {key: value for key, value in after.items() if key.startswith("test/")} == {
        f"test/{key}": value for key, value in table.to_metrics().items()
    }
    assert {key.split("/")[1] for key in after if key.startswith("test/")} >= set(PREDICTORS)
    pd.testing.assert_frame_equal(pd.read_parquet(judged.artifact("predictions/val.parquet")), predictions)
    kept = json.loads(judged.artifact("results.json").read_text())
    assert kept["val"] == results["val"]
    assert ScoreTable.from_json(kept["test"]) == table
    assert judged.status == "FINISHED"


def test_test_predictions_hold_each_test_post_and_no_other(corpus: Workplace, judged: Run) -> None:
    evaluated(corpus, judged)
    snapshot = snapshot_of(corpus, judged)
    table = pd.read_parquet(judged.artifact("predictions/test.parquet"))
    posts = snapshot.posts.iloc[snapshot.rows(TEST)]
    assert table["key"].tolist() == posts["key"].tolist()
    assert table["likes"].tolist() == posts["likes"].tolist()
    assert not table[PREDICTORS].isna().any(axis=None)


def test_evaluating_twice_gives_the_same_table(corpus: Workplace, judged: Run) -> None:
    once, metrics = evaluated(corpus, judged), judged.metrics
    assert evaluated(corpus, judged) == once
    assert judged.metrics == metrics


def test_baselines_that_are_gone_are_fitted_again_to_the_same_table(corpus: Workplace, judged: Run) -> None:
    once = evaluated(corpus, judged)
    folders = Folders.of(corpus.compose("evaluate", "run_id=none"))
    folder = trained_predictors(judged, rebuild(judged, folders), folders).cache
    assert load_baseline(folder / "ridge.npz").name == "ridge"
    shutil.rmtree(folder)
    assert evaluated(corpus, judged) == once


def test_a_run_is_rebuilt_from_itself_and_not_from_todays_defaults(corpus: Workplace) -> None:
    """The paper's network and target, where the defaults are others and the checkpoint is the last one."""
    run = corpus.train(*TINY_PAPER)
    table = evaluated(corpus, run)
    assert run.has_artifact(f"{CHECKPOINTS}/last.ckpt")
    snapshot = snapshot_of(corpus, run)
    predictions = pd.read_parquet(run.artifact("predictions/test.parquet"))
    most_likes = snapshot.posts["likes"].iloc[snapshot.rows("train")].max()
    assert predictions["target"].to_numpy() == pytest.approx(
        (predictions["likes"] / most_likes).to_numpy(), rel=1e-6
    )
    (row,) = (r for r in table.rows if (r.predictor, r.scope, r.metric) == ("network", "across", "mse"))
    error = (predictions["network"] - predictions["target"]).to_numpy()
    assert row.estimate == pytest.approx(np.mean(error**2))


def test_evaluate_takes_no_other_network_or_target(corpus: Workplace, judged: Run) -> None:
    ran = corpus.call("evaluate", f"run_id={judged.id}", "target=top_post")
    assert ran.returncode == 1
    assert "target" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_unfinished_run_is_refused(corpus: Workplace, trained: Run) -> None:
    run = corpus.tracking().start_run({})
    with pytest.raises(LikerankError, match=rf"Run {run.id} is running; resume={run.id} goes on with it\."):
        evaluated(corpus, run)
    run.finish("FAILED")
    with pytest.raises(LikerankError, match=f"Run {run.id} is failed"):
        evaluated(corpus, run)
    assert run.metrics == {}


def test_a_run_that_is_not_likeranks_is_refused(corpus: Workplace, trained: Run) -> None:
    run = corpus.tracking().start_run({})
    run.finish()
    with pytest.raises(LikerankError, match=rf"Run {run.id} has no config\.yaml"):
        evaluated(corpus, run)


@pytest.mark.parametrize("run_id", ["nowhere", "12345", "null", "a/b", "0" * 32])
def test_a_run_that_is_not_there_is_named(corpus: Workplace, trained: Run, run_id: str) -> None:
    with pytest.raises(LikerankError) as refusal:
        evaluate(corpus.compose("evaluate", f"run_id={run_id}"))
    assert "no run" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_snapshot_that_is_gone_is_named(corpus: Workplace) -> None:
    run = corpus.train(*TINY, "snapshot.seed=3", "trainer.max_epochs=1")
    folder = snapshot_of(corpus, run).folder
    shutil.rmtree(folder)
    with pytest.raises(LikerankError, match=f"No snapshot .* has the fingerprint {folder.name}"):
        evaluated(corpus, run)


def test_evaluating_changes_no_weight(corpus: Workplace, judged: Run) -> None:
    before = checkpoint_weights(judged)
    evaluated(corpus, judged)
    assert identical(checkpoint_weights(judged), before)
