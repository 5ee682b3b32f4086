"""How well a predictor ranks: metrics, how sure they are, and the one path from scores to a table."""

from likerank.evaluation.calibration import Calibration
from likerank.evaluation.intervals import (
    Interval,
    interval,
    paired_difference,
    permutation_standard_error,
)
from likerank.evaluation.metrics import (
    Metric,
    NothingToCompareError,
    kendall_tau,
    mean_squared_error,
    ndcg,
    pairwise_accuracy,
    spearman,
)
from likerank.evaluation.photos import RankedPhoto, rank_photos
from likerank.evaluation.position_match import position_match
from likerank.evaluation.scoring import (
    ACROSS,
    METRICS,
    TRUTH_APPEAL,
    TRUTH_APPEAL_AUDIENCE,
    WITHIN,
    ScoreRow,
    Scores,
    ScoreTable,
    score_table,
)

__all__ = [
    "ACROSS",
    "METRICS",
    "TRUTH_APPEAL",
    "TRUTH_APPEAL_AUDIENCE",
    "WITHIN",
    "Calibration",
    "Interval",
    "Metric",
    "NothingToCompareError",
    "RankedPhoto",
    "ScoreRow",
    "ScoreTable",
    "Scores",
    "interval",
    "kendall_tau",
    "mean_squared_error",
    "ndcg",
    "paired_difference",
    "pairwise_accuracy",
    "permutation_standard_error",
    "position_match",
    "rank_photos",
    "score_table",
    "spearman",
]
