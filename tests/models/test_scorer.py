"""The scorer: normalisation is part of the model and fitted only on training rows."""

import numpy as np
import pytest
import torch

from likerank.models.networks import ResidualNet
from likerank.models.scorer import Scorer


class FirstChannelMean(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, 0].mean((1, 2))


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)


def test_training_pixels_get_mean_zero_and_deviation_one(pixels: np.ndarray) -> None:
    scorer = Scorer(torch.nn.Identity())
    scorer.fit_normalisation(pixels, np.arange(30))
    images = (torch.from_numpy(pixels[:30]).float() / 255 - scorer.channel_mean) / scorer.channel_std
    torch.testing.assert_close(images.mean((0, 1, 2)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(images.std((0, 1, 2), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_other_rows_do_not_touch_the_statistics(pixels: np.ndarray) -> None:
    one, two = Scorer(torch.nn.Identity()), Scorer(torch.nn.Identity())
    one.fit_normalisation(pixels, np.arange(30))
    scrambled = pixels.copy()
    scrambled[30:] = 255
    two.fit_normalisation(scrambled, np.arange(30))
    assert torch.equal(one.channel_mean, two.channel_mean)
    assert torch.equal(one.channel_std, two.channel_std)


def test_a_channel_that_never_changes_stays_finite(pixels: np.ndarray) -> None:
    pixels[..., 0] = 7
    scorer = Scorer(FirstChannelMean())
    scorer.fit_normalisation(pixels, np.arange(40))
    np.testing.assert_allclose(scorer.score(pixels, np.arange(40)), 0, atol=1e-6)


def test_statistics_travel_with_the_weights(pixels: np.ndarray) -> None:
    fitted, fresh = Scorer(ResidualNet()), Scorer(ResidualNet())
    fitted.fit_normalisation(pixels, np.arange(30))
    fresh.load_state_dict(fitted.state_dict())
    rows = np.array([3, 1, 39])
    np.testing.assert_array_equal(fitted.score(pixels, rows), fresh.score(pixels, rows))


def test_scores_follow_the_rows_asked_for(pixels: np.ndarray) -> None:
    scorer = Scorer(FirstChannelMean())
    expected = pixels[..., 0].mean((1, 2)) / 255
    rows = np.array([5, 2, 2, 30])
    np.testing.assert_allclose(scorer.score(pixels, rows), expected[rows], rtol=1e-5)
    assert scorer.score(pixels, rows[:0]).shape == (0,)


@pytest.mark.parametrize("channels_last", [False, True])
def test_memory_format_changes_no_score(pixels: np.ndarray, channels_last: bool) -> None:
    plain, other = Scorer(ResidualNet()), Scorer(ResidualNet(), channels_last=channels_last)
    other.load_state_dict(plain.state_dict())
    rows = np.arange(40)
    np.testing.assert_allclose(plain.score(pixels, rows), other.score(pixels, rows), atol=1e-5)
