"""Each trait is what it says, on pictures drawn to have it."""

import numpy as np
import pytest

from likerank.analysis.statistics.picture_traits import TRAITS, picture_traits


def traits(picture: np.ndarray) -> dict[str, float]:
    return dict(zip(TRAITS, picture_traits(picture[None].astype(np.uint8))[0], strict=True))


def test_plain_colours() -> None:
    plain = np.ones((16, 16, 3))
    black, white = traits(0 * plain), traits(255 * plain)
    red = traits(np.array([255, 0, 0]) * plain)
    assert list(black.values()) == [0, 0, 0, 0]
    assert [white["brightness"], white["saturation"]] == pytest.approx([1, 0])
    assert [red["brightness"], red["saturation"]] == pytest.approx([0.299, 1])
    assert max(white["contrast"], white["sharpness"], red["contrast"], red["sharpness"]) < 1e-12


def test_a_chequerboard_is_sharper_than_equal_contrast_halves() -> None:
    board = 255 * (np.indices((16, 16)).sum(axis=0) % 2)[:, :, None] * np.ones(3)
    halves = 255 * (np.indices((16, 16))[0] > 7)[:, :, None] * np.ones(3)
    assert [traits(board)["contrast"], traits(halves)["contrast"]] == pytest.approx([0.5, 0.5])
    assert traits(board)["sharpness"] > 3 * traits(halves)["sharpness"]


def test_pictures_are_measured_one_by_one() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 12, 12, 3), dtype=np.uint8)
    np.testing.assert_allclose(picture_traits(pictures)[3], picture_traits(pictures[3:4])[0])
