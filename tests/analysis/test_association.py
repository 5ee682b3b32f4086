"""A planted correlation within authors is found with its sign, and none is said where there is none."""

import numpy as np
import pytest

from likerank.analysis.statistics.association import FEWEST_POSTS, age_in_words, association, traits_in_words


def synthetic(strength: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    authors = random.integers(0, 20, 2000)
    ages = random.uniform(0, 1000, 2000) + 100 * authors
    # Across authors age goes the other way, which must not matter.
    logs = strength * (ages - 100 * authors) / 1000 - authors + random.normal(0, 0.5, 2000)
    return ages, np.round(1000 * np.exp(logs + 10)), authors


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_trend_within_authors_is_found(sign: int) -> None:
    found = association(*synthetic(0.5 * sign))
    assert found.pooled is not None
    assert found.sure
    assert 0.2 < sign * found.pooled.estimate < 0.4
    words = age_in_words(found, 1.65)
    assert words.startswith("Yes, ")
    assert ("more likes" if sign > 0 else "fewer likes") in words
    assert "1.65 times" in words
    assert "2,000 posts of 20 authors" in words


def test_without_a_correlation_none_is_reported() -> None:
    found = association(*synthetic(0.0, seed=2))
    assert not found.sure
    assert found.pooled is not None
    assert abs(found.pooled.estimate) < 0.05
    assert age_in_words(found, None).startswith("No: ")
    assert traits_in_words([("brightness", found)]) == (
        "Within an author, none of brightness surely goes with likes."
    )


def test_authors_with_enough_posts_come_by_correlation() -> None:
    ages, likes, authors = synthetic(0.5)
    authors = np.concatenate([authors, [99] * (FEWEST_POSTS - 1)])
    more = np.arange(FEWEST_POSTS - 1.0)
    found = association(np.concatenate([ages, more]), np.concatenate([likes, more]), authors)
    estimates = [each.rho.estimate for each in found.by_author]
    assert estimates == sorted(estimates)
    assert len(found.by_author) == 20
    assert found.authors == 21
    assert sum(each.posts for each in found.by_author) == 2000


def test_too_few_posts_are_reported() -> None:
    alone = association([1.0, 2.0], [3.0, 4.0], ["a", "b"])
    assert alone.pooled is None
    assert "cannot be told" in age_in_words(alone, None)
    pair = association([1.0, 2.0], [3.0, 4.0], ["a", "a"])
    assert "too few" in age_in_words(pair, None)
    assert association([], [], []).pooled is None
