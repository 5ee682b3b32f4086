"""How well a predictor ranks: metrics, their intervals, and the way from scores to a table."""

from likerank.evaluation.metric import Metric, UndefinedMetricError
from likerank.evaluation.metrics import METRICS
from likerank.evaluation.scopes import JudgedPosts
from likerank.evaluation.scoring import Scores, ScoreTable, score_judged, score_table

__all__ = [
    "METRICS",
    "JudgedPosts",
    "Metric",
    "ScoreTable",
    "Scores",
    "UndefinedMetricError",
    "score_judged",
    "score_table",
]
