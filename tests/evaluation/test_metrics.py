"""Metrics agree with scipy and scikit-learn, and have the properties that a ranking metric must have."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn.metrics import ndcg_score

from likerank.errors import LikerankError
from likerank.evaluation import METRICS, Metric, UndefinedMetricError
from likerank.evaluation.metrics import kendall_tau, mean_squared_error, ndcg, pairwise_accuracy, spearman
from likerank.evaluation.position_match import position_match
from likerank.evaluation.scored_posts import FloatArray, IntArray, ScoredPosts

RANKING = [metric for metric in METRICS.values() if not metric.on_target]
EVERY = list(METRICS.values())


@st.composite
def posts(draw: st.DrawFn) -> tuple[FloatArray, FloatArray, IntArray]:
    """Truth, score and groups of posts, more or less tied, with different truths in some group."""
    number = draw(st.integers(22, 40))
    levels = draw(st.sampled_from([2, 5, 1000]))
    truth, score = (
        draw(hnp.arrays(np.int64, number, elements=st.integers(0, levels))).astype(float) for _ in range(2)
    )
    groups = draw(hnp.arrays(np.int64, number, elements=st.integers(0, 1)))
    assume(any(np.ptp(truth[groups == group]) > 0 for group in np.unique(groups)))
    return truth, score, groups


Posts = tuple[FloatArray, FloatArray, IntArray]


@given(posts())
def test_agree_with_scipy_and_scikit_learn_across_all_posts(drawn: Posts) -> None:
    truth, score, _ = drawn
    percentile = (stats.rankdata(truth) - 1) / (truth.size - 1)
    assert ndcg(truth, score) == pytest.approx(ndcg_score([percentile], [score]))
    assume(np.ptp(score) > 0)
    assert kendall_tau(truth, score) == pytest.approx(stats.kendalltau(truth, score).statistic)
    assert spearman(truth, score) == pytest.approx(stats.spearmanr(truth, score).statistic)
    assert mean_squared_error(truth, score) == pytest.approx(np.mean((truth - score) ** 2))


@given(posts())
def test_pairwise_accuracy_is_the_share_of_correct_pairs(drawn: Posts) -> None:
    truth, score, groups = drawn
    pairs = [
        0.5 + 0.5 * np.sign((truth[i] - truth[j]) * (score[i] - score[j]))
        for i in range(truth.size)
        for j in range(i)
        if truth[i] != truth[j] and groups[i] == groups[j]
    ]
    assert pairwise_accuracy(truth, score, groups) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("metric", [spearman, ndcg, mean_squared_error], ids=lambda metric: metric.name)
@given(drawn=posts())
def test_within_groups_weights_each_group_by_its_posts(metric: Metric, drawn: Posts) -> None:
    truth, score, groups = drawn
    parts = []
    for group in np.unique(groups):
        y_true, y_score = truth[groups == group], score[groups == group]
        if metric is mean_squared_error:
            y_true, y_score = y_true - y_true.mean(), y_score - y_score.mean()
        elif np.ptp(y_true) == 0:
            continue
        if y_true.size > 1:
            parts.append((metric(y_true, y_score), y_true.size))
    values, weights = np.array(parts).T
    assert metric(truth, score, groups) == pytest.approx(np.average(values, weights=weights), abs=1e-9)


@given(posts())
def test_kendall_weights_groups_by_pairs_of_unequal_truth(drawn: Posts) -> None:
    truth, score, groups = drawn
    parts = []
    for group in np.unique(groups):
        y_true, y_score = truth[groups == group], score[groups == group]
        unequal = np.count_nonzero(y_true[:, None] != y_true[None, :])
        if unequal:
            parts.append((kendall_tau(y_true, y_score), unequal))
    values, weights = np.array(parts).T
    assert kendall_tau(truth, score, groups) == pytest.approx(np.average(values, weights=weights), abs=1e-9)


@pytest.mark.parametrize("scope", ["across", "within"])
@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
@given(drawn=posts(), seed=st.integers(0, 1000))
def test_is_bounded_and_blind_to_the_order_of_the_posts(
    metric: Metric, scope: str, drawn: Posts, seed: int
) -> None:
    truth, score, given_groups = drawn
    groups = given_groups if scope == "within" else None
    value = metric(truth, score, groups)
    assert metric.lowest - 1e-12 <= value <= metric.highest + 1e-12
    order = np.random.default_rng(seed).permutation(truth.size)
    assert metric(truth[order], score[order], None if groups is None else groups[order]) == pytest.approx(
        value
    )


@pytest.mark.parametrize("scope", ["across", "within"])
@pytest.mark.parametrize("metric", RANKING, ids=lambda metric: metric.name)
@given(drawn=posts())
def test_ranking_depends_only_on_the_order_of_the_scores(metric: Metric, scope: str, drawn: Posts) -> None:
    truth, score, given_groups = drawn
    groups = given_groups if scope == "within" else None
    value = metric(truth, score, groups)
    assert metric(truth, np.expm1(score / 500), groups) == pytest.approx(value)
    assert metric(np.log1p(truth), score, groups) == pytest.approx(value)


@pytest.mark.parametrize("scope", ["across", "within"])
@given(drawn=posts())
def test_a_reversed_score_mirrors_the_ranking(scope: str, drawn: Posts) -> None:
    truth, score, given_groups = drawn
    groups = given_groups if scope == "within" else None
    mirrored = 1 - pairwise_accuracy(truth, score, groups)
    assert pairwise_accuracy(truth, -score, groups) == pytest.approx(mirrored)
    for metric in (kendall_tau, spearman):
        assert metric(truth, -score, groups) == pytest.approx(-metric(truth, score, groups))


@given(drawn=posts())
def test_correlations_and_position_match_are_symmetric(drawn: Posts) -> None:
    truth, score, _ = drawn
    assume(np.ptp(score) > 0)
    for metric in (kendall_tau, spearman, position_match(2), position_match(5)):
        assert metric(truth, score) == pytest.approx(metric(score, truth))


@pytest.mark.parametrize("scope", ["across", "within"])
@pytest.mark.parametrize(
    ("metric", "chance"),
    [
        (pairwise_accuracy, 0.5),
        (kendall_tau, 0.0),
        (spearman, 0.0),
        (position_match(2), 1 / 2),
        (position_match(5), 1 / 5),
        (position_match(10), 1 / 10),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@given(drawn=posts())
def test_a_constant_scores_chance(metric: Metric, chance: float, scope: str, drawn: Posts) -> None:
    truth, _, groups = drawn
    constant = np.full(truth.size, 0.1)
    assert metric(truth, constant, groups if scope == "within" else None) == pytest.approx(chance, abs=1e-12)


def test_a_constant_reaches_the_ndcg_of_a_random_order() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 30, 40)
    drawn = [ndcg(truth, random.permutation(40)) for _ in range(2000)]
    error = np.std(drawn) / np.sqrt(2000)
    assert ndcg(truth, np.zeros(40)) == pytest.approx(np.mean(drawn), abs=4 * error)


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
@settings(max_examples=settings().max_examples // 3)
@given(drawn=posts())
def test_leaving_a_post_out_equals_computing_without_it(metric: Metric, drawn: Posts) -> None:
    truth, score, groups = drawn
    without, _ = metric.leave_out(ScoredPosts(truth, score, groups))
    for post in range(truth.size):
        rest = (np.arange(truth.size) != post) & (groups == groups[post])
        try:
            remaining = metric.by_group(ScoredPosts(truth[rest], score[rest], groups[rest]))
            anew = remaining.numerator[0], remaining.denominator[0]
        except LikerankError:
            anew = 0.0, 0.0
        got = without.numerator[post], without.denominator[post]
        assert got == pytest.approx(anew, abs=1e-7)


def test_says_what_was_missing() -> None:
    with pytest.raises(UndefinedMetricError, match="no author has 5 posts in this split"):
        position_match(5)([1, 2, 3], [1, 2, 3], [0, 0, 0])
    with pytest.raises(UndefinedMetricError, match="there are not 2 posts in this split"):
        spearman([1], [1])
    with pytest.raises(UndefinedMetricError, match="liked equally"):
        pairwise_accuracy([7, 7, 7], [1, 2, 3])
