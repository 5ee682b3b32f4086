"""A trend follows what was planted, its band covers it; there is none where there is nothing to smooth."""

import numpy as np
import pytest

from likerank.analysis.statistics.trends import smoothed_trend


def test_a_straight_line_comes_back() -> None:
    x = np.random.default_rng(0).uniform(-5, 20, 500)
    trend = smoothed_trend(x, 3 - 2 * x)
    assert trend is not None
    np.testing.assert_allclose(trend.y, 3 - 2 * trend.x, atol=1e-6)
    assert (np.diff(trend.x) > 0).all()


def test_the_band_covers_a_noisy_curve_as_often_as_it_says() -> None:
    covered = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        x = random.uniform(0, 10, 3000)
        trend = smoothed_trend(x, np.sin(x / 2) + random.normal(0, 1, x.size), span=0.05)
        assert trend is not None
        truth = np.sin(trend.x / 2)
        assert np.abs(trend.y - truth).max() < 0.4
        covered.append(((trend.low < truth) & (truth < trend.high)).mean())
    assert 0.9 < np.mean(covered) < 0.98


def test_the_band_of_no_trend_covers_zero_as_often_as_it_says() -> None:
    held = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        trend = smoothed_trend(random.uniform(0, 1, 1000), random.normal(0, 1, 1000))
        assert trend is not None
        held.append(((trend.low < 0) & (trend.high > 0)).mean())
    assert 0.9 < np.mean(held) < 0.98


@pytest.mark.parametrize("x", [[], [1.0] * 50, [1.0, 2.0, 3.0]])
def test_nothing_to_smooth(x: list[float]) -> None:
    assert smoothed_trend(x, x) is None
