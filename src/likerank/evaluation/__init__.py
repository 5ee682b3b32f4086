"""How well a predictor ranks: metrics, how sure they are, and the one path from scores to a table."""

from likerank.evaluation.calibration import Calibration
from likerank.evaluation.comparing import Candidate, Ranking, Standing, compare_candidates
from likerank.evaluation.effects import (
    OBJECTIVE,
    SEED,
    by_numbers_in_it,
    effects_of_choices,
    numbers_in,
    swept_keys,
)
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
    "OBJECTIVE",
    "SEED",
    "TRUTH_APPEAL",
    "TRUTH_APPEAL_AUDIENCE",
    "WITHIN",
    "Calibration",
    "Candidate",
    "Interval",
    "Metric",
    "NothingToCompareError",
    "RankedPhoto",
    "Ranking",
    "ScoreRow",
    "ScoreTable",
    "Scores",
    "Standing",
    "by_numbers_in_it",
    "compare_candidates",
    "effects_of_choices",
    "interval",
    "kendall_tau",
    "mean_squared_error",
    "ndcg",
    "numbers_in",
    "paired_difference",
    "pairwise_accuracy",
    "permutation_standard_error",
    "position_match",
    "rank_photos",
    "score_table",
    "spearman",
    "swept_keys",
]
