"""How well a predictor ranks: metrics, how sure they are, and the one path from scores to a table."""

from likerank.evaluation.association import (
    Association,
    age_in_words,
    association,
    traits_in_words,
)
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
from likerank.evaluation.leakage import AuthorMeanRanking, author_mean_ranking, author_share
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
from likerank.evaluation.pictures import TRAITS, picture_traits
from likerank.evaluation.position_match import position_match
from likerank.evaluation.ripening import RIPE, Ripening, ripening
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
from likerank.evaluation.standardising import (
    Recommendation,
    TargetFacts,
    expected_share,
    recommended,
    target_facts,
)
from likerank.evaluation.trends import Trend, smoothed_trend

__all__ = [
    "ACROSS",
    "METRICS",
    "OBJECTIVE",
    "RIPE",
    "SEED",
    "TRAITS",
    "TRUTH_APPEAL",
    "TRUTH_APPEAL_AUDIENCE",
    "WITHIN",
    "Association",
    "AuthorMeanRanking",
    "Calibration",
    "Candidate",
    "Interval",
    "Metric",
    "NothingToCompareError",
    "RankedPhoto",
    "Ranking",
    "Recommendation",
    "Ripening",
    "ScoreRow",
    "ScoreTable",
    "Scores",
    "Standing",
    "TargetFacts",
    "Trend",
    "age_in_words",
    "association",
    "author_mean_ranking",
    "author_share",
    "by_numbers_in_it",
    "compare_candidates",
    "effects_of_choices",
    "expected_share",
    "interval",
    "kendall_tau",
    "mean_squared_error",
    "ndcg",
    "numbers_in",
    "paired_difference",
    "pairwise_accuracy",
    "permutation_standard_error",
    "picture_traits",
    "position_match",
    "rank_photos",
    "recommended",
    "ripening",
    "score_table",
    "smoothed_trend",
    "spearman",
    "swept_keys",
    "target_facts",
    "traits_in_words",
]
