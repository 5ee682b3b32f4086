"""One table holds every predictor's score, beside chance and ceiling, and says why one is absent."""

import json

import numpy as np
import pytest

from likerank.errors import LikerankError
from likerank.evaluation import METRICS, Scores, ScoreTable, score_table
from likerank.evaluation.intervals import interval
from likerank.evaluation.metrics import BANDS, mean_squared_error, pairwise_accuracy
from likerank.evaluation.scored_posts import FloatArray, IntArray
from likerank.evaluation.scoring import ScoreRow
from tests.shuffling import permutation_standard_error


class Corpus:
    """Synthetic posts: likes of an author's audience and the photo's appeal."""

    def __init__(self, posts: int = 600, authors: int = 27, appeal: float = 0.6, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.author: IntArray = random.integers(0, authors, posts)
        self.audience: FloatArray = random.normal(7, 0.8, authors)[self.author]
        self.appeal: FloatArray = appeal * random.normal(size=posts)
        self.likes = np.round(np.exp(self.audience + self.appeal + 0.35 * random.normal(size=posts)))
        self.target = np.log1p(self.likes) - self.audience
        guess = self.appeal + 0.5 * random.normal(size=posts)
        constant = np.full(posts, 0.1)
        self.predictors = {
            "network": Scores(guess, guess),
            "author_mean": Scores(self.audience, constant),
            "mean": Scores(constant, constant),
        }

    def table(self, *, truth: bool = True) -> ScoreTable:
        known = (self.appeal, self.audience) if truth else None
        return score_table(self.likes, self.target, self.author, self.predictors, known)


def row_of(table: ScoreTable, predictor: str, scope: str, metric: str) -> ScoreRow:
    (found,) = (r for r in table.rows if (r.predictor, r.scope, r.metric) == (predictor, scope, metric))
    return found


def test_holds_every_predictor_scope_and_metric() -> None:
    table = Corpus().table(truth=False)
    assert set(table.to_metrics()) == {
        f"{predictor}/{scope}/{metric}"
        for predictor in ("network", "author_mean", "mean")
        for scope in ("across", "within", "headline")
        for metric in (*METRICS, *(band.name for band in BANDS * (scope != "across")))
    }


def test_ranks_by_the_likes_and_measures_errors_on_the_target() -> None:
    corpus = Corpus()
    table = corpus.table()
    network = corpus.predictors["network"]
    row = row_of(table, "network", "within", "pairwise")
    expected = interval(pairwise_accuracy, corpus.likes, network.ranking, corpus.author)
    assert (row.estimate, row.low, row.high) == (expected.estimate, expected.low, expected.high)
    assert (row.posts, row.authors) == (600, 27)
    error = row_of(table, "author_mean", "across", "mse").estimate
    assert error == mean_squared_error(corpus.target, corpus.predictors["author_mean"].prediction)


def test_a_predictor_may_rank_by_one_thing_and_predict_another() -> None:
    table = Corpus().table()
    ranked = row_of(table, "author_mean", "across", "pairwise").estimate
    assert ranked is not None
    assert ranked > 0.65
    assert row_of(table, "author_mean", "within", "pairwise").estimate == 0.5


def test_skill_is_0_at_chance_and_1_at_the_ceiling() -> None:
    table = Corpus().table()
    for metric in METRICS:
        if metric == "mse":
            continue
        assert row_of(table, "mean", "across", metric).skill == pytest.approx(0, abs=1e-9)
        assert row_of(table, "truth_appeal", "within", metric).skill == pytest.approx(1)
        assert row_of(table, "truth_appeal_audience", "across", metric).skill == pytest.approx(1)
        across = row_of(table, "truth_appeal", "across", metric).skill
        assert across is not None
        assert across < 1
    row = row_of(table, "network", "within", "pairwise")
    assert row.estimate is not None
    assert row.ceiling is not None
    assert row.skill == pytest.approx((row.estimate - 0.5) / (row.ceiling - 0.5))


def test_the_truth_has_no_error_on_the_targets_scale() -> None:
    assert not [
        row for row in Corpus().table().rows if row.predictor.startswith("truth") and row.metric == "mse"
    ]


def test_likes_that_ignore_the_picture_leave_no_skill() -> None:
    corpus = Corpus(appeal=0.0)
    row = row_of(corpus.table(), "network", "within", "pairwise")
    assert row.ceiling == row.chance == 0.5
    assert row.skill is None
    network = corpus.predictors["network"].ranking
    spread = permutation_standard_error(pairwise_accuracy, corpus.likes, network, corpus.author, 50, seed=0)
    assert row.estimate == pytest.approx(0.5, abs=4 * spread)


@pytest.mark.parametrize("known", ["none", "some"])
def test_has_no_ceiling_where_the_truth_is_not_known(known: str) -> None:
    corpus = Corpus(posts=60, authors=3)
    if known == "some":
        corpus.appeal[7] = np.nan
    table = corpus.table(truth=known == "some")
    assert {row.predictor for row in table.rows} == set(corpus.predictors)
    assert {(row.ceiling, row.skill) for row in table.rows} == {(None, None)}


def test_says_why_a_metric_is_absent() -> None:
    table = Corpus(posts=27, authors=9).table()
    row = row_of(table, "network", "within", "position_match_10")
    assert row.estimate is None
    assert row.note == "no author has 10 posts in this split"
    assert "network/within/position_match_10" not in table.to_metrics()
    assert "network/across/position_match_10" in table.to_metrics()


def test_counts_the_posts_of_authors_who_have_enough() -> None:
    corpus = Corpus(posts=32, authors=3)
    corpus.author[:] = np.repeat([4, 9, 2], [20, 11, 1])
    table = corpus.table()
    found = [
        (row.posts, row.authors)
        for metric in ("position_match_10", "pairwise")
        for row in (row_of(table, "network", "within", metric), row_of(table, "network", "across", metric))
    ]
    assert found == [(31, 2), (32, 3), (31, 2), (32, 3)]


def test_takes_authors_by_name() -> None:
    corpus = Corpus(posts=60, authors=3)
    names = np.array(["b", "../../etc", "a"])[corpus.author]
    named = score_table(corpus.likes, corpus.target, names, corpus.predictors)
    assert named.to_metrics() == pytest.approx(corpus.table(truth=False).to_metrics())


def test_posts_of_different_folds_are_ranked_apart() -> None:
    corpus = Corpus()
    folds = np.random.default_rng(1).integers(0, 3, corpus.likes.size)
    # Each fold's training has a scale of its own, which says nothing of its posts.
    offset = np.array([0.0, 50.0, -50.0])[folds]
    predictors = {
        name: Scores(scores.ranking + offset, scores.prediction) for name, scores in corpus.predictors.items()
    }
    known = (corpus.appeal, corpus.audience)
    pooled, plain = (
        score_table(corpus.likes, corpus.target, corpus.author, each, known, folds)
        for each in (predictors, corpus.predictors)
    )
    assert pooled == plain
    author_in_fold = [f"{author} {fold}" for author, fold in zip(corpus.author, folds, strict=True)]
    guess = corpus.predictors["network"].ranking
    for scope, groups in (("across", folds), ("within", author_in_fold)):
        row = row_of(pooled, "network", scope, "pairwise")
        expected = interval(pairwise_accuracy, corpus.likes, guess, groups)
        assert (row.estimate, row.low, row.high) == (expected.estimate, expected.low, expected.high)
        assert row.chance == 0.5
        assert (row.posts, row.authors) == (600, 27)
    error = row_of(pooled, "network", "across", "mse").estimate
    assert error == pytest.approx(np.mean((guess - corpus.target) ** 2))


def test_one_fold_equals_no_folds() -> None:
    corpus = Corpus(posts=200, authors=5)
    one = score_table(
        corpus.likes, corpus.target, corpus.author, corpus.predictors, folds=np.ones(200, dtype=int)
    )
    assert one.to_metrics() == pytest.approx(corpus.table(truth=False).to_metrics())


def test_goes_through_json_and_back() -> None:
    table = Corpus(posts=27, authors=9).table()
    assert ScoreTable.from_json(json.loads(json.dumps(table.to_json(), allow_nan=False))) == table


def test_names_the_predictor_that_cannot_be_scored() -> None:
    corpus = Corpus(posts=30, authors=2)
    corpus.predictors["ridge"] = Scores(np.full(30, np.nan), np.zeros(30))
    with pytest.raises(LikerankError, match="ridge cannot be scored: The scores hold NaN"):
        corpus.table()


def test_equal_likes_leave_position_match_at_chance_only() -> None:
    corpus = Corpus(posts=60, authors=3)
    corpus.likes[:] = 5
    table = corpus.table()
    assert row_of(table, "network", "across", "position_match_5").estimate == pytest.approx(1 / 5)
    for scope in ("across", "within"):
        for metric in ("pairwise", "kendall", "spearman", "ndcg"):
            assert "liked equally" in row_of(table, "network", scope, metric).note


def test_a_single_post_has_nothing_beside_it() -> None:
    corpus = Corpus(posts=1, authors=1)
    assert corpus.table().to_metrics() == {}
