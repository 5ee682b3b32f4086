"""Counts and sums over the other posts agree with looking at every pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from likerank.errors import LikerankError
from likerank.evaluation.scored_posts import FloatArray, IntArray, ScoredPosts


@st.composite
def posts(draw: st.DrawFn) -> tuple[IntArray, IntArray, IntArray]:
    number = draw(st.integers(1, 40))
    levels = draw(st.sampled_from([1, 3, 1000]))
    truth, score = (draw(hnp.arrays(np.int64, number, elements=st.integers(0, levels))) for _ in range(2))
    return truth, score, draw(hnp.arrays(np.int64, number, elements=st.integers(0, 3)))


def standing(values: IntArray) -> IntArray:
    """Where the column's post stands beside the row's: 0 below, 1 tied, 2 above."""
    return np.asarray(np.sign(values[None, :] - values[:, None]) + 1, np.int64)


def others(groups: IntArray) -> NDArray[np.bool_]:
    return np.equal.outer(groups, groups) & ~np.eye(groups.size, dtype=np.bool_)


@given(posts())
def test_counts_every_other_post_by_its_position(
    drawn: tuple[IntArray, IntArray, IntArray],
) -> None:
    truth, score, groups = drawn
    by_pairs = [
        [((standing(score) == s) & (standing(truth) == t) & others(groups)).sum(1) for t in range(3)]
        for s in range(3)
    ]
    np.testing.assert_array_equal(
        ScoredPosts(truth, score, groups).counts, np.moveaxis(np.array(by_pairs), 2, 0)
    )


@given(posts(), st.integers(0, 100))
def test_sums_a_weight_of_every_other_post_by_its_position(
    drawn: tuple[IntArray, IntArray, IntArray], seed: int
) -> None:
    truth, score, groups = drawn
    weights: FloatArray = np.random.default_rng(seed).random((truth.size, 3, 3))
    of_column = weights[np.arange(truth.size)[None, :], standing(score), standing(truth)]
    by_pairs = np.where(others(groups), of_column, 0).sum(1)
    np.testing.assert_allclose(ScoredPosts(truth, score, groups).sum_others(weights), by_pairs, atol=1e-10)


def test_counts_a_hundred_thousand_posts_exactly() -> None:
    order = np.arange(100_000)
    counts = ScoredPosts(order, -order).counts
    np.testing.assert_array_equal(counts[:, 0, 2], order[::-1])
    np.testing.assert_array_equal(counts[:, 2, 0], order)
    assert counts.sum() == 100_000 * 99_999


@pytest.mark.parametrize(
    ("truth", "score", "message"),
    [
        ([], [], "no posts"),
        ([1, 2], [1], "as many as the posts"),
        ([1, np.nan], [1, 2], "The truth holds NaN"),
        ([1, 2], [1, np.inf], "did the training diverge"),
    ],
)
def test_refuses_what_cannot_be_compared(truth: list[float], score: list[float], message: str) -> None:
    with pytest.raises(LikerankError, match=message):
        ScoredPosts(truth, score)
