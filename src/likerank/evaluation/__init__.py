"""How well a predictor ranks: metrics, their intervals, and the way from scores to a table."""

from likerank.evaluation.calibration import Calibration
from likerank.evaluation.configurations import Candidate, Comparison, Standing, compare_candidates
from likerank.evaluation.effects import (
    OBJECTIVE,
    SEED,
    by_numbers_in_it,
    effects_of_choices,
    numbers_in,
    swept_keys,
)
from likerank.evaluation.intervals import Interval, interval, paired_difference
from likerank.evaluation.metric import Metric, UndefinedMetricError
from likerank.evaluation.metrics import METRICS, pairwise_accuracy, spearman
from likerank.evaluation.photos import RankedPhoto, rank_photos
from likerank.evaluation.position_match import position_match
from likerank.evaluation.scoring import (
    ACROSS,
    TRUTH_APPEAL,
    TRUTH_APPEAL_AUDIENCE,
    WITHIN,
    ScoreRow,
    Scores,
    ScoreTable,
    find_metric,
    score_table,
)

__all__ = [
    "ACROSS",
    "METRICS",
    "OBJECTIVE",
    "SEED",
    "TRUTH_APPEAL",
    "TRUTH_APPEAL_AUDIENCE",
    "WITHIN",
    "Calibration",
    "Candidate",
    "Comparison",
    "Interval",
    "Metric",
    "RankedPhoto",
    "ScoreRow",
    "ScoreTable",
    "Scores",
    "Standing",
    "UndefinedMetricError",
    "by_numbers_in_it",
    "compare_candidates",
    "effects_of_choices",
    "find_metric",
    "interval",
    "numbers_in",
    "paired_difference",
    "pairwise_accuracy",
    "position_match",
    "rank_photos",
    "score_table",
    "spearman",
    "swept_keys",
]
