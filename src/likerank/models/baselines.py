"""Baselines: simple predictors that a network must beat, with one interface to fit and predict.

The paper compares only with `linear`, which fits its training set perfectly and ranks at chance; `ridge` is
the fair one, and `author_mean` shows how well knowing only the author ranks.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.errors import LikerankError
from likerank.files import naming_damage, whole_file
from likerank.models.least_squares import LeastSquares, LinearModel, Pixels, Rows, Vector, check_memory
from likerank.models.target import days_since_1970, log_likes
from likerank.progress import track

_HELD_OUT = 0.2
_FEWEST_AROUND, _MOST_AROUND = 5, 30  # Posts of an author around a date.
_FIRST_EXPONENTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
# Above 1e4 mean eigenvalues almost no weight is left, and below 1e-4 almost no penalty.
_LAST_EXPONENT = 4.0


class Baseline(ABC):
    """A predictor of the target that is fitted in one call.

    In all methods `pixels` is uint8 of shape (N, size, size, 3), memory-mapped or not, `posts` the table of
    the same N posts, and `rows` an array of indices into both.

    Attributes:
        name: The name in metric keys and in the configuration.
        seed: The seed of random draws.
    """

    name: ClassVar[str]

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, pixels: Pixels, posts: pd.DataFrame, targets: NDArray[np.floating], rows: Rows) -> Self:
        """Fits the baseline to the training rows.

        Args:
            pixels: All photos.
            posts: The whole table.
            targets: The target of all N posts; only `rows` are read.
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
        """Sets the fitted attributes, numbers and arrays that end in `_`; `values` has one target a row."""

    @abstractmethod
    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:
        """Returns the expected target of each row, float64 of shape (rows,)."""

    def rank(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:
        """Returns the scores to order the rows by, higher for more likes: float64 of shape (rows,)."""
        return self.predict(pixels, posts, rows)

    def save(self, path: Path) -> None:
        """Writes the fitted attributes to an .npz file, atomically."""
        fitted: dict[str, Any] = {key: value for key, value in vars(self).items() if key.endswith("_")}
        with whole_file(path) as file:
            np.savez(file, name=self.name, seed=self.seed, **fitted)


class Mean(Baseline):
    """The mean of the training targets for every post; it ranks at chance."""

    name = "mean"

    mean_: float

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        self.mean_ = float(values.mean())

    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the same number for each row."""
        return np.full(len(rows), float(self.mean_))


class AuthorMean(Baseline):
    """The control that knows the author and sees no photo.

    Under every target it ranks by the author's mean training likes, which measures how well only the audience
    ranks; it predicts the author's mean training target. Unknown authors get the overall mean.
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


class AuthorThen(Baseline):
    """The control that knows the author and the date, and sees no photo.

    It ranks by the mean log of the likes of the author's training posts that are nearest in time (a sixth of
    them, from 5 to 30), which measures how well the growth of an audience ranks; it predicts the mean of
    their targets. A post without a date gets the means of all of its author's dated training posts, an
    unknown author those of all.
    """

    name = "author_then"

    authors_: NDArray[np.str_]
    starts_: NDArray[np.int64]
    days_: Vector
    logs_: Vector
    targets_: Vector

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        training = posts.iloc[rows]
        days = days_since_1970(training)
        author, names = pd.factorize(training["author"].to_numpy(str), sort=True)
        kept = np.flatnonzero(np.isfinite(days))
        kept = kept[np.lexsort((days[kept], author[kept]))]
        if not kept.size:
            raise LikerankError(
                f"Baseline {self.name} needs dates, which no training post has: leave it out of "
                "evaluation.baselines, or ingest a source that gives posted_at."
            )
        self.authors_ = np.asarray(names, np.str_)
        self.starts_ = np.searchsorted(author[kept], np.arange(len(names) + 1)).astype(np.int64)
        self.days_, self.targets_ = days[kept], values[kept]
        self.logs_ = log_likes(training)[kept]

    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the mean training target of the author's posts around the date."""
        return self._around(self.targets_, posts, rows)

    def rank(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the mean log of training likes of the author's posts around the date."""
        return self._around(self.logs_, posts, rows)

    def _around(self, values: Vector, posts: pd.DataFrame, rows: Rows) -> Vector:
        asked = posts.iloc[rows]
        author = pd.Index(self.authors_).get_indexer(pd.Index(asked["author"].to_numpy(str)))
        means = means_around(self.starts_, self.days_, values, author, days_since_1970(asked))
        return np.where(np.isnan(means), values.mean(), means)


def means_around(
    starts: NDArray[np.int64], days: Vector, values: Vector, at_authors: NDArray[np.int64], at_days: Vector
) -> Vector:
    """Returns the mean value of an author's posts that are nearest to a date: a sixth of them, from 5 to 30.

    Args:
        starts: The place of the first post of each of G authors, and the number of posts, (G + 1,).
        days: The posts' dates in days, by author, ascending, (N,).
        values: Their values, (N,).
        at_authors: The authors to answer for, (M,).
        at_days: The dates to answer for, (M,); NaN gets the mean of all of the author's.

    Returns:
        The means, (M,); NaN for an author without posts, and for one that is below 0.
    """
    means = np.full(at_days.size, np.nan)
    order = np.argsort(at_authors, kind="stable")
    authors, firsts = np.unique(at_authors[order], return_index=True)
    for author, asked in zip(authors, np.split(order, firsts[1:]), strict=False):
        if author >= 0 and starts[author] < starts[author + 1]:
            mine = slice(starts[author], starts[author + 1])
            means[asked] = _nearest_means(days[mine], values[mine], at_days[asked])
    return means


def _nearest_means(days: Vector, values: Vector, at: Vector) -> Vector:
    number = min(days.size, max(_FEWEST_AROUND, min(_MOST_AROUND, days.size // 6)))
    # A window is passed over once the date after it is nearer than its first.
    start = np.searchsorted(days[:-number] + days[number:], 2 * at)
    before = np.concatenate(([0.0], np.cumsum(values)))
    means: Vector = (before[start + number] - before[start]) / number
    return np.where(np.isnan(at), values.mean(), means)


class _OnPixels(Baseline):
    """A weighted sum of the photo's bytes."""

    coefficients_: Vector
    intercept_: float

    def predict(self, pixels: Pixels, posts: pd.DataFrame, rows: Rows) -> Vector:  # noqa: ARG002
        """Returns the weighted sum for each row."""
        return LinearModel(self.coefficients_, float(self.intercept_)).predict(pixels, rows)


class Linear(_OnPixels):
    """Ordinary least squares on the raw pixels: the paper's baseline."""

    name = "linear"

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        self.coefficients_, self.intercept_ = LeastSquares(pixels, values, rows).ordinary()


class Ridge(_OnPixels):
    """Ridge regression on the raw pixels: the fair linear baseline.

    Its strength is the one with the least squared error on a fifth of the training posts, drawn by the seed
    and held out during the search; the model is then fitted on all training posts. The search tries powers of
    ten around the mean eigenvalue, continues beyond the grid while its end is the best, and finally tries
    half powers beside the best.

    Attributes:
        strength_: The chosen strength, as `alpha` in scikit-learn on pixels of 0 to 255.
    """

    name = "ridge"

    strength_: float

    def _fit(self, pixels: Pixels, posts: pd.DataFrame, values: Vector, rows: Rows) -> None:  # noqa: ARG002
        if len(rows) == 1:
            raise LikerankError(
                "Baseline ridge needs at least 2 training posts: ingest more, or leave it out."
            )
        check_memory(len(rows), pixels)
        self.strength_ = self._choose_strength(pixels, values, rows)
        self.coefficients_, self.intercept_ = LeastSquares(pixels, values, rows).ridge(self.strength_)

    def _choose_strength(self, pixels: Pixels, values: Vector, rows: Rows) -> float:
        shuffled = np.random.default_rng(self.seed).permutation(len(rows))
        held, kept = np.split(shuffled, [max(1, round(_HELD_OUT * len(rows)))])
        # A memory map reads fastest in the file's order.
        held.sort()
        kept.sort()
        problem = LeastSquares(pixels, values[kept], rows[kept])
        errors: dict[float, float] = {}
        for exponent in track(_exponents_to_try(errors), "Choosing the strength of ridge"):
            model = problem.ridge(problem.scale * 10**exponent)
            errors[exponent] = float(np.mean((model.predict(pixels, rows[held]) - values[held]) ** 2))
        return float(problem.scale * 10 ** _best(errors))


def _exponents_to_try(errors: dict[float, float]) -> Iterator[float]:
    """Yields exponents, each chosen by the errors of the exponents before it."""
    yield from _FIRST_EXPONENTS
    while abs(best := _best(errors)) < _LAST_EXPONENT and best in (min(errors), max(errors)):
        yield best + (1.0 if best > 0 else -1.0)
    yield best - 0.5
    yield best + 0.5


def _best(errors: dict[float, float]) -> float:
    return min(errors, key=errors.__getitem__)


BASELINES: dict[str, type[Baseline]] = {
    kind.name: kind for kind in (Mean, AuthorMean, AuthorThen, Linear, Ridge)
}
"""All baselines by name."""


def create_baseline(name: str, seed: int = 0) -> Baseline:
    """Returns an unfitted baseline by its name.

    Raises:
        LikerankError: If the name is unknown.
    """
    if name not in BASELINES:
        raise LikerankError(f"There is no baseline {name!r}: choose from {', '.join(BASELINES)}.")
    return BASELINES[name](seed)


def load_baseline(path: Path) -> Baseline:
    """Returns the fitted baseline that `Baseline.save` wrote.

    Raises:
        LikerankError: If the file holds no fitted baseline.
    """
    with naming_damage(path, "delete it, and run the command again"):
        with np.load(path, allow_pickle=False) as file:
            fitted = dict(file)
        baseline = create_baseline(str(fitted.pop("name")), int(fitted.pop("seed")))
    vars(baseline).update(fitted)
    return baseline
