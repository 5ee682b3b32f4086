"""The days until a count is complete are recovered from synthetic observations."""

import json

import numpy as np
import pytest

from likerank.analysis.statistics.observation_window import COMPLETE, observation_window


def test_an_exponential_growth_is_recovered() -> None:
    random = np.random.default_rng(0)
    slowness = 4.0
    posts, ages, counts = [], [], []
    for post in range(200):
        final = random.uniform(500, 5000)
        for day in np.concatenate([np.arange(0.25, 30, 0.5), [200.0]]):
            posts.append(f"post {post}")
            ages.append(day)
            counts.append(final * (1 - np.exp(-day / slowness)))
    shuffled = random.permutation(len(posts))
    found = observation_window(
        np.array(posts)[shuffled], np.array(ages)[shuffled], np.array(counts)[shuffled]
    )
    assert found is not None
    truth = -slowness * np.log(1 - COMPLETE)
    assert found.median_days == pytest.approx(truth, abs=0.1)
    assert found.most_days == pytest.approx(truth, abs=0.1)
    assert (found.posts, found.followed) == (200, 200)
    assert found.last_look_days == 200
    told = ~np.isnan(found.half)
    expected = 1 - np.exp(-found.ages[told] / slowness)
    assert np.abs(found.half[told] - expected)[found.ages[told] < 30].max() < 0.03
    assert "12.0 days after posting" in found.in_words()
    json.dumps(found.to_json(), allow_nan=False)


def test_posts_first_counted_late_do_not_lengthen_the_window() -> None:
    random = np.random.default_rng(1)
    number = 3000
    slowness = random.uniform(2, 6, number)
    first = random.uniform(0, 60, number)
    ages = (first[:, None] + np.arange(0, 40, 0.5)).ravel()
    posts = np.repeat(np.arange(number), 80)
    found = observation_window(posts, ages, 1000 * (1 - np.exp(-ages / slowness[posts])))
    assert found is not None
    complete = -slowness * np.log(1 - COMPLETE)
    assert found.followed < number / 3
    assert found.median_days == pytest.approx(np.median(complete), rel=0.05)
    assert found.most_days == pytest.approx(np.quantile(complete, 0.9), rel=0.05)


def test_days_of_posts_complete_at_first_are_an_upper_bound() -> None:
    found = observation_window(["a", "a", "b", "b"], [30, 50, 40, 60], [99, 100, 100, 100])
    assert found is not None
    assert (found.followed, found.median_days) == (0, 30)
    assert "it may have come sooner" in found.in_words()


def test_words_mention_late_first_and_early_last_counts() -> None:
    found = observation_window(["a", "a", "b", "b"], [1, 3, 1, 3], [50, 100, 99, 100])
    assert found is not None
    assert (found.posts, found.followed) == (2, 1)
    assert "1 of the 2 posts had that when they were first counted" in found.in_words()
    assert "may still have been growing" in found.in_words()


def test_single_counts_and_posts_without_likes_give_none() -> None:
    assert observation_window([], [], []) is None
    assert observation_window(["a", "b", "c", "c"], [1, 2, 1, 2], [5, 5, 0, 0]) is None
