"""The days until a count is ripe are recovered from made observations."""

import json

import numpy as np
import pytest

from likerank.analysis.statistics.observation_window import RIPE, ripening


def test_an_exponential_ripening_is_recovered() -> None:
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
    found = ripening(np.array(posts)[shuffled], np.array(ages)[shuffled], np.array(counts)[shuffled])
    assert found is not None
    truth = -slowness * np.log(1 - RIPE)
    assert found.median_days == pytest.approx(truth, abs=0.1)
    assert found.most_days == pytest.approx(truth, abs=0.1)
    assert (found.posts, found.followed) == (200, 200)
    assert found.last_look_days == 200
    told = ~np.isnan(found.half)
    expected = 1 - np.exp(-found.ages[told] / slowness)
    assert np.abs(found.half[told] - expected)[found.ages[told] < 30].max() < 0.03
    assert "12.0 days after posting" in found.in_words()
    json.dumps(found.to_json(), allow_nan=False)


def test_posts_that_were_first_seen_long_after_they_were_ripe_do_not_make_it_look_slow() -> None:
    """As in an archive of old posts, of which few were collected while they were young."""
    random = np.random.default_rng(1)
    number = 3000
    slowness = random.uniform(2, 6, number)
    first = random.uniform(0, 60, number)
    ages = (first[:, None] + np.arange(0, 40, 0.5)).ravel()
    posts = np.repeat(np.arange(number), 80)
    found = ripening(posts, ages, 1000 * (1 - np.exp(-ages / slowness[posts])))
    assert found is not None
    ripe = -slowness * np.log(1 - RIPE)
    assert found.followed < number / 3
    assert found.median_days == pytest.approx(np.median(ripe), rel=0.05)
    assert found.most_days == pytest.approx(np.quantile(ripe, 0.9), rel=0.05)


def test_where_all_posts_were_ripe_at_first_their_days_are_called_an_upper_bound() -> None:
    found = ripening(["a", "a", "b", "b"], [30, 50, 40, 60], [99, 100, 100, 100])
    assert found is not None
    assert (found.followed, found.median_days) == (0, 30)
    assert "it may have come sooner" in found.in_words()


def test_posts_seen_late_and_looks_that_came_soon_are_said() -> None:
    found = ripening(["a", "a", "b", "b"], [1, 3, 1, 3], [50, 100, 99, 100])
    assert found is not None
    assert (found.posts, found.followed) == (2, 1)
    assert "1 of the 2 posts had that when they were first counted" in found.in_words()
    assert "may still have been growing" in found.in_words()


def test_single_looks_and_posts_without_likes_say_nothing() -> None:
    assert ripening([], [], []) is None
    assert ripening(["a", "b", "c", "c"], [1, 2, 1, 2], [5, 5, 0, 0]) is None
