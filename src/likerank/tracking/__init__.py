"""Runs, datasets and models in MLflow."""

from likerank.tracking.run import Run, RunRecord
from likerank.tracking.store import Tracking

__all__ = ["Run", "RunRecord", "Tracking"]
