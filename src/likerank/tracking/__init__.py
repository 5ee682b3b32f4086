"""Runs, datasets, models and the champion in MLflow."""

from likerank.tracking.champion import CHAMPION_URI, champion_id, find_champion, register_champion
from likerank.tracking.model import TrainedModel
from likerank.tracking.run import Run
from likerank.tracking.store import Tracking

__all__ = [
    "CHAMPION_URI",
    "Run",
    "Tracking",
    "TrainedModel",
    "champion_id",
    "find_champion",
    "register_champion",
]
