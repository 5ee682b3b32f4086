"""From the store to batches: splits, snapshots, the LightningDataModule."""

from likerank.dataset.build import build_snapshot, find_snapshot
from likerank.dataset.datamodule import PopularityDataModule
from likerank.dataset.folds import FoldSnapshot, WholeSnapshot
from likerank.dataset.recipe import Recipe
from likerank.dataset.snapshot import Snapshot
from likerank.dataset.splits import SELECT, STOP, TEST, TRAIN, VALIDATION

__all__ = [
    "SELECT",
    "STOP",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "FoldSnapshot",
    "PopularityDataModule",
    "Recipe",
    "Snapshot",
    "WholeSnapshot",
    "build_snapshot",
    "find_snapshot",
]
