"""Linear least squares on raw pixels, in float64 and in bounded memory for any number of posts.

The pixels are read in blocks into one symmetric matrix of products, between pixels where there are more
posts than pixels (primal) and between posts otherwise (dual), so no float copy of all pixels ever exists.

Centred on 128 a byte is at most 128 in size, so the products of 1024 of them sum to at most 2**24: every
sum is a whole number that float32 holds exactly. Blocks of 1024 are therefore multiplied in float32, at
twice the speed, and added up in float64 without any rounding. The sums are exact, so centring them
afterwards loses nothing, and neither the size of a block nor the number of threads changes a bit of them.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import dsymv
from scipy.linalg.lapack import dpstrf

from likerank.errors import LikerankError
from likerank.progress import track

GRAM_BYTES_LIMIT = 4 * 2**30
"""The largest matrix of products; solving holds two of them, three where the rank is short."""

_EXACT_ROWS = 1024  # 1024 * 128 * 128 == 2**24
_TILE = 512
_BLOCK_BYTES = 32 * 2**20
_LONG_WORK = 1e12  # multiplications: about ten seconds on two cores

Pixels = NDArray[np.uint8]
Rows = NDArray[np.integer]
Vector = NDArray[np.float64]


class LinearModel(NamedTuple):
    """A weighted sum of a photo's bytes.

    Attributes:
        coefficients: One weight a byte, float64 of shape (size * size * 3,).
        intercept: The constant that is added.
    """

    coefficients: Vector
    intercept: float

    def predict(self, pixels: Pixels, rows: Rows) -> Vector:
        """Returns the sum for each of the rows of uint8 pixels (N, size, size, 3), float64 (rows,)."""
        matrix, found = pixels.reshape(len(pixels), -1), np.empty(len(rows))
        for part in _parts(len(rows), matrix.shape[1]):
            found[part] = matrix[rows[part]].astype(np.float64) @ self.coefficients
        return found + self.intercept


class LeastSquares:
    """Linear models of some photos' values, fitted by ordinary least squares or by ridge regression.

    Args:
        pixels: All photos, uint8 of shape (N, size, size, 3), memory-mapped or not.
        values: The values to fit, of shape (rows,), one for each row.
        rows: The photos to fit on.

    Raises:
        LikerankError: If the matrix of products would be larger than `GRAM_BYTES_LIMIT`.
    """

    def __init__(self, pixels: Pixels, values: Vector, rows: Rows) -> None:
        check_memory(len(rows), pixels)
        self._matrix, self._rows = pixels.reshape(len(pixels), -1), rows
        self._is_primal = len(rows) > self._matrix.shape[1]
        self._value_mean = float(np.mean(values))
        self._values: Vector = np.asarray(values, np.float64) - self._value_mean
        self._sums = np.zeros(self._matrix.shape[1])
        for part in _parts(len(rows), len(self._sums)):
            self._sums += self._matrix[rows[part]].sum(axis=0, dtype=np.uint64)
        self._means: Vector = self._sums / len(rows)

    def ordinary(self) -> LinearModel:
        """Fits by ordinary least squares, with the smallest weights where many fit equally well.

        The result is that of `sklearn.linear_model.LinearRegression`. The normal equations are solved by
        Cholesky's method with pivoting, which finds the rank, and corrected once with the residual of the
        pixels themselves (the corrected seminormal equations: Björck, Numerical Methods for Least Squares
        Problems, section 6.6.5). A pixel (or a photo) whose remaining sum of squares, beside the pixels taken
        before it, is below number * 2.2e-16 of the largest adds no rank.
        """
        solve = _pseudo_inverse(self._products())
        weights = self._weights(solve(self._right_hand_side(self._values)))
        fitted = LinearModel(weights, -float(self._means @ weights)).predict(self._matrix, self._rows)
        return self._model(weights + self._weights(solve(self._right_hand_side(self._values - fitted))))

    def ridge(self, strength: float) -> LinearModel:
        """Fits by squared error plus `strength` (above 0) times squared weights.

        The result is that of `sklearn.linear_model.Ridge` with that alpha on pixels of 0 to 255. The products
        are computed once for all strengths.
        """
        gram, right_hand_side = self._ridge_equations
        penalised = gram.copy(order="F")
        np.fill_diagonal(penalised, penalised.diagonal() + strength)
        factor = cho_factor(penalised, lower=True, overwrite_a=True, check_finite=False)
        return self._model(self._weights(cho_solve(factor, right_hand_side, check_finite=False)))

    @property
    def scale(self) -> float:
        """The mean eigenvalue of the products, the unit of a strength; 1 where the photos do not differ."""
        gram, _ = self._ridge_equations
        return float(np.trace(gram)) / len(gram) or 1.0

    @cached_property
    def _ridge_equations(self) -> tuple[NDArray[np.float64], Vector]:
        return self._products(), self._right_hand_side(self._values)

    def _products(self) -> NDArray[np.float64]:
        """Returns the products of the centred pixels: only the lower triangle, in Fortran's order."""
        count, size = (len(self._rows), len(self._sums))[:: 1 if self._is_primal else -1]
        matrix, rows, slices = self._matrix, self._rows, _slices(count, _EXACT_ROWS)
        if self._is_primal:
            gram = _sum_of_products((matrix[rows[part]] for part in slices), count, size)
            shifted = self._sums - 128 * count
            for part in _parts(size, size):
                gram[:, part] -= np.outer(shifted, shifted[part]) / count
            return gram
        gram = _sum_of_products((matrix[rows, part].T for part in slices), count, size)
        of_each = dsymv(1.0, gram, np.ones(size), lower=1) / size
        of_all = of_each.mean()
        for part in _parts(size, size):
            gram[:, part] -= of_each[:, None] + (of_each[part] - of_all)
        # Centred posts sum to zero, which would make every such matrix singular. The number added lies in
        # that one direction, in which centred values have no part, so it changes no solution.
        gram += np.trace(gram) / size**2
        return gram

    def _right_hand_side(self, residual: Vector) -> Vector:
        return self._transposed_times(residual) if self._is_primal else residual

    def _weights(self, solution: Vector) -> Vector:
        return solution if self._is_primal else self._transposed_times(solution)

    def _transposed_times(self, of_rows: Vector) -> Vector:
        found = np.zeros(len(self._means))
        for part in _parts(len(self._rows), len(found)):
            found += of_rows[part] @ (self._matrix[self._rows[part]] - self._means)
        return found

    def _model(self, weights: Vector) -> LinearModel:
        return LinearModel(weights, self._value_mean - float(self._means @ weights))


def check_memory(rows: int, pixels: Pixels) -> None:
    """Raises a LikerankError if the matrix of products of so many rows would exceed `GRAM_BYTES_LIMIT`."""
    needed = 8 * min(rows, int(np.prod(pixels.shape[1:]))) ** 2
    if needed > GRAM_BYTES_LIMIT:
        raise LikerankError(
            f"Baselines linear and ridge would need a matrix of {needed / 2**30:.1f} GiB for {rows} training "
            f"posts of {pixels.shape[1]}x{pixels.shape[2]} pixels, above their limit of "
            f"{GRAM_BYTES_LIMIT / 2**30:.0f} GiB: lower snapshot.size, or leave them out."
        )


def _sum_of_products(blocks: Iterable[Pixels], total: int, size: int) -> NDArray[np.float64]:
    """Returns the exact sum of each block's (rows, size) transpose times itself, its bytes less 128."""
    gram = np.zeros((size, size), order="F")
    if float(total) * size**2 > _LONG_WORK:
        blocks = track(blocks, "Multiplying pixels", total=-(-total // _EXACT_ROWS))
    for block in blocks:
        shifted = block.astype(np.float32) - np.float32(128)
        for start in range(0, size, _TILE):
            tile = shifted[:, start : start + _TILE].T @ shifted[:, start:]
            gram[start:, start : start + _TILE] += tile.T
    return gram


def _pseudo_inverse(gram: NDArray[np.float64]) -> Callable[[Vector], Vector]:
    """Returns a function that multiplies a vector by the pseudo-inverse of the matrix, and overwrites it.

    P' A P = L L' with L of `rank` columns, so the pseudo-inverse is P L (L'L)^-2 L' P'.
    """
    factor, order, rank, _ = dpstrf(gram, lower=1, overwrite_a=1)
    if 0 < rank < len(gram):
        factor = np.tril(factor[:, :rank])
        inner = cho_factor(factor.T @ factor, lower=True, overwrite_a=True, check_finite=False)

    def solve(vector: Vector) -> Vector:
        solution, pivoted = np.zeros_like(vector), vector[order - 1]
        if rank == len(gram):
            solution[order - 1] = cho_solve((factor, True), pivoted, check_finite=False)
        elif rank:
            once = cho_solve(inner, factor.T @ pivoted, check_finite=False)
            solution[order - 1] = factor @ cho_solve(inner, once, check_finite=False)
        return solution

    return solve


def _slices(count: int, step: int) -> list[slice]:
    return [slice(start, start + step) for start in range(0, count, step)]


def _parts(count: int, width: int) -> list[slice]:
    """Returns slices of the count so that a float64 block of that width stays small."""
    return _slices(count, max(1, _BLOCK_BYTES // (8 * width)))
