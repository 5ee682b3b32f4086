"""Calibration of scores: a new photo's percentile among training posts, and its chance to beat another photo.

Both are fitted once, after a training, and are stored as plain numbers in the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from likerank.errors import LikerankError
from likerank.evaluation.nearby import Windows
from likerank.evaluation.scored_posts import FloatArray, IntArray

_POINTS = 50
_RESOLUTION = 1e-15  # Of a difference; rounding makes smaller ones of equal ones.
_MOST_PAIRS = 200_000


@dataclass(frozen=True)
class Calibration:
    """Turns scores into percentiles, and differences of scores into chances.

    Attributes:
        quantiles: Scores of training posts at evenly spaced shares from 0 to 1, in rising order.
        differences: Differences of two scores, from 0 upwards.
        chances: The chance at each difference that the photo with the higher score has more likes; 0.5 at a
            difference of 0, rising, below 1.
    """

    quantiles: tuple[float, ...]
    differences: tuple[float, ...]
    chances: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        training_scores: ArrayLike,
        scores: ArrayLike,
        likes: ArrayLike,
        authors: ArrayLike,
        seed: int = 0,
        windows: Windows | None = None,
    ) -> Self:
        """Fits percentiles on training posts and chances on posts that were held out.

        The chance is an isotonic regression (scikit-learn's) on up to 50 groups of pairs with similar
        differences. Pairs are of one author's posts, or of any two where no author has two, with different
        likes; a random sample of 200,000 where there are more.

        Args:
            training_scores: Scores of training posts, (M,), at least one.
            scores: Scores of the posts held out, (N,).
            likes: Their likes, (N,).
            authors: The author of each, a code or a name, (N,).
            seed: The seed of the sample.
            windows: Which posts are nearby each other, where pairs are to be of such; likes are then relative
                to the author's usual ones.

        Raises:
            LikerankError: If a score is NaN or infinite.
        """
        # Imported here: it takes a second, and only a training needs it.
        from sklearn.isotonic import isotonic_regression

        training, held_out = (np.asarray(part, np.float64) for part in (training_scores, scores))
        if not (np.isfinite(training).all() and np.isfinite(held_out).all()):
            raise LikerankError("The scores hold NaN or infinity; did the training diverge?")
        quantiles = np.quantile(training, np.linspace(0, 1, 101))
        first, other = _pairs_nearby(windows, seed) if windows else _pairs_of(np.asarray(authors), seed)
        difference, right = _judged(held_out, np.asarray(likes, np.float64), first, other)
        points = min(_POINTS, -(-difference.size // 25))
        if not points:
            return cls(tuple(quantiles.tolist()), (0.0,), (0.5,))
        groups = np.array_split(np.argsort(difference, kind="stable"), points)
        sizes = np.array([group.size for group in groups], np.float64)
        mean_difference = np.array([difference[group].mean() for group in groups])
        # One pair of each outcome more (the rule of succession), or a few lucky pairs would be a certainty.
        share = np.array([(right[group].sum() + 1) / (group.size + 2) for group in groups])
        # Equal differences share a chance. IsotonicRegression itself predicts NaN for tiny ones.
        equal = np.cumsum(np.diff(mean_difference, prepend=mean_difference[0]) > _RESOLUTION)
        weights = np.bincount(equal, sizes)
        share = np.bincount(equal, sizes * share) / weights
        chance = isotonic_regression(share, sample_weight=weights, y_min=0.5, y_max=1)[equal]
        # At a difference of 0 the chance is 0.5, whatever ties say.
        apart = mean_difference > 0
        return cls(
            tuple(quantiles.tolist()),
            (0.0, *mean_difference[apart].tolist()),
            (0.5, *np.maximum(chance[apart], 0.5).tolist()),
        )

    def percentile(self, scores: ArrayLike) -> FloatArray:
        """Returns the percentage of training posts with at most the same score, for scores (N,)."""
        return np.interp(
            np.asarray(scores, np.float64), self.quantiles, np.linspace(0, 100, len(self.quantiles))
        )

    def chance(self, differences: ArrayLike) -> FloatArray:
        """Returns the chance that the first photo has more likes, of the first score less the other."""
        difference = np.asarray(differences, np.float64)
        of_higher = np.interp(np.abs(difference), self.differences, self.chances)
        return np.where(difference < 0, 1 - of_higher, of_higher)

    def to_json(self) -> dict[str, Any]:
        """Returns plain types."""
        return {
            "quantiles": list(self.quantiles),
            "isotonic": {"difference": list(self.differences), "chance": list(self.chances)},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Reads the result of `to_json`.

        Raises:
            LookupError: If a part is missing.
            TypeError: If a part is no list of numbers.
            ValueError: If a part is no list of numbers, or of another length.
        """
        isotonic = content["isotonic"]
        quantiles, difference, chance = (
            tuple(map(float, part))
            for part in (content["quantiles"], isotonic["difference"], isotonic["chance"])
        )
        if not quantiles or not chance or len(difference) != len(chance):
            raise ValueError("a list is empty or of another length")
        return cls(quantiles, difference, chance)


def _judged(
    scores: FloatArray, likes: FloatArray, first: IntArray, other: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Returns each pair's difference of scores and whether the higher one is the more liked (a tie: 0.5)."""
    told_apart = likes[first] != likes[other]
    first, other = first[told_apart], other[told_apart]
    difference = scores[first] - scores[other]
    agreement = np.sign(difference) * np.sign(likes[first] - likes[other])
    return np.abs(difference), (agreement + 1) / 2


def _pairs_of(authors: ArrayLike, seed: int) -> tuple[IntArray, IntArray]:
    """Returns pairs of one author, or of any two posts where no author has two."""
    _, author = np.unique(authors, return_inverse=True)
    first, other = _pairs(author, seed)
    return (first, other) if first.size else _pairs(np.zeros_like(author), seed)


def _pairs_nearby(windows: Windows, seed: int) -> tuple[IntArray, IntArray]:
    """Returns the rows of all pairs nearby, or of a random sample where there are very many."""
    later = windows.end - np.arange(windows.end.size) - 1
    ends = np.cumsum(later)
    number = _numbers(int(later.sum()), seed)
    first = np.searchsorted(ends, number, side="right")
    other = first + 1 + number - (ends - later)[first]
    return windows.rows[first], windows.rows[other]


def _pairs(group: IntArray, seed: int) -> tuple[IntArray, IntArray]:
    """Returns the rows of all pairs within groups, or of a random sample where there are very many."""
    by_group = np.argsort(group, kind="stable")
    size = np.bincount(group)
    pairs = size * (size - 1) // 2
    pair_ends, group_starts = np.cumsum(pairs), np.cumsum(size) - size
    number = _numbers(int(pairs.sum()), seed)
    of_group = np.searchsorted(pair_ends, number, side="right")
    number = number - (pair_ends - pairs)[of_group]
    # The pairs of a group are numbered (1, 0), (2, 0), (2, 1), (3, 0), ...
    higher = ((1 + np.sqrt(1 + 8 * number)) / 2).astype(np.int64)
    lower = number - higher * (higher - 1) // 2
    start = group_starts[of_group]
    return by_group[start + higher], by_group[start + lower]


def _numbers(pairs: int, seed: int) -> IntArray:
    """Returns the numbers of all pairs, or of a random sample where there are very many."""
    if pairs > _MOST_PAIRS:
        return np.random.default_rng(seed).integers(pairs, size=_MOST_PAIRS)
    return np.arange(pairs)
