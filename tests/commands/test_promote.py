"""The champion changes only for a run that surely ranks better, and is scored on test once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.app.paths import Folders
from likerank.commands.evaluate import evaluate
from likerank.commands.ingest import ingest
from likerank.commands.promote import promote
from likerank.dataset import TEST, TRAIN, Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.run_names import FINGERPRINT, FOLDS
from likerank.tracking import Run, find_champion
from likerank.tracking.results import ranked_splits, read_predictions
from likerank.training.champion import _scores_of, gain_over
from likerank.training.rebuild import rebuild, trained_predictors
from tests.workplaces import CORPUS, TINY, MakeWorkplace, Workplace


def scored_by(run: Run, network: "pd.Series[float]", folder: Path) -> None:
    """Gives a run other predictions."""
    predictions = read_predictions(run, "val").assign(network=network.to_numpy())
    predictions.to_parquet(folder / "val.parquet", index=False)
    run.log_file(folder / "val.parquet", "predictions")


@pytest.fixture
def place(make_workplace: MakeWorkplace) -> Workplace:
    """One of enough posts to be sure of a gain, with an MLflow database, and so a champion, of its own."""
    place = make_workplace(own_runs=True)
    ingest(place.compose("ingest", *CORPUS, "source.posts=600"))
    return place


@pytest.mark.slow
def test_only_a_significantly_better_run_is_promoted(
    place: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def promoted(run: Run, *overrides: str) -> bool:
        return promote(place.compose("promote", f"run_id={run.id}", "metric=across/pairwise", *overrides))

    first, other, best = (place.train(*TINY, f"seed={seed}") for seed in (1, 2, 3))
    assert not promoted(first), "chance"
    assert f"Run {first.id} is not promoted: its across/pairwise is" in capsys.readouterr().out
    assert find_champion(place.tracking()) is None
    assert ranked_splits(first) == ["val"], "test was touched for a run without evidence"
    assert promoted(first, "force=true")
    with pytest.raises(LikerankError, match="metric is within/nothing"):
        promoted(other, "metric=within/nothing")
    champion = find_champion(place.tracking())
    assert champion is not None
    assert champion.id == first.id
    assert ranked_splits(first) == ["val", "test"]
    card = first.artifact("card.md").read_text()
    assert first.params["snapshot.fingerprint"] in card
    assert "The posts are synthetic" in card
    assert "It was promoted by force: its across/pairwise is" in card
    test_predictions = first.artifact("predictions/test.parquet").read_bytes()

    likes = read_predictions(other, "val")["likes"]
    scored_by(other, -likes, tmp_path)
    assert not promoted(other)
    assert ranked_splits(other) == ["val"], "test was touched for a run that lost"
    scored_by(best, likes.astype(float), tmp_path)
    assert promoted(best)
    assert promoted(best), "it stays what it is"
    champion = find_champion(place.tracking())
    assert champion is not None
    assert champion.id == best.id
    assert f"It beat run `{first.id}`" in best.artifact("card.md").read_text()
    assert first.artifact("predictions/test.parquet").read_bytes() == test_predictions

    # A snapshot of another size cannot be ranked by the champion, one of more posts can.
    larger = place.train(*TINY, "snapshot.size=20")
    with pytest.raises(LikerankError, match=r"snapshot\.size was 16, not 20"):
        promoted(larger)
    fewer = place.train(*TINY, "snapshot.balance=99")
    assert fewer.params["snapshot.fingerprint"] != best.params["snapshot.fingerprint"]
    scored_by(fewer, read_predictions(fewer, "val")["likes"].astype(float), tmp_path)
    capsys.readouterr()
    assert promoted(fewer)
    assert f"It beat run `{best.id}`" in capsys.readouterr().out


@pytest.mark.slow
def test_folds_are_promoted_with_a_model_of_all_their_posts(
    place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = Folders.of(place.compose("train"))
    folded = place.train(*TINY, "evaluation.folds=3")
    with pytest.raises(LikerankError, match=f"promote run_id={folded.id} trains one on all"):
        evaluate(place.compose("evaluate", f"run_id={folded.id}"))
    assert promote(place.compose("promote", f"run_id={folded.id}", "force=true"))
    assert folded.model_ids
    assert ranked_splits(folded) == ["folds", "test"]
    predictors = trained_predictors(folded, rebuild(folded, folders), folders)
    snapshot = Snapshot(predictors.snapshot.folder)
    assert sorted(predictors.snapshot.rows(TRAIN)) == sorted(np.flatnonzero(snapshot.posts["split"] != TEST))
    scores = predictors.scorer.score(snapshot.pixels, snapshot.rows(TEST))
    kept = read_predictions(folded, TEST).set_index("key")["network"]
    np.testing.assert_allclose(scores, kept.loc[snapshot.posts["key"].iloc[snapshot.rows(TEST)]], atol=1e-5)
    card = folded.artifact("card.md").read_text()
    assert "Judged on folds of train and validation" in card
    assert "its model is trained on all of train and validation" in card

    single = place.train(*TINY, "seed=5")
    capsys.readouterr()
    promote(place.compose("promote", f"run_id={single.id}"))
    assert "on validation's model-selection half" in capsys.readouterr().out
    gain = gain_over(folded, folded, folders, "within/pairwise")
    assert gain.estimate == 0


@pytest.mark.slow
def test_folds_of_a_later_snapshot_are_compared_on_posts_that_neither_was_trained_on(
    place: Workplace,
) -> None:
    folders = Folders.of(place.compose("train"))
    single = place.train(*TINY)
    folded = place.train(*TINY, "evaluation.folds=3")
    assert promote(place.compose("promote", f"run_id={folded.id}", "force=true"))
    ingest(place.compose("ingest", *CORPUS, "source.posts=700"))
    later, later_folded = place.train(*TINY), place.train(*TINY, "evaluation.folds=3")
    assert later.tags[FINGERPRINT] != single.tags[FINGERPRINT]
    judged = read_predictions(later_folded, FOLDS)
    of_single = _scores_of(single, later_folded, judged, folders)
    snapshot = Snapshot(find_snapshot(folders.snapshots, later.tags[FINGERPRINT]))
    assert sorted(of_single.index) == sorted(snapshot.posts["key"].iloc[snapshot.rows("val", "select")])
    of_folded = _scores_of(folded, later_folded, judged, folders)
    before = read_predictions(folded, FOLDS).set_index("key")
    new = of_folded[of_folded["fold"] == 0]
    assert len(new) > 0, "no post was new"
    assert not new.index.isin(before.index).any()
    pd.testing.assert_series_equal(of_folded.loc[before.index, "network"], before["network"])
    for champion in (single, folded):
        for run in (later, later_folded):
            assert gain_over(champion, run, folders, "within/pairwise").estimate is not None


def test_a_run_that_did_not_finish_or_is_not_there_is_refused(corpus: Workplace) -> None:
    run = corpus.tracking().start_run({})
    run.finish("FAILED", "no reason")
    with pytest.raises(LikerankError, match="only a finished one can be champion"):
        promote(corpus.compose("promote", f"run_id={run.id}"))
    with pytest.raises(LikerankError, match="no run nothing"):
        promote(corpus.compose("promote", "run_id=nothing"))
