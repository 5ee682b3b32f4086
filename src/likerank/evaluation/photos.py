"""New photos in the order of their scores, with the chance that each neighbour's order is right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from likerank.evaluation.calibration import Calibration


@dataclass(frozen=True)
class RankedPhoto:
    """A photo's place among the photos that were ranked together.

    Attributes:
        rank: From 1 for the photo with the highest score.
        photo: The photo's name.
        score: The model's score, on the target's scale.
        percentile: Percentage of training posts with at most the same score.
        beats_next: The chance of more likes than the next photo of the same author; None for the last.
        ties_with_next: Whether that chance is below the limit of a near tie.
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
    """Orders photos by their scores, the best first; photos with the same score by name.

    Args:
        names: The photos' names, N.
        scores: Their scores, (N,).
        calibration: The model's calibration.
        tie: The chance below which two neighbours are a near tie.
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
