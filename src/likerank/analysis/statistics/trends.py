"""A smooth line through many points, with its 95 % band.

Local linear regression with Gaussian weights, on points counted into equal bins: the cost of the
fit does not depend on the number of points.

Source: J. Fan and I. Gijbels, Local Polynomial Modelling and Its Applications (1996), sections 2.3 and 3.2.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

_BINS = 400


class Trend(NamedTuple):
    """A line at ascending places x, shape (P,), and the edges of its pointwise 95 % band."""

    x: FloatArray
    y: FloatArray
    low: FloatArray
    high: FloatArray


def smoothed_trend(x: ArrayLike, y: ArrayLike, span: float = 0.1) -> Trend | None:
    """Smooths y over x.

    Args:
        x: Places of N points, (N,), no NaN.
        y: Their values, (N,), no NaN.
        span: Standard deviation of the weights, as a share of the range of the middle 98 % of x.

    Returns:
        The line over the middle 98 % of x; None where there are fewer than ten points or x is constant.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.size < 10:
        return None
    first, last = np.quantile(x, [0.01, 0.99])
    if not last > first:
        return None
    width = span * (last - first)
    low, high = max(x.min(), first - 3 * width), min(x.max(), last + 3 * width)
    inside = (x >= low) & (x <= high)
    bins = np.minimum(((x[inside] - low) / (high - low) * _BINS).astype(np.int64), _BINS - 1)
    number = np.bincount(bins, minlength=_BINS).astype(np.float64)
    some = number > 0
    number = number[some]
    centre, mean = (
        np.bincount(bins, weights=each[inside], minlength=_BINS)[some] / number for each in (x, y)
    )
    places = np.linspace(first, last, 80)
    weights = _local_linear(places, centre, number, width)
    line = (weights * number) @ mean
    residual = y[inside] - np.interp(x[inside], places, line)
    variance = float(np.sum(residual**2)) / max(1, inside.sum() - 2)
    reach = 1.96 * np.sqrt(variance * (weights**2 * number).sum(axis=1))
    return Trend(places, line, line - reach, line + reach)


def _local_linear(places: FloatArray, centre: FloatArray, number: FloatArray, width: float) -> FloatArray:
    """Returns the weight of each point of a bin for the line at each place, (P, bins)."""
    distance = centre - places[:, None]
    # No weight is quite 0, so that a gap in x is bridged by a straight line.
    kernel = np.exp(-0.5 * (distance / width) ** 2) + 1e-9
    s0, s1, s2 = ((kernel * number * distance**power).sum(axis=1, keepdims=True) for power in range(3))
    weights: FloatArray = kernel * (s2 - s1 * distance) / np.maximum(s2 * s0 - s1**2, 1e-300)
    return weights
