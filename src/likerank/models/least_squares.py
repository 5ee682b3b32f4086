"""Linear least squares on raw pixels, in float64 and in bounded memory whatever the number of posts.

The pixels are read in blocks into one symmetric matrix of products, between pixels where there are more
posts than pixels (primal) and between posts otherwise (dual), so no float copy of them all ever exists.

Centred on 128 a byte is at most 128 in size, so the products of 1024 of them sum to at most 2**24: every
sum is a whole number that float32 holds exactly. Blocks of 1024 are therefore multiplied in float32, at
twice the speed, and added up in float64 without any rounding. The sums are exact, so centring them
afterwards loses nothing, and neither the size of a block nor the number of threads changes a bit of them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import dsymv
from scipy.linalg.lapack import dpstrf

from likerank.errors import LikerankError
from likerank.progress import track

GRAM_BYTES_LIMIT = 4 * 2**30
"""The largest matrix of products that is made; solving holds two of them, three where the rank is short."""

_EXACT_ROWS = 1024  # 1024 * 128 * 128 == 2**24
_TILE = 512
_BLOCK_BYTES = 32 * 2**20
_LONG_WORK = 1e12  # multiplications: about ten seconds on two cores

Pixels = NDArray[np.uint8]
Rows = NDArray[np.integer]
Vector = NDArray[np.float64]
Solver = Callable[[Vector], Vector]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A weighted sum of a photo's bytes.

    Attributes:
        coefficients: One weight a byte, float64 of shape (size * size * 3,).
        intercept: What is added.
    """

    coefficients: Vector
    intercept: float

    def predict(self, pixels: Pixels, rows: Rows) -> Vector:
        """Returns the sum for each of the rows, float64 of shape (rows,).

        Args:
            pixels: All photos, uint8 of shape (N, size, size, 3), memory-mapped or not.
            rows: Which of them.
        """
        matrix, found = _flat(pixels), np.empty(len(rows))
        for part in _parts(len(rows), matrix.shape[1]):
            found[part] = matrix[rows[part]].astype(np.float64) @ self.coefficients
        return found + self.intercept


def ordinary_least_squares(pixels: Pixels, values: Vector, rows: Rows) -> LinearModel:
    """Fits a linear model by ordinary least squares, of the smallest weights where many fit equally well.

    The same as `sklearn.linear_model.LinearRegression`. The normal equations are solved by Cholesky's
    method with pivoting, which tells the rank, and corrected once with the residual of the pixels
    themselves (the corrected seminormal equations: Björck, Numerical Methods for Least Squares Problems,
    section 6.6.5). What is left of a pixel's (or a photo's) sum of squares beside those already taken
    counts as nothing below number * 2.2e-16 of the largest, and its weights stay in the span of the others.

    Args:
        pixels: All photos, uint8 of shape (N, size, size, 3), memory-mapped or not.
        values: What to fit, of shape (rows,), one for each row.
        rows: The photos to fit on.

    Raises:
        LikerankError: If the matrix of products would be larger than `GRAM_BYTES_LIMIT`.
    """
    problem = _Problem(pixels, values, rows)
    solve = _pseudo_inverse(problem.gram())
    coefficients = problem.coefficients(solve(problem.right_hand_side(problem.values)))
    residual = problem.values - problem.apply(coefficients)
    coefficients += problem.coefficients(solve(problem.right_hand_side(residual)))
    return problem.model(coefficients)


class RidgeRegression:
    """Ridge regression on the same photos at one strength after another; the products are made once.

    At a strength it is the same as `sklearn.linear_model.Ridge` with that alpha on pixels of 0 to 255.

    Attributes:
        scale: The mean eigenvalue of the products, beside which a strength is large or small; 1 where the
            photos do not differ.
    """

    scale: float

    def __init__(self, pixels: Pixels, values: Vector, rows: Rows) -> None:
        """Reads the photos and keeps their products.

        Args:
            pixels: All photos, uint8 of shape (N, size, size, 3), memory-mapped or not.
            values: What to fit, of shape (rows,), one for each row.
            rows: The photos to fit on.

        Raises:
            LikerankError: If the matrix of products would be larger than `GRAM_BYTES_LIMIT`.
        """
        self._problem = _Problem(pixels, values, rows)
        self._gram = self._problem.gram()
        self._right_hand_side = self._problem.right_hand_side(self._problem.values)
        self.scale = float(np.trace(self._gram)) / len(self._gram) or 1.0

    def fit(self, strength: float) -> LinearModel:
        """Returns the model that minimises squared error plus `strength` (above 0) times squared weights."""
        penalised = self._gram.copy(order="F")
        np.fill_diagonal(penalised, penalised.diagonal() + strength)
        factor = cho_factor(penalised, lower=True, overwrite_a=True, check_finite=False)
        solution = cho_solve(factor, self._right_hand_side, check_finite=False)
        return self._problem.model(self._problem.coefficients(solution))


def refuse_what_is_too_large(rows: int, pixels: Pixels) -> None:
    """Makes sure that fitting on so many rows stays within memory, before any work is done.

    Raises:
        LikerankError: If the matrix of products would be larger than `GRAM_BYTES_LIMIT`.
    """
    needed = 8 * min(rows, int(np.prod(pixels.shape[1:]))) ** 2
    if needed > GRAM_BYTES_LIMIT:
        raise LikerankError(
            f"Baselines linear and ridge would need a matrix of {needed / 2**30:.1f} GiB for {rows} training "
            f"posts of {pixels.shape[1]}x{pixels.shape[2]} pixels, above their limit of "
            f"{GRAM_BYTES_LIMIT / 2**30:.0f} GiB: lower snapshot.size, or leave them out."
        )


class _Problem:
    """The least-squares problem of centred pixels and centred values, in its primal or its dual form."""

    def __init__(self, pixels: Pixels, values: Vector, rows: Rows) -> None:
        refuse_what_is_too_large(len(rows), pixels)
        self._matrix = _flat(pixels)
        self._rows = rows
        self._is_primal = len(rows) > self._matrix.shape[1]
        self._value_mean = float(np.mean(values))
        self.values: Vector = np.asarray(values, np.float64) - self._value_mean
        self._sums = np.zeros(self._matrix.shape[1])
        for part in _parts(len(rows), len(self._sums)):
            self._sums += self._matrix[rows[part]].sum(axis=0, dtype=np.uint64)
        self._means: Vector = self._sums / len(rows)

    def gram(self) -> NDArray[np.float64]:
        """Returns the products of the centred pixels; the lower triangle alone, in Fortran's order."""
        return self._gram_of_pixels() if self._is_primal else self._gram_of_posts()

    def _gram_of_pixels(self) -> NDArray[np.float64]:
        count, size = len(self._rows), len(self._sums)
        blocks = (self._matrix[self._rows[part]] for part in _exact_parts(count))
        gram = _sum_of_products(blocks, count, size)
        shifted = self._sums - 128 * count
        for part in _parts(size, size):
            gram[:, part] -= np.outer(shifted, shifted[part]) / count
        return gram

    def _gram_of_posts(self) -> NDArray[np.float64]:
        count, size = len(self._sums), len(self._rows)
        blocks = (self._matrix[self._rows, part].T for part in _exact_parts(count))
        gram = _sum_of_products(blocks, count, size)
        of_each = dsymv(1.0, gram, np.ones(size), lower=1) / size
        of_all = of_each.mean()
        for part in _parts(size, size):
            gram[:, part] -= of_each[:, None] + (of_each[part] - of_all)
        # Centred posts sum to nothing, which would make every such matrix singular. What is added lies in
        # that one direction, in which centred values have no part, so it changes no solution.
        gram += np.trace(gram) / size**2
        return gram

    def right_hand_side(self, residual: Vector) -> Vector:
        """Returns what the products times the solution should be, for a residual of each row."""
        return self._apply_transposed(residual) if self._is_primal else residual

    def coefficients(self, solution: Vector) -> Vector:
        """Returns the pixels' weights, from the solution of whichever form."""
        return solution if self._is_primal else self._apply_transposed(solution)

    def apply(self, coefficients: Vector) -> Vector:
        """Returns the centred pixels times their weights, for each row."""
        return LinearModel(coefficients, -float(self._means @ coefficients)).predict(self._matrix, self._rows)

    def _apply_transposed(self, of_rows: Vector) -> Vector:
        found = np.zeros(len(self._means))
        for part in _parts(len(self._rows), len(found)):
            found += of_rows[part] @ (self._matrix[self._rows[part]] - self._means)
        return found

    def model(self, coefficients: Vector) -> LinearModel:
        """Returns the model on raw pixels that the weights of the centred ones stand for."""
        return LinearModel(coefficients, self._value_mean - float(self._means @ coefficients))


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


def _pseudo_inverse(gram: NDArray[np.float64]) -> Solver:
    """Returns what multiplies a vector by the pseudo-inverse of the matrix, which is overwritten.

    P' A P = L L' with L of `rank` columns, so the pseudo-inverse is P L (L'L)^-2 L' P'.
    """
    factor, order, rank, _ = dpstrf(gram, lower=1, overwrite_a=1)
    order = order - 1

    def solve_full_rank(vector: Vector) -> Vector:
        solution = np.empty_like(vector)
        solution[order] = cho_solve((factor, True), vector[order], check_finite=False)
        return solution

    if rank == len(gram):
        return solve_full_rank

    basis = np.tril(factor[:, :rank])
    inner = cho_factor(basis.T @ basis, lower=True, overwrite_a=True, check_finite=False) if rank else None

    def solve_short_rank(vector: Vector) -> Vector:
        solution = np.zeros_like(vector)
        if inner is not None:
            once = cho_solve(inner, basis.T @ vector[order], check_finite=False)
            solution[order] = basis @ cho_solve(inner, once, check_finite=False)
        return solution

    return solve_short_rank


def _flat(pixels: Pixels) -> Pixels:
    return pixels.reshape(len(pixels), -1)


def _exact_parts(count: int) -> Iterator[slice]:
    """Yields slices of the count whose products float32 adds up exactly."""
    return (slice(start, start + _EXACT_ROWS) for start in range(0, count, _EXACT_ROWS))


def _parts(count: int, width: int) -> Iterator[slice]:
    """Yields slices of the count so that a float64 block of that width stays small."""
    step = max(1, _BLOCK_BYTES // (8 * width))
    return (slice(start, start + step) for start in range(0, count, step))
