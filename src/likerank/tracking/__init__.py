"""Runs, datasets and models in MLflow."""

from likerank.tracking.model import TrainedModel
from likerank.tracking.run import Run
from likerank.tracking.store import Tracking

__all__ = ["Run", "Tracking", "TrainedModel"]
