"""The pairs that anyone could order by the pictures, estimated from pictures that an author posted again.

Model: the log of a count, less its author's trend, is what the picture is worth plus noise that no picture
explains; both have the same variance for all posts, they are independent, and a picture that is posted again
is worth the same. The noise's variance is then half the mean square of the difference between two posts of
one picture, and the rest of the variance is the pictures'. Of two posts, ordering by the worth of the picture
is right in 1/2 + asin(sqrt(share)) / pi of pairs, if both parts are normal.

What that rests on: people see the second post of a picture as they saw the first (a copy that is recognised
does worse, so that the ceiling is estimated too low), authors post again pictures like their others, and a
near copy differs in nothing that counts.

Source: the one-way random effects model, e.g. S. R. Searle, G. Casella and C. E. McCulloch, Variance
Components, 1992; the interval is the delete-one-group jackknife of the log of the noise's part.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from likerank.evaluation.intervals import CONFIDENCE
from likerank.evaluation.scored_posts import FloatArray, IntArray

LEAST_GROUPS: Final = 20
"""The least number of pictures posted again that an estimate is made from."""


@dataclass(frozen=True)
class Ceiling:
    """The part of the variance that pictures explain at most, and the pairs that this lets anyone order.

    Attributes:
        share: The pictures' part of the variance of an author's detrended log counts, from 0 to 1.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        pictures: The number of pictures that were posted again.
    """

    share: float
    low: float
    high: float
    pictures: int

    @staticmethod
    def pairs_of(share: float) -> float:
        """Returns the share of pairs that are ordered rightly by the worth of the picture."""
        return float(0.5 + np.arcsin(np.sqrt(share)) / np.pi)

    def in_words(self) -> str:
        """Returns the estimate, its interval and what it assumes in a sentence."""
        low, high = (100 * self.pairs_of(share) for share in (self.low, self.high))
        return (
            f"The ceiling is estimated: {self.pictures:,} pictures that an author posted again differ by "
            f"noise that no picture explains, which leaves {self.share:.0%} of the variance to pictures "
            f"({self.low:.0%} to {self.high:.0%}) and lets anyone order "
            f"{100 * self.pairs_of(self.share):.0f} of 100 pairs ({low:.0f} to {high:.0f}), if both parts "
            "are normal and a copy does as well as the first."
        )


def too_few_in_words(pictures: int) -> str:
    """Says that there are too few copies for a ceiling."""
    posted = "1 picture was" if pictures == 1 else f"{pictures:,} pictures were"
    return (
        f"The ceiling is not known: {posted} posted again by an author, and an estimate needs {LEAST_GROUPS}."
    )


def estimate_ceiling(logs: ArrayLike, authors: ArrayLike, copies: ArrayLike) -> Ceiling | int:
    """Estimates the ceiling from posts of one picture by one author.

    Args:
        logs: Log counts less what was usual for the author then, (N,).
        authors: The author of each post, (N,).
        copies: The copy group of each, equal for near copies, (N,).

    Returns:
        The ceiling, or the number of pictures that were posted again where these are fewer than
        `LEAST_GROUPS`.
    """
    value, author = np.asarray(logs, np.float64), np.unique(authors, return_inverse=True)[1]
    copy = np.unique(copies, return_inverse=True)[1]
    picture, sizes = np.unique(
        np.column_stack((author, copy)), axis=0, return_inverse=True, return_counts=True
    )[1:]
    again = np.flatnonzero(sizes > 1)
    if again.size < LEAST_GROUPS:
        return int(again.size)
    squares, degrees = _within(value, picture, sizes)
    of_all, of_all_degrees = _within(value, author, np.bincount(author))
    total = of_all.sum() / of_all_degrees.sum()

    # The logarithm of the noise's part is nearly normal, and its interval keeps the share below 1.
    noise, free = squares[again], degrees[again]
    log_part = float(np.log(noise.sum() / free.sum() / total))
    without = np.log((noise.sum() - noise) / (free.sum() - free) / total)
    error = float(np.sqrt((again.size - 1) / again.size * np.square(without - without.mean()).sum()))
    reach = float(stdtrit(again.size - 1, (1 + CONFIDENCE) / 2)) * error
    low, share, high = (max(0.0, 1 - float(np.exp(log_part + side * reach))) for side in (1, 0, -1))
    return Ceiling(share, low, high, int(again.size))


def _within(value: FloatArray, group: IntArray, sizes: IntArray) -> tuple[FloatArray, FloatArray]:
    """Returns the sum of squares around the mean of each group, and its degrees of freedom, (G,) each."""
    mean = np.bincount(group, weights=value) / sizes
    squares = np.bincount(group, weights=np.square(value - mean[group]))
    return np.asarray(squares, np.float64), (sizes - 1).astype(np.float64)
