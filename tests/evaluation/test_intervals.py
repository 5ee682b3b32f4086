"""Intervals are centred on their estimate and cover the truth about as often as they say."""

import numpy as np
import pytest

from likerank.evaluation import METRICS, Metric
from likerank.evaluation.intervals import Interval, interval, paired_difference
from likerank.evaluation.metrics import kendall_tau, mean_squared_error, pairwise_accuracy, spearman
from likerank.evaluation.position_match import position_match
from likerank.evaluation.scored_posts import FloatArray, IntArray
from tests.shuffling import permutation_standard_error

EVERY = list(METRICS.values())


def noisy(random: np.random.Generator, posts: int) -> tuple[FloatArray, FloatArray]:
    truth = random.normal(size=posts)
    return truth, 0.5 * truth + np.sqrt(0.75) * random.normal(size=posts)


def covers(found: Interval, value: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= value <= found.high


def authors_of(authors: int, posts: int) -> IntArray | None:
    return np.repeat(np.arange(authors), posts) if authors > 1 else None


@pytest.mark.parametrize("authors", [1, 12])
@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_is_centred_on_the_metric(metric: Metric, authors: int) -> None:
    truth, score = noisy(np.random.default_rng(0), 240)
    groups = authors_of(authors, 240 // authors)
    found = interval(metric, truth, score, groups)
    assert found.low is not None
    assert found.high is not None
    assert found.estimate == pytest.approx(metric(truth, score, groups))
    assert found.high - found.estimate == pytest.approx(found.estimate - found.low)
    assert found.high > found.low


def test_is_the_textbook_jackknife_across_all_posts() -> None:
    truth, score = noisy(np.random.default_rng(1), 40)
    left = np.array([spearman(np.delete(truth, post), np.delete(score, post)) for post in range(40)])
    expected = np.sqrt(39 / 40 * np.sum((left - left.mean()) ** 2))
    assert interval(spearman, truth, score).standard_error == pytest.approx(expected)


def test_equals_the_standard_error_of_a_mean() -> None:
    truth, score = noisy(np.random.default_rng(2), 50)
    expected = np.std((truth - score) ** 2, ddof=1) / np.sqrt(50)
    assert interval(mean_squared_error, truth, score).standard_error == pytest.approx(expected)


# The jackknife errs on the wide side where an author's posts are few; it must not err on the other.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("authors", "posts", "most"), [(1, 300, 0.985), (27, 10, 1.0), (27, 22, 0.995)], ids=str
)
def test_covers_as_often_as_it_says(authors: int, posts: int, most: float) -> None:
    random = np.random.default_rng(3)
    groups = authors_of(authors, posts)
    repeats = 300
    metrics = (
        position_match(2),
        position_match(5),
        position_match(10),
        pairwise_accuracy,
        kendall_tau,
        spearman,
    )
    found: dict[str, list[Interval]] = {metric.name: [] for metric in metrics}
    for _ in range(repeats):
        truth, score = noisy(random, authors * posts)
        for metric in metrics:
            found[metric.name].append(interval(metric, truth, score, groups))
    for name, intervals in found.items():
        true_value = float(np.mean([each.estimate for each in intervals]))
        covered = np.mean([covers(each, true_value) for each in intervals])
        assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / repeats) < covered <= most, name


def test_authors_with_the_least_posts_vary_as_a_whole() -> None:
    random = np.random.default_rng(4)
    groups = np.repeat(np.arange(200), 2)
    truth, score = noisy(random, 400)
    right = [pairwise_accuracy(truth[groups == group], score[groups == group]) for group in range(200)]
    expected = np.std(right, ddof=1) / np.sqrt(200)
    assert interval(pairwise_accuracy, truth, score, groups).standard_error == pytest.approx(expected)


def test_has_no_width_where_no_post_changes_the_score() -> None:
    random = np.random.default_rng(5)
    truth, constant = random.permutation(60), np.zeros(60)
    for metric in (pairwise_accuracy, kendall_tau, spearman, position_match(2), position_match(10)):
        found = interval(metric, truth, constant)
        assert (found.low, found.high) == pytest.approx((found.estimate, found.estimate), abs=1e-12)


def test_is_absent_where_too_few_posts_tell() -> None:
    found = interval(position_match(10), np.arange(12), np.arange(12))
    assert found.estimate == pytest.approx(1.0)
    assert (found.low, found.high) == (None, None)


def test_stays_within_what_the_metric_can_be() -> None:
    random = np.random.default_rng(6)
    truth = np.arange(12)
    score = truth + random.normal(0, 1, 12)
    found = interval(pairwise_accuracy, truth, score)
    assert found.high is not None
    assert found.high <= 1.0


def test_a_paired_difference_has_a_smaller_error() -> None:
    random = np.random.default_rng(7)
    groups = np.repeat(np.arange(20), 20)
    truth, score = noisy(random, 400)
    close = score + 0.1 * random.normal(size=400)
    found = paired_difference(pairwise_accuracy, truth, score, close, groups)
    alone = interval(pairwise_accuracy, truth, score, groups)
    assert found.standard_error is not None
    assert alone.standard_error is not None
    assert found.standard_error < alone.standard_error / 2
    assert found.estimate == pytest.approx(
        pairwise_accuracy(truth, score, groups) - pairwise_accuracy(truth, close, groups)
    )


def test_a_predictor_does_not_differ_from_itself() -> None:
    truth, score = noisy(np.random.default_rng(8), 60)
    found = paired_difference(spearman, truth, score, 2 * score)
    assert (found.estimate, found.low, found.high) == (0.0, 0.0, 0.0)


@pytest.mark.slow
def test_a_paired_difference_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(9)
    repeats, covered = 400, 0
    for _ in range(repeats):
        truth = random.normal(size=200)
        first, other = (truth + 1.5 * random.normal(size=200) for _ in range(2))
        found = paired_difference(pairwise_accuracy, truth, first, other)
        covered += covers(found, 0.0)
    assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / repeats) < covered / repeats <= 0.985


def test_shuffling_spreads_as_kendall_says() -> None:
    truth, score = np.arange(50), np.random.default_rng(10).permutation(50)
    exact = np.sqrt(2 * (2 * 50 + 5) / (9 * 50 * 49))
    spread = permutation_standard_error(kendall_tau, truth, score, None, repeats=500, seed=0)
    assert spread == pytest.approx(exact, rel=0.15)


def test_shuffling_within_authors_keeps_their_means() -> None:
    groups = np.repeat([7, 3, 5], 40)
    score = groups.astype(float)
    truth = np.random.default_rng(11).permutation(120)
    assert permutation_standard_error(pairwise_accuracy, truth, score, groups, repeats=5, seed=0) == 0
    assert permutation_standard_error(pairwise_accuracy, truth, score, None, repeats=5, seed=0) > 0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_score_without_a_mistake_claims_no_certainty(sign: float) -> None:
    likes = np.array([1.0, 2.0, 5.0, 7.0])
    found = interval(pairwise_accuracy, likes, sign * likes, np.array([0, 0, 1, 1]))
    assert (found.low, found.high) == (None, None)
