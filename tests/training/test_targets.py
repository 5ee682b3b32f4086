"""Every target goes the whole way: trained on, ranked, evaluated, promoted, forgotten."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from likerank.app.paths import Folders
from likerank.commands.evaluate import evaluate
from likerank.dataset import TRAIN, Snapshot, find_snapshot
from likerank.models.targets import TARGETS, load_target
from likerank.run_names import FINGERPRINT
from likerank.tracking import Run, TrainedModel
from likerank.tracking.author_redaction import AuthorRedaction
from likerank.tracking.results import read_table
from tests.workplaces import ROOT, TINY, Workplace

TINIEST = (*TINY, "trainer.max_epochs=1", "evaluation.baselines=[mean,author_mean,ridge]")


def _in_a_group(target: str) -> Any:
    """The tests of a target share its training."""
    return pytest.param(target, marks=pytest.mark.xdist_group(f"target {target}"))


@pytest.fixture(scope="module", params=[_in_a_group(target) for target in TARGETS])
def trained(request: pytest.FixtureRequest, corpus: Workplace) -> Run:
    return corpus.train(*TINIEST, f"target={request.param}")


def snapshot_of(corpus: Workplace, run: Run) -> Snapshot:
    root = Folders.of(corpus.compose("train")).snapshots
    return Snapshot(find_snapshot(root, run.tags[FINGERPRINT]))


def test_each_is_a_choice_of_the_configuration() -> None:
    assert {file.stem for file in (ROOT / "conf" / "target").glob("*.yaml")} == {*TARGETS, "auto"}


def test_the_author_control_and_the_truth_are_of_the_likes(corpus: Workplace, trained: Run) -> None:
    posts = pd.read_parquet(trained.artifact("predictions/val.parquet"))
    snapshot = snapshot_of(corpus, trained)
    training = snapshot.posts.iloc[snapshot.rows(TRAIN)]
    means = training.groupby("author")["likes"].mean()
    pd.testing.assert_series_equal(
        posts["author_mean"], posts["author"].map(means), check_names=False, check_dtype=False
    )
    likes = snapshot.posts.set_index("key")["likes"]
    assert (posts.set_index("key")["likes"] == likes.loc[posts["key"]]).all()


def test_the_model_carries_what_inverts_its_target(corpus: Workplace, trained: Run) -> None:
    model = TrainedModel.open(f"runs:/{trained.id}/model", corpus.tracking().uri)
    target = load_target(model.metadata["target"])
    posts = snapshot_of(corpus, trained).posts
    training = posts[posts["split"] == TRAIN]
    likes = pd.Series(target.inverse(target.transform(training), training), training.index)
    pd.testing.assert_series_equal(
        likes, training["likes"], check_names=False, check_dtype=False, rtol=1e-3, atol=1e-3
    )
    # A photo that is not posted yet has an author and nothing else.
    assert target.inverse([0.5], training[["author"]].head(1)) > 0


def test_test_is_evaluated(corpus: Workplace, trained: Run) -> None:
    evaluate(corpus.compose("evaluate", f"run_id={trained.id}"))
    network = read_table(trained, "test").to_metrics()
    assert 0 <= network["network/within/pairwise"] <= 1


def test_a_checkpoint_forgets_an_author(corpus: Workplace, trained: Run, tmp_path: Path) -> None:
    author = str(snapshot_of(corpus, trained).posts["author"].iloc[0])
    (kept,) = trained.artifact("checkpoints").glob("*.ckpt")
    checkpoint = Path(shutil.copy(kept, tmp_path / "best.ckpt"))
    AuthorRedaction(author, []).checkpoint(checkpoint, tmp_path / "cleaned.ckpt")
    cleaned = tmp_path / "cleaned.ckpt"
    left = torch.load(cleaned if cleaned.exists() else checkpoint, weights_only=True)
    assert author not in str(left["PopularityDataModule"]["target"])
