"""Least squares on pixels: equal to the reference libraries at any shape and rank, in little memory."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from likerank.errors import LikerankError
from likerank.models import least_squares
from likerank.models.least_squares import LeastSquares, LinearModel

SIZE = 6  # 108 bytes a photo
Photos = NDArray[np.uint8]
Draw = Callable[[int], Photos]
Fit = Callable[[Photos, NDArray[np.float64], NDArray[np.intp]], LinearModel]


def random_photos(count: int, size: int = SIZE) -> Photos:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def smooth_photos(count: int) -> Photos:
    """Photos made of three patterns and slight noise: close to short of rank."""
    random = np.random.default_rng(2)
    looks = random.normal(size=(count, 3)) @ random.normal(size=(3, SIZE * SIZE * 3))
    grey = 128 + 20 * looks + random.normal(size=looks.shape)
    return np.clip(grey, 0, 255).astype(np.uint8).reshape(count, SIZE, SIZE, 3)


def grey_photos_with_borders_and_copies(count: int) -> Photos:
    """Equal channels, constant pixels and equal photos: each shortens the rank."""
    photos = random_photos(count)
    photos[..., 1:] = photos[..., :1]
    photos[:, 0] = 255
    photos[1::7] = photos[0]
    return photos


def one_photo_throughout(count: int) -> Photos:
    return np.repeat(random_photos(1), count, axis=0)


def likes_for(count: int) -> NDArray[np.float64]:
    return np.random.default_rng(3).normal(5, 2, count)


def as_matrix(photos: Photos) -> NDArray[np.float64]:
    return photos.reshape(len(photos), -1).astype(np.float64)


def every_row_but_a_few(count: int) -> NDArray[np.intp]:
    return np.delete(np.arange(count), [0, count // 2])


@pytest.mark.parametrize(
    "draw", [random_photos, smooth_photos, grey_photos_with_borders_and_copies, one_photo_throughout]
)
@pytest.mark.parametrize("count", [4, 40, 110, 111, 400, 3000])
def test_ordinary_is_the_minimum_norm_solution(draw: Draw, count: int) -> None:
    photos, rows = draw(count), every_row_but_a_few(count)
    values = likes_for(len(rows))
    model = LeastSquares(photos, values, rows).ordinary()
    matrix = as_matrix(photos)
    means = matrix[rows].mean(axis=0)
    expected = np.linalg.lstsq(matrix[rows] - means, values - values.mean(), rcond=1e-10)[0]
    assert_allclose(model.coefficients, expected, rtol=0, atol=1e-8 * max(1, np.abs(expected).max()))
    reference = sklearn.linear_model.LinearRegression().fit(matrix[rows], values).predict(matrix)
    found = model.predict(photos, np.arange(count))
    assert_allclose(found, reference, rtol=0, atol=1e-8 * np.abs(reference).max())


@pytest.mark.parametrize("draw", [random_photos, smooth_photos, grey_photos_with_borders_and_copies])
@pytest.mark.parametrize("count", [40, 110, 111, 400])
@pytest.mark.parametrize("strength", [1e2, 1e5, 1e8])
def test_ridge_agrees_with_scikit_learn(draw: Draw, count: int, strength: float) -> None:
    photos, rows = draw(count), every_row_but_a_few(count)
    values, matrix = likes_for(len(rows)), as_matrix(photos)
    reference = sklearn.linear_model.Ridge(alpha=strength).fit(matrix[rows], values).predict(matrix)
    found = LeastSquares(photos, values, rows).ridge(strength).predict(photos, np.arange(count))
    assert_allclose(found, reference, rtol=1e-9)


def test_ridge_fits_the_same_model_twice() -> None:
    problem = LeastSquares(random_photos(50), likes_for(50), np.arange(50))
    first = problem.ridge(1e5)
    problem.ridge(1.0)
    assert_array_equal(problem.ridge(1e5).coefficients, first.coefficients)


@pytest.mark.parametrize("count", [90, 3000])
@pytest.mark.parametrize(
    "fit", [lambda *data: LeastSquares(*data).ordinary(), lambda *data: LeastSquares(*data).ridge(1e4)]
)
def test_block_size_changes_no_prediction(fit: Fit, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, values, rows = random_photos(count), likes_for(count), np.arange(count)
    whole = fit(photos, values, rows).predict(photos, rows)
    monkeypatch.setattr(least_squares, "_BLOCK_BYTES", 8 * 108 * 13)
    monkeypatch.setattr(least_squares, "_EXACT_ROWS", 31)
    monkeypatch.setattr(least_squares, "_TILE", 17)
    assert_allclose(fit(photos, values, rows).predict(photos, rows), whole, rtol=1e-10)


@pytest.mark.parametrize("level", [0, 255])
def test_products_of_extreme_photos_are_exact(level: int) -> None:
    blocks = [np.full((1024, 3), level, np.uint8), np.full((7, 3), level, np.uint8)]
    products = least_squares._sum_of_products(blocks, total=1031, size=3)
    assert_array_equal(np.tril(products), np.tril(np.full((3, 3), 1031 * (level - 128.0) ** 2)))


def test_a_memory_map_gives_the_same_bits_as_an_array(tmp_path: Path) -> None:
    photos, values, rows = random_photos(200), likes_for(150), np.arange(0, 150)
    np.save(tmp_path / "pixels.npy", photos)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    in_memory, from_file = (LeastSquares(source, values, rows).ordinary() for source in (photos, mapped))
    assert_array_equal(from_file.coefficients, in_memory.coefficients)


def test_no_float_copy_of_all_photos_is_made() -> None:
    photos, rows = random_photos(40_000, size=12), np.arange(40_000)
    one_copy = 8 * photos.size
    tracemalloc.start()
    try:
        model = LeastSquares(photos, likes_for(len(rows)), rows).ordinary()
        model.predict(photos, rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < one_copy / 2


def test_too_large_a_matrix_is_refused_before_reading() -> None:
    photos = np.broadcast_to(np.uint8(0), (24_000, 100, 100, 3))
    with pytest.raises(LikerankError, match=r"4\.3 GiB for 24000 .* 100x100 pixels.*snapshot\.size"):
        LeastSquares(photos, likes_for(24_000), np.arange(24_000)).ordinary()


def test_a_model_of_no_weights_predicts_its_intercept() -> None:
    assert_array_equal(
        LinearModel(np.zeros(108), 2.5).predict(random_photos(3), np.array([2, 0])), [2.5, 2.5]
    )
