"""Equal configurations seldom look different, different ones do, and both posts and seeds count."""

from collections.abc import Mapping

import numpy as np
import pytest

from likerank.errors import LikerankError
from likerank.evaluation import METRICS, UndefinedMetricError
from likerank.evaluation.configurations import Candidate, Comparison, compare_candidates
from likerank.evaluation.intervals import interval, paired_difference
from likerank.evaluation.metrics import pairwise_accuracy
from likerank.evaluation.scored_posts import FloatArray

AUTHORS = np.repeat(np.arange(10), 40)
LIKES = np.random.default_rng(0).normal(size=AUTHORS.size)


def scores(random: np.random.Generator, signal: float, shared: FloatArray, spread: float) -> FloatArray:
    """A training's scores: what its configuration gets right and wrong, and what its seed does."""
    drawn = signal * float(np.exp(spread * random.normal()))
    return drawn * LIKES + shared + 0.4 * random.normal(size=LIKES.size)


def configuration(
    random: np.random.Generator, label: str, seeds: int, signal: float = 1.0, spread: float = 0.0
) -> Candidate:
    shared = random.normal(size=LIKES.size)
    return Candidate(label, {seed: scores(random, signal, shared, spread) for seed in range(seeds)})


def compared(*candidates: Candidate) -> Comparison:
    return compare_candidates(pairwise_accuracy, LIKES, candidates, AUTHORS)


def test_one_seed_gives_single_and_paired_intervals() -> None:
    random = np.random.default_rng(1)
    good, poor = configuration(random, "good", 1, 2.0), configuration(random, "poor", 1, 0.5)
    best, other = compared(poor, good).standings
    assert (best.label, other.label) == ("good", "poor")
    assert best.score == interval(pairwise_accuracy, LIKES, good.scores[0], AUTHORS)
    assert other.behind == paired_difference(
        pairwise_accuracy, LIKES, good.scores[0], poor.scores[0], AUTHORS
    )
    assert best.behind is None
    assert not best.seeds_counted
    assert best.spread is None


def test_a_score_has_mean_and_spread_of_its_seeds() -> None:
    only = configuration(np.random.default_rng(2), "a", 4, spread=0.3)
    (standing,) = compared(only).standings
    each = [pairwise_accuracy(LIKES, one, AUTHORS) for one in only.scores.values()]
    assert list(standing.by_seed.values()) == pytest.approx(each)
    assert standing.score.estimate == pytest.approx(np.mean(each))
    assert standing.spread == pytest.approx(np.std(each, ddof=1))


def test_seeds_add_to_what_posts_leave_unsure() -> None:
    random = np.random.default_rng(3)
    calm, wild = (configuration(random, "a", 5, spread=spread) for spread in (0.0, 0.8))
    errors = [compared(one).standings[0].score.standard_error for one in (calm, wild)]
    assert errors[0] is not None
    assert errors[1] is not None
    assert errors[1] > 1.5 * errors[0]


def test_one_seed_borrows_only_the_spread_of_its_kind() -> None:
    random = np.random.default_rng(4)
    several, single = configuration(random, "a", 4, spread=0.5), configuration(random, "b", 1)
    ridge = Candidate("ridge", single.scores, kind="ridge")
    counted = {each.label: each.seeds_counted for each in compared(several, single, ridge).standings}
    assert counted == {"a": True, "b": True, "ridge": False}


def test_a_poor_baseline_of_few_seeds_is_surely_behind() -> None:
    random = np.random.default_rng(13)
    networks = [configuration(random, str(i), 3, 3.0, 0.05) for i in range(20)]
    ridge = Candidate("ridge", {s: 0.3 * LIKES + random.normal(size=LIKES.size) for s in range(3)}, "ridge")
    found = {each.label: each for each in compared(*networks, ridge).standings}
    assert found["ridge"].surely_behind


def test_a_diverged_training_hides_no_other_difference() -> None:
    random = np.random.default_rng(7)
    good, poor = configuration(random, "good", 2, 3.0), configuration(random, "poor", 2, 0.3)
    others = [configuration(random, str(number), 2, 3.0) for number in range(4)]
    lost = Candidate("lost", {0: others[0].scores[0], 1: random.normal(size=LIKES.size)})
    found = {each.label: each for each in compared(good, poor, lost, *others).standings}
    assert found["poor"].surely_behind
    assert not found["lost"].surely_behind, "its own seeds differ widely"


def test_what_no_seed_changes_is_as_sure_as_its_posts() -> None:
    random = np.random.default_rng(14)
    linear = Candidate("linear", dict.fromkeys(range(3), LIKES + random.normal(size=LIKES.size)), "linear")
    (standing,) = [
        each
        for each in compared(configuration(random, "a", 3, spread=0.5), linear).standings
        if each.label == "linear"
    ]
    assert standing.seeds_counted
    alone = interval(pairwise_accuracy, LIKES, linear.scores[0], AUTHORS)
    assert (standing.score.low, standing.score.high) == pytest.approx((alone.low, alone.high))


def test_what_differs_only_by_seed_is_not_different() -> None:
    """However much they differ and however sure the posts are: that is how far seeds spread."""
    random = np.random.default_rng(5)
    shared = random.normal(size=LIKES.size)
    lucky, unlucky = (
        Candidate(f"seed={seed}", {seed: scores(random, signal, shared, 0)}, family="same")
        for seed, signal in ((1, 4.0), (2, 0.3))
    )
    found = compared(lucky, unlucky)
    assert not found.standings[1].surely_behind
    assert found.verdict == (
        "Nothing is better than the rest: seed=1 is ahead, but not surely better than seed=2."
    )
    apart = compared(Candidate("a", lucky.scores), Candidate("b", unlucky.scores))
    assert apart.verdict == "a is better than b."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "seeds", "spread"), [(2, 1, 0.0), (2, 3, 0.3), (2, 5, 0.3), (8, 1, 0.0), (8, 3, 0.3)], ids=str
)
def test_equal_configurations_seldom_seem_different(number: int, seeds: int, spread: float) -> None:
    random = np.random.default_rng(6)
    repeats, alarms = 200, 0
    for _ in range(repeats):
        ranking = compared(*(configuration(random, str(i), seeds, spread=spread) for i in range(number)))
        alarms += any(each.surely_behind for each in ranking.standings)
    assert alarms / repeats <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / repeats)


@pytest.mark.slow
def test_a_score_over_seeds_covers_the_mean_of_all_seeds() -> None:
    random = np.random.default_rng(7)
    truth = LIKES
    signal, spread, covered, repeats = 1.0, 0.5, 0, 300
    drawn = [
        pairwise_accuracy(truth, scores(random, signal, random.normal(size=truth.size), spread), AUTHORS)
        for _ in range(2000)
    ]
    expected = float(np.mean(drawn))
    for _ in range(repeats):
        score = compared(configuration(random, "a", 4, signal, spread)).standings[0].score
        assert score.low is not None
        assert score.high is not None
        covered += score.low <= expected <= score.high
    assert covered / repeats > 0.95 - 3 * np.sqrt(0.95 * 0.05 / repeats)


@pytest.mark.slow
def test_a_planted_difference_is_found_among_several() -> None:
    random = np.random.default_rng(8)
    found = 0
    for _ in range(50):
        others = [configuration(random, str(i), 3, 1.0, 0.1) for i in range(4)]
        ranking = compared(*others, configuration(random, "planted", 3, 2.5, 0.1))
        found += ranking.verdict == "planted is better than all others."
    assert found >= 45


def test_reports_which_of_the_predictors_differ() -> None:
    random = np.random.default_rng(9)
    network = configuration(random, "network", 3, 3.0, 0.05)
    close = Candidate(
        "ridge", {0: 0.9 * np.asarray(network.scores[0]) + 0.3 * random.normal(size=LIKES.size)}, "ridge"
    )
    linear = Candidate("linear", {0: random.normal(size=LIKES.size)}, "linear")
    ranking = compared(linear, close, network)
    assert [each.label for each in ranking.standings][2] == "linear"
    assert [each.surely_behind for each in ranking.standings] == [False, False, True]
    best, second = (each.label for each in ranking.standings[:2])
    assert ranking.verdict == f"{best} is best, but not surely better than {second}."


def test_a_long_list_of_equals_is_cut_short() -> None:
    random = np.random.default_rng(10)
    equals = [configuration(random, f"c{i}", 1) for i in range(9)]
    verdict = compared(*equals, Candidate("constant", {0: np.zeros(LIKES.size)})).verdict
    assert "is best, but not surely better than" in verdict
    assert verdict.endswith("; 4 more.")


def test_one_configuration_has_nothing_to_compare_with() -> None:
    assert compared(configuration(np.random.default_rng(11), "a", 2)).verdict == (
        "There is nothing to compare a with."
    )


def test_chance_and_what_was_compared_stand_beside() -> None:
    one = configuration(np.random.default_rng(12), "a", 1)
    within = compared(one)
    assert within.chance == pytest.approx(0.5)
    assert (within.posts, within.authors) == (400, 10)
    across = compare_candidates(METRICS["position_match_5"], LIKES, [one])
    assert across.chance == pytest.approx(0.2)
    assert (across.posts, across.authors) == (400, 0)


def test_a_score_that_is_no_number_is_named() -> None:
    broken: Mapping[int, FloatArray] = {0: np.full(LIKES.size, np.nan)}
    with pytest.raises(LikerankError, match="lr=9 cannot be compared: The scores hold NaN"):
        compared(Candidate("lr=9", broken))


def test_too_few_posts_are_said() -> None:
    with pytest.raises(UndefinedMetricError, match="no author has 2 posts"):
        compare_candidates(pairwise_accuracy, [1.0, 2.0], [Candidate("a", {0: [1.0, 2.0]})], [0, 1])
