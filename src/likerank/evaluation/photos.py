"""New photos in the order of their scores, with what the order is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from likerank.evaluation.calibration import Calibration


@dataclass(frozen=True)
class RankedPhoto:
    """One photo's place among those that were ranked together.

    Attributes:
        rank: From 1, the photo expected to be liked most.
        photo: Its name.
        score: What the model says of it, on the target's scale.
        percentile: How many of a hundred training posts score at most as high, 0 to 100.
        beats_next: The chance that it is liked more than the next one, were both one author's; None for the
            last.
        ties_with_next: Whether that chance is too small to call.
    """

    rank: int
    photo: str
    score: float
    percentile: float
    beats_next: float | None
    ties_with_next: bool


def rank_photos(
    names: Sequence[str], scores: ArrayLike, calibration: Calibration, tie: float
) -> tuple[RankedPhoto, ...]:
    """Orders photos by their scores, the best first; those with the same score by name.

    Args:
        names: The photos' names, N.
        scores: Their scores, (N,).
        calibration: What the scores are worth.
        tie: Two neighbours are a near tie where the chance that the first beats the other is below this.
    """
    score = np.asarray(scores, np.float64)
    order = np.lexsort((np.asarray(names, dtype=np.str_), -score))
    percentile = calibration.percentile(score)
    chance = calibration.chance(-np.diff(score[order]))
    return tuple(
        RankedPhoto(
            rank=place + 1,
            photo=names[row],
            score=float(score[row]),
            percentile=float(percentile[row]),
            beats_next=float(chance[place]) if place < chance.size else None,
            ties_with_next=bool(place < chance.size and chance[place] < tie),
        )
        for place, row in enumerate(order)
    )
