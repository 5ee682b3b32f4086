"""From the store to batches: splits, snapshots, the LightningDataModule."""

from likerank.dataset.build import build_snapshot, find_snapshot, select_posts
from likerank.dataset.candidates import read_candidates
from likerank.dataset.datamodule import Batch, PopularityDataModule
from likerank.dataset.folds import FoldSnapshot
from likerank.dataset.forgetting import AffectedSnapshot, blank_author
from likerank.dataset.recipe import BEFORE, Recipe
from likerank.dataset.snapshot import Snapshot
from likerank.dataset.splits import LATER_POSTS, SELECT, STOP, TEST, TRAIN, VALIDATION

__all__ = [
    "BEFORE",
    "LATER_POSTS",
    "SELECT",
    "STOP",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "AffectedSnapshot",
    "Batch",
    "FoldSnapshot",
    "PopularityDataModule",
    "Recipe",
    "Snapshot",
    "blank_author",
    "build_snapshot",
    "find_snapshot",
    "read_candidates",
    "select_posts",
]
