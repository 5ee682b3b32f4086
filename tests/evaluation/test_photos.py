"""New photos in the order of their scores."""

import numpy as np
import pytest

from likerank.evaluation.calibration import Calibration
from likerank.evaluation.photos import rank_photos

CALIBRATION = Calibration(
    quantiles=tuple(np.linspace(-1, 1, 101)), differences=(0.0, 1.0), chances=(0.5, 0.9)
)


def test_the_best_comes_first_with_its_chance_against_the_next() -> None:
    first, second, last = rank_photos(["low", "high", "middle"], [-0.5, 1.0, 0.0], CALIBRATION, tie=0.55)
    assert [photo.photo for photo in (first, second, last)] == ["high", "middle", "low"]
    assert [photo.rank for photo in (first, second, last)] == [1, 2, 3]
    assert first.percentile == 100
    assert second.percentile == pytest.approx(50)
    assert first.beats_next == pytest.approx(0.9)
    assert second.beats_next == pytest.approx(0.7)
    assert last.beats_next is None


def test_a_chance_under_the_limit_is_a_near_tie() -> None:
    photos = rank_photos(["a", "b", "c"], [0.1, 0.0, -1.0], CALIBRATION, tie=0.55)
    assert [photo.ties_with_next for photo in photos] == [True, False, False]


def test_photos_of_one_score_stand_by_name() -> None:
    photos = rank_photos(["b", "c", "a"], [0.0, 0.0, 0.0], CALIBRATION, tie=0.55)
    assert [photo.photo for photo in photos] == ["a", "b", "c"]
    assert [photo.beats_next for photo in photos] == [0.5, 0.5, None]


def test_one_photo_is_ranked_first() -> None:
    (photo,) = rank_photos(["only"], [0.0], CALIBRATION, tie=0.55)
    assert (photo.rank, photo.beats_next, photo.ties_with_next) == (1, None, False)
