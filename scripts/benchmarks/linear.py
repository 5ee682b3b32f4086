"""Linear regression: least squares on 8-bit pixels, against scikit-learn's LinearRegression in float64."""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from benchmarks.shared import Fixtures, Measurement
from likerank.models.least_squares import LeastSquares


def linear(fixtures: Fixtures) -> Iterator[Measurement]:
    posts, side = fixtures.sizes.linear.posts, fixtures.sizes.linear.side
    rng, unseen = np.random.default_rng(0), 500
    blocks = rng.normal(128, 40, (posts + unseen, side // 5, side // 5, 3)).astype(np.float32)
    smooth = blocks.repeat(5, axis=1).repeat(5, axis=2)
    noisy = smooth + 10 * rng.standard_normal(smooth.shape, np.float32)
    pixels: NDArray[np.uint8] = np.clip(noisy, 0, 255).astype(np.uint8)
    X, rows = pixels.reshape(len(pixels), -1).astype(np.float64), np.arange(posts)
    values = blocks[:posts, 0, 0].sum(axis=1) / 40 + rng.normal(0, 1, posts)
    start = time.perf_counter()
    plain = LinearRegression().fit(X[:posts], values)
    middle = time.perf_counter()
    ours = LeastSquares(pixels, values, rows).ordinary()
    ratio = (middle - start) / (time.perf_counter() - middle)
    compared = f"scikit-learn's LinearRegression in float64 / ours, {posts:,} x {X.shape[1]:,}"
    yield Measurement("linear", compared, [ratio], 6)
    difference = float(np.abs(plain.predict(X) - ours.predict(pixels, np.arange(len(X)))).max())
    compared = f"largest difference of their predictions, of training posts and {unseen} others"
    yield Measurement("linear, difference", compared, [difference], 1e-6, "", at_most=True)
