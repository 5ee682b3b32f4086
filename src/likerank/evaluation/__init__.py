"""How well a predictor ranks: metrics, their intervals, and the way from scores to a table."""

from likerank.evaluation.metric import Metric, UndefinedMetricError
from likerank.evaluation.metrics import METRICS
from likerank.evaluation.scoring import Scores, ScoreTable, score_table

__all__ = ["METRICS", "Metric", "ScoreTable", "Scores", "UndefinedMetricError", "score_table"]
