"""Folds: one parent with one table of all held-out posts, one child a fold, and nothing trained twice."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from likerank.app.paths import Folders
from likerank.commands.evaluate import evaluate
from likerank.commands.train import train
from likerank.dataset import SELECT, TEST, VALIDATION, FoldSnapshot, Snapshot, find_snapshot
from likerank.dataset.snapshot import fingerprint_of
from likerank.errors import LikerankError
from likerank.evaluation.metrics import pairwise_accuracy
from likerank.run_names import FINGERPRINT
from likerank.tracking import Run
from likerank.training.run import train_run
from tests.workplaces import TINY, Workplace, checkpoint_weights, identical

pytestmark = pytest.mark.xdist_group("folds")

FOLDS = (*TINY, "trainer.max_epochs=2", "evaluation.folds=3", "evaluation.baselines=[author_mean,ridge]")


def children_of(run: Run) -> list[Run]:
    """A parent's folds, in order."""
    client = mlflow.MlflowClient(run._uri)
    experiment = client.get_run(run.id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.id}'")
    runs = [Run(client, run._uri, each.info.run_id) for each in found]
    return sorted(runs, key=lambda child: child.tags["likerank.fold"])


@pytest.fixture(scope="module")
def pooled(corpus: Workplace) -> Run:
    return corpus.train(*FOLDS)


@pytest.fixture(scope="module")
def children(pooled: Run) -> list[Run]:
    return children_of(pooled)


@pytest.fixture(scope="module")
def snapshot(corpus: Workplace, pooled: Run) -> Snapshot:
    return Snapshot(find_snapshot(Folders.of(corpus.compose("train")).snapshots, pooled.tags[FINGERPRINT]))


@pytest.fixture(scope="module")
def predictions(pooled: Run) -> pd.DataFrame:
    return pd.read_parquet(pooled.artifact("predictions/folds.parquet"))


@pytest.mark.slow
def test_every_post_but_tests_is_ranked_once(predictions: pd.DataFrame, snapshot: Snapshot) -> None:
    posts = snapshot.posts
    assert sorted(predictions["key"]) == sorted(posts.loc[posts["split"] != TEST, "key"])
    assert set(predictions.columns) == {
        *("key", "author", "likes", "fold", "target", "posted_at", "usual"),
        *("network", "author_mean", "ridge"),
    }
    assert set(predictions["fold"]) == {1, 2, 3}
    assert not predictions.isna().any(axis=None)


@pytest.mark.slow
def test_the_parent_keeps_the_pooled_table(pooled: Run, predictions: pd.DataFrame) -> None:
    assert pooled.status == "FINISHED"
    assert {key.split("/")[0] for key in pooled.metrics} == {"folds"}
    groups = predictions["author"] + " " + predictions["fold"].astype(str)
    likes, network = predictions["likes"], predictions["network"]
    assert pooled.metrics["folds/network/within/pairwise"] == pairwise_accuracy(likes, network, groups)
    assert pooled.metrics["folds/network/across/pairwise"] == pairwise_accuracy(
        likes, network, predictions["fold"]
    )
    assert json.loads(pooled.artifact("results.json").read_text()).keys() == {"folds"}
    # An author's mean is one number in a fold, so within an author it knows nothing.
    assert pooled.metrics["folds/author_mean/within/pairwise"] == pytest.approx(0.5)


@pytest.mark.slow
def test_each_fold_is_a_child_with_its_losses(children: list[Run]) -> None:
    assert [child.tags["likerank.fold"].rsplit("-")[-1] for child in children] == ["1of3", "2of3", "3of3"]
    for child in children:
        assert child.status == "FINISHED"
        assert {"train/loss", "val/loss"} <= child.metrics.keys()
        assert "likerank.trial" not in child.tags
    assert not identical(*(checkpoint_weights(child) for child in children[:2]))


@pytest.mark.slow
def test_folds_that_were_finished_are_given_back(
    corpus: Workplace, pooled: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    config = corpus.compose("train", *FOLDS)
    assert train(config) == pooled.metrics["folds/network/headline/pairwise"]
    printed = capsys.readouterr().out
    assert f"Trained before: run {pooled.id}" in printed
    assert f"Run {pooled.id}: folds/network/headline/pairwise" in printed
    assert "evaluate.py" not in printed


@pytest.mark.slow
def test_a_killed_run_of_folds_goes_on_where_it_stopped(
    corpus: Workplace,
    pooled: Run,
    children: list[Run],
    predictions: pd.DataFrame,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pooled.finish("KILLED")
    children[2].finish("KILLED")
    try:
        again = train_run(corpus.compose("train", *FOLDS)).run
    finally:
        pooled.finish()
        children[2].finish()
    printed = capsys.readouterr().out
    assert [f"Trained before: run {child.id}" in printed for child in children] == [True, True, False]
    assert again.id != pooled.id
    assert [child.id for child in children_of(again)][:2] == [child.id for child in children[:2]]
    pd.testing.assert_frame_equal(pd.read_parquet(again.artifact("predictions/folds.parquet")), predictions)
    assert again.metrics == pooled.metrics


@pytest.mark.slow
def test_a_folds_weights_know_nothing_of_what_it_held_out(
    corpus: Workplace, pooled: Run, children: list[Run], snapshot: Snapshot
) -> None:
    first = FoldSnapshot(snapshot, 1, 3)
    held_out = first.rows(VALIDATION, SELECT)
    posts = snapshot.posts.copy()
    posts.loc[held_out, "likes"] = posts.loc[held_out, "likes"].to_numpy()[::-1] * 1000
    scrambled = fingerprint_of(snapshot.manifest["recipe"], posts, snapshot.pixels)
    folder = snapshot.folder.with_name(scrambled)
    folder.mkdir()
    (folder / "pixels.npy").write_bytes((snapshot.folder / "pixels.npy").read_bytes())
    posts.to_parquet(folder / "posts.parquet", index=False)
    manifest = snapshot.manifest | {"fingerprint": scrambled, "store_revisions": []}
    (folder / "snapshot.json").write_text(json.dumps(manifest))
    run = corpus.train(*FOLDS, f"snapshot.fingerprint={scrambled}")
    after = children_of(run)
    assert identical(checkpoint_weights(children[0]), checkpoint_weights(after[0]))
    assert not identical(checkpoint_weights(children[1]), checkpoint_weights(after[1]))
    for name in ("network", "ridge"):
        one, other = (
            pd.read_parquet(each.artifact("predictions/folds.parquet")).set_index("key")[name]
            for each in (pooled, run)
        )
        np.testing.assert_array_equal(one.iloc[: len(held_out)], other.loc[one.index[: len(held_out)]])


@pytest.mark.slow
def test_a_run_of_folds_has_no_network_to_score_test_with(corpus: Workplace, pooled: Run) -> None:
    with pytest.raises(LikerankError, match=r"has a network for each of its folds"):
        evaluate(corpus.compose("evaluate", f"run_id={pooled.id}"))


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("evaluation.folds=1",), r"evaluation.folds is 1; it must be a whole number from 2"),
        (("evaluation.folds=2.5",), r"evaluation.folds is 2.5; it must be a whole number from 2"),
        (("evaluation.folds=400",), r"evaluation.folds is 400, but snapshot s\w+ has too few pictures"),
        (("evaluation.folds=3", "resume=abc"), r"Folds cannot resume run abc"),
    ],
)
def test_what_folds_cannot_do_is_refused_before_a_run_starts(
    corpus: Workplace, overrides: tuple[str, ...], sentence: str
) -> None:
    before = len(corpus.runs())
    with pytest.raises(LikerankError, match=sentence):
        corpus.train(*TINY, *overrides)
    assert len(corpus.runs()) == before
