"""The part of a target that the author explains: shares and rankings computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from likerank.analysis.statistics.author_share import author_mean_ranking, author_share
from likerank.errors import LikerankError
from likerank.evaluation import UndefinedMetricError

values_of_authors = st.lists(
    st.tuples(st.integers(0, 5), st.floats(-1e6, 1e6).map(lambda value: round(value, 3))),
    min_size=2,
    max_size=40,
)


def test_the_share_is_the_ratio_of_sums_of_squares() -> None:
    # Means 1 and 5 about 3: 2·4 + 2·4 = 16 between; 4·1 within.
    assert_allclose(author_share([0, 2, 4, 6], ["a", "a", "b", "b"]), 16 / 20)


def test_authors_explain_everything_or_nothing() -> None:
    assert author_share([3, 3, 7, 7], [1, 1, 2, 2]) == 1.0
    assert author_share([3, 7, 3, 7], [1, 1, 2, 2]) == 0.0
    assert author_share([3, 3, 3], [1, 1, 2]) == 0.0


@given(values_of_authors, st.floats(0.01, 100), st.floats(-100, 100))
def test_the_share_lies_between_0_and_1_whatever_the_unit(
    posts: list[tuple[int, float]], factor: float, shift: float
) -> None:
    authors, values = np.array(posts).T
    share = author_share(values, authors)
    assert 0.0 <= share <= 1.0
    if np.ptp(values) > 1:
        assert_allclose(author_share(factor * values + shift, authors), share, rtol=1e-6, atol=1e-9)


def test_a_post_does_not_count_for_itself() -> None:
    random = np.random.default_rng(0)
    noise, authors = random.normal(size=3000), np.repeat(np.arange(1000), 3)
    assert_allclose(author_mean_ranking(noise, authors), 0.5, atol=0.02)
    assert author_mean_ranking(noise, np.arange(3000)) == 0.5


def test_pairs_of_one_author_count_one_half() -> None:
    ranking = author_mean_ranking([1, 2, 11, 12, 21, 22], list("aabbcc"))
    # 12 pairs across, all right; 3 pairs of one author count one half.
    assert_allclose(ranking, (12 + 1.5) / 15)


def test_held_out_posts_are_ranked_by_training_posts() -> None:
    values, authors = [10, 20, 0, 0, 5, 4, 9], list("abcdabz")
    training = [True] * 4 + [False] * 3
    # a has 10, b has 20, the unknown z the mean 7.5: 5 > 4 is missed, 9 > 5 and 9 > 4 too.
    assert author_mean_ranking(values, authors, training) == 0.0


def test_means_that_differ_by_rounding_rank_at_chance() -> None:
    random = np.random.default_rng(1)
    values, authors = random.normal(1e3, 1, size=600), np.repeat(np.arange(30), 20)
    training = np.tile(np.arange(20) < 16, 30)
    for author in range(30):
        values[(authors == author) & training] -= values[(authors == author) & training].mean()
    values[~training] = random.normal(size=(~training).sum())
    assert author_mean_ranking(values, authors, training) == 0.5


def test_nothing_to_rank_is_an_error() -> None:
    with pytest.raises(UndefinedMetricError):
        author_mean_ranking([1.0, 1.0], ["a", "b"])
    with pytest.raises(UndefinedMetricError):
        author_mean_ranking([1.0, 2.0, 3.0], ["a", "b", "b"], [True, True, False])
    with pytest.raises(LikerankError, match="NaN"):
        author_share([1.0, np.nan], ["a", "b"])
