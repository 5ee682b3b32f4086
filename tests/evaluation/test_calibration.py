"""What a score is worth: in bounds and rising whatever the scores, and true where the truth is known."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import ndtr

from likerank.errors import LikerankError
from likerank.evaluation.calibration import _MOST_PAIRS, _POINTS, Calibration, _pairs

finite = st.floats(-1e6, 1e6, width=32)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    posts = draw(st.integers(0, 40))
    return Calibration.fit(
        training_scores=draw(hnp.arrays(np.float32, st.integers(1, 30), elements=finite)),
        scores=draw(hnp.arrays(np.float32, posts, elements=finite)),
        likes=draw(hnp.arrays(np.int64, posts, elements=st.integers(0, 5))),
        authors=draw(hnp.arrays(np.int64, posts, elements=st.integers(0, 4))),
    )


@given(calibrations(), hnp.arrays(np.float64, 20, elements=finite))
def test_percentiles_and_chances_are_in_bounds_and_rise(calibration: Calibration, values: np.ndarray) -> None:
    rising = np.sort(values)
    percentile, chance = calibration.percentile(rising), calibration.chance(rising)
    for results, lowest, highest in ((percentile, 0, 100), (chance, 0, 1)):
        assert (results >= lowest).all()
        assert (results <= highest).all()
        assert (np.diff(results) >= -1e-12).all()
    assert (calibration.chance(np.abs(values)) >= 0.5).all()


@given(calibrations(), finite)
def test_two_photos_chances_sum_to_one(calibration: Calibration, difference: float) -> None:
    first, other = calibration.chance([difference, -difference])
    assert first + other == pytest.approx(1)
    assert calibration.chance([0.0])[0] == 0.5


def test_ties_have_a_chance_of_one_half() -> None:
    scores = np.where(np.arange(16) < 12, 0.0, 4e-22 * np.arange(16))
    calibration = Calibration.fit([0.0], scores, np.arange(16), np.zeros(16))
    assert calibration.chance([0.0])[0] == 0.5


@given(calibrations())
def test_a_calibration_comes_back_from_json_and_is_small(calibration: Calibration) -> None:
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration
    assert len(calibration.differences) == len(calibration.chances) <= _POINTS + 1
    assert len(calibration.quantiles) == 101


def test_a_percentile_is_the_share_of_training_posts_below() -> None:
    training = np.random.default_rng(0).normal(size=5000)
    calibration = Calibration.fit(training, [], [], [])
    for score in (-1.5, 0.0, 0.7):
        assert calibration.percentile([score])[0] == pytest.approx(100 * (training <= score).mean(), abs=0.5)
    assert calibration.percentile([-10, 10]).tolist() == [0, 100]


def test_the_chance_equals_that_of_the_synthetic_likes() -> None:
    # Likes differ by the scores' difference and noise, so the chance is known: Gaussian, of width sqrt(2).
    random = np.random.default_rng(1)
    scores, authors = random.normal(size=20_000), random.integers(0, 10, 20_000)
    likes = np.exp(scores + random.normal(size=scores.size) + authors)
    calibration = Calibration.fit(scores, scores, likes, authors)
    differences = np.array([0.1, 0.5, 1.0, 2.0])
    expected = ndtr(differences / np.sqrt(2))
    np.testing.assert_allclose(calibration.chance(differences), expected, atol=0.02)


def test_scores_without_meaning_have_even_chances() -> None:
    random = np.random.default_rng(2)
    scores, likes = random.normal(size=(2, 3000))
    chances = Calibration.fit(scores, scores, likes, random.integers(0, 5, 3000)).chance([0.1, 1.0, 4.0])
    np.testing.assert_allclose(chances, 0.5, atol=0.03)


def test_pairs_are_of_one_author() -> None:
    # Within authors the score is always right; the second author's posts would make it wrong across.
    scores, likes = [1.0, 2.0, 3.0, 11.0, 12.0, 13.0], [104, 105, 106, 1, 2, 3]
    within = Calibration.fit(scores, scores, likes, ["a"] * 3 + ["b"] * 3)
    assert within.chance([2.0])[0] == pytest.approx(7 / 8)  # six pairs, all right, and one of each more
    assert Calibration.fit(scores, scores, likes, ["a"] * 6).chance([2.0])[0] == 0.5


def test_where_no_author_has_two_posts_pairs_are_across_authors() -> None:
    calibration = Calibration.fit([0.0], [1.0, 2.0, 3.0], [1, 2, 3], ["a", "b", "c"])
    assert calibration.chance([2.0])[0] == pytest.approx(4 / 5)


@pytest.mark.parametrize("likes", [[], [7], [7, 7, 7]])
def test_nothing_known_is_an_even_chance(likes: list[int]) -> None:
    calibration = Calibration.fit([0.0], np.arange(len(likes)), likes, ["a"] * len(likes))
    assert calibration.chance([0.0, 5.0, -5.0]).tolist() == [0.5, 0.5, 0.5]


def test_a_training_that_diverged_is_said() -> None:
    with pytest.raises(LikerankError, match="did the training diverge"):
        Calibration.fit([0.0, np.nan], [], [], [])


@given(hnp.arrays(np.int64, st.integers(0, 25), elements=st.integers(0, 4)))
def test_all_pairs_within_groups_come_once(group: np.ndarray) -> None:
    first, other = _pairs(group, seed=0)
    found = {(min(pair), max(pair)) for pair in zip(first.tolist(), other.tolist(), strict=True)}
    rows = range(group.size)
    assert len(found) == first.size
    assert found == {(i, j) for i in rows for j in rows if i < j and group[i] == group[j]}


def test_very_many_pairs_are_sampled_the_same_each_time() -> None:
    group = np.repeat([0, 1], [300_000, 1000])
    first, other = _pairs(group, seed=3)
    again, _ = _pairs(group, seed=3)
    assert first.size == _MOST_PAIRS
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    assert (group[first] == group[other]).all()
    assert first.max() > 290_000 > 10_000 > other.min()


@pytest.mark.parametrize("scale", [1e-17, 1e-16, 5e-16, 1e-15, 1e-13])
def test_scores_that_hardly_differ_give_chances(scale: float) -> None:
    """Differences near the resolution of floats: a network whose scores are all but constant."""
    random = np.random.default_rng(55)
    for _ in range(100):
        scores = scale * random.integers(0, 4, 38)
        likes, authors = random.integers(0, 5, 38), random.integers(0, 3, 38)
        calibration = Calibration.fit(training_scores=scores, scores=scores, likes=likes, authors=authors)
        assert np.isfinite(calibration.chances).all()
