"""Baselines: what a network has to beat, all fitted and asked in one way.

The paper compares with `linear` alone, which fits its training set perfectly and ranks at chance; `ridge`
is the fair one, and `author_mean` shows how far one gets by seeing who posted and nothing else.
"""

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.errors import LikerankError
from likerank.files import whole_file
from likerank.models.least_squares import (
    LeastSquares,
    LinearModel,
    Pixels,
    Rows,
    Vector,
    refuse_what_is_too_large,
)
from likerank.progress import track

_HELD_OUT = 0.2
_FIRST_EXPONENTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
# Above 1e4 mean eigenvalues hardly a weight is left, and below 1e-4 hardly a penalty.
_LAST_EXPONENT = 4.0


class Baseline(ABC):
    """A predictor of the target that is fitted in one go.

    Everywhere `pixels` is uint8 of shape (N, size, size, 3), memory-mapped or not, `posts` the table of
    the same N posts, and `rows` an array of indices into both.

    Attributes:
        name: The name in metric keys and in the configuration.
        seed: What decides where a baseline draws at random.
    """

    name: ClassVar[str]

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, pixels: Pixels, posts: pd.DataFrame, targets: NDArray[np.floating], rows: Rows) -> Self:
        """Learns from the rows alone.

        Args:
            pixels: All photos.
            posts: The whole table.
            targets: The target of all N posts; read at `rows` only.
            rows: The training posts.

        Returns:
            The baseline itself.

        Raises:
            LikerankError: If there are no rows, or fitting would take too much memory.
        """
        if len(rows) == 0:
            raise LikerankError(
                f"There are no training posts to fit baseline {self.name} on: ingest more posts."
            )
        self._fit(pixels, posts, np.asarray(targets[rows], np.float64), rows)
        return self

    @abstractmethod
    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:
        """Sets the fitted attributes, numbers and arrays that end in `_`; `values` are those of the rows."""

    @abstractmethod
    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:
        """Returns the expected target of each row, float64 of shape (rows,)."""

    def rank(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:
        """Returns what the rows are to be ordered by, more liked higher: float64 of shape (rows,)."""
        return self.predict(pixels, posts, rows)

    def save(self, path: Path) -> None:
        """Writes what was fitted to an .npz file, whole or not at all."""
        fitted: dict[str, Any] = {key: value for key, value in vars(self).items() if key.endswith("_")}
        with whole_file(path) as file:
            np.savez(file, name=self.name, seed=self.seed, **fitted)


class Mean(Baseline):
    """The mean of the training targets, whatever the post: it ranks at chance."""

    name = "mean"

    mean_: float

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        self.mean_ = float(values.mean())

    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the same number for each row."""
        return np.full(len(rows), float(self.mean_))


class AuthorMean(Baseline):
    """The control that sees who posted and no photo.

    It ranks by the author's mean training likes under every target, since that is how far an audience
    alone carries; it predicts the author's mean training target. Unknown authors get the overall mean.
    """

    name = "author_mean"

    authors_: NDArray[np.str_]
    likes_: Vector
    targets_: Vector
    overall_likes_: float
    overall_target_: float

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        training = posts.iloc[rows]
        table = pd.DataFrame({"likes": training["likes"].to_numpy(np.float64), "target": values})
        means = table.groupby(training["author"].to_numpy(str)).mean()
        self.authors_ = means.index.to_numpy(str)
        self.likes_, self.targets_ = means["likes"].to_numpy(), means["target"].to_numpy()
        self.overall_likes_, self.overall_target_ = (float(mean) for mean in table.mean())

    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the author's mean training target."""
        return self._by_author(self.targets_, self.overall_target_, posts, rows)

    def rank(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the author's mean training likes."""
        return self._by_author(self.likes_, self.overall_likes_, posts, rows)

    def _by_author(self, means: Vector, overall: float, posts: pd.DataFrame, rows: Rows) -> Vector:
        place = pd.Index(self.authors_).get_indexer(pd.Index(posts["author"].iloc[rows].to_numpy(str)))
        return np.where(place >= 0, means[place], overall)


class _OnPixels(Baseline):
    """A weighted sum of the photo's bytes."""

    coefficients_: Vector
    intercept_: float

    def _keep(self, model: LinearModel) -> None:
        self.coefficients_, self.intercept_ = model.coefficients, model.intercept

    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the weighted sum for each row."""
        return LinearModel(self.coefficients_, float(self.intercept_)).predict(pixels, rows)


class Linear(_OnPixels):
    """Ordinary least squares on the raw pixels: the paper's baseline."""

    name = "linear"

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        self._keep(LeastSquares(pixels, values, rows).ordinary())


class Ridge(_OnPixels):
    """Ridge regression on the raw pixels: the fair linear baseline.

    Its strength is the one with the least squared error on a fifth of the training posts, drawn by the
    seed and held out while searching; then it is fitted on all of them. The search goes in powers of ten
    around the mean eigenvalue, past the end of the grid where the best stands there, and last in half
    powers beside the best.

    Attributes:
        strength_: The strength chosen, as `alpha` in scikit-learn on pixels of 0 to 255.
    """

    name = "ridge"

    strength_: float

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        if len(rows) == 1:
            raise LikerankError(
                "Baseline ridge needs at least 2 training posts: ingest more, or leave it out."
            )
        refuse_what_is_too_large(len(rows), pixels)
        self.strength_ = self._choose_strength(pixels, values, rows)
        self._keep(LeastSquares(pixels, values, rows).ridge(self.strength_))

    def _choose_strength(self, pixels: Pixels, values: Vector, rows: Rows) -> float:
        shuffled = np.random.default_rng(self.seed).permutation(len(rows))
        held, kept = np.split(shuffled, [max(1, round(_HELD_OUT * len(rows)))])
        # In the file's order, which is how a memory map reads fastest.
        held.sort()
        kept.sort()
        problem = LeastSquares(pixels, values[kept], rows[kept])
        errors: dict[float, float] = {}
        for exponent in track(_exponents_to_try(errors), "Choosing the strength of ridge"):
            model = problem.ridge(problem.scale * 10**exponent)
            errors[exponent] = float(np.mean((model.predict(pixels, rows[held]) - values[held]) ** 2))
        return float(problem.scale * 10 ** _best(errors))


def _exponents_to_try(errors: dict[float, float]) -> Iterator[float]:
    """Yields one exponent after another, each chosen by the errors that those before it came to."""
    yield from _FIRST_EXPONENTS
    while abs(best := _best(errors)) < _LAST_EXPONENT and best in (min(errors), max(errors)):
        yield best + (1.0 if best > 0 else -1.0)
    yield best - 0.5
    yield best + 0.5


def _best(errors: dict[float, float]) -> float:
    return min(errors, key=errors.__getitem__)


BASELINES: dict[str, type[Baseline]] = {kind.name: kind for kind in (Mean, AuthorMean, Linear, Ridge)}
"""Every baseline by its name."""


def create_baseline(name: str, seed: int = 0) -> Baseline:
    """Returns the baseline of that name, not yet fitted.

    Raises:
        LikerankError: If there is none.
    """
    if name not in BASELINES:
        raise LikerankError(f"There is no baseline {name!r}: choose from {', '.join(BASELINES)}.")
    return BASELINES[name](seed)


def load_baseline(path: Path) -> Baseline:
    """Returns the fitted baseline that `Baseline.save` wrote.

    Raises:
        LikerankError: If the file does not hold one.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            fitted = dict(file)
        baseline = create_baseline(str(fitted.pop("name")), int(fitted.pop("seed")))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise LikerankError(f"{path} does not hold a fitted baseline: delete it and run again.") from error
    vars(baseline).update(fitted)
    return baseline
