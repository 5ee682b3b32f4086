"""Folds by copy group within train and validation: the same snapshot, split otherwise; test left alone."""

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.dataset.snapshot import Snapshot
from likerank.dataset.splits import SELECT, STOP, TEST, TRAIN, VALIDATION, group_hashes
from likerank.errors import LikerankError

# The share that validation's stop half has of train and validation together.
_STOP_SHARE = 1 / 18


class FoldSnapshot(Snapshot):
    """A snapshot as one fold sees it: its columns `split` and `half` are the fold's, all else is the same.

    The fold's held-out posts are validation's `select` half. Of the others a part, drawn for each fold
    anew, is the `stop` half; the rest is train. A post's fold hangs on (seed, copy group) alone, as its
    split does.

    Args:
        whole: The snapshot.
        fold: Which fold, from 1.
        folds: How many there are.

    Raises:
        LikerankError: If the fold would have no post to hold out, to stop by or to train on.
    """

    def __init__(self, whole: Snapshot, fold: int, folds: int) -> None:
        super().__init__(whole.folder)
        self._whole = whole
        self.fold = fold
        self.folds = folds
        if not all(len(self.rows(*part)) for part in ((TRAIN,), (VALIDATION, STOP), (VALIDATION, SELECT))):
            raise LikerankError(
                f"evaluation.folds is {folds}, but snapshot {whole.fingerprint} has too few pictures: fold "
                f"{fold} would have none to train on, to stop by or to hold out; ask for fewer folds, or "
                "ingest more posts."
            )

    @cached_property
    def posts(self) -> pd.DataFrame:
        """The post table; see `Snapshot`."""
        posts = self._whole.posts
        pictures = posts["digest"].tolist()
        seed = self.manifest["recipe"]["seed"]
        held_out = fold_of(pictures, seed, self.folds) == self.fold
        stops = _places(pictures, seed, f"stop of fold {self.fold}") < _STOP_SHARE
        test = (posts["split"] == TEST).to_numpy()
        half = np.select([test, held_out, stops], ["", SELECT, STOP], "")
        return posts.assign(split=np.select([test, half != ""], [TEST, VALIDATION], TRAIN), half=half)

    @property
    def fingerprint(self) -> str:
        """The snapshot's, and which fold of it this is."""
        return f"{self._whole.fingerprint}-{self.fold}of{self.folds}"


def fold_of(pictures: list[str], seed: int, folds: int) -> NDArray[np.int64]:
    """Returns each post's fold, from 1.

    Args:
        pictures: The copy group of each post.
        seed: The snapshot's seed.
        folds: How many folds there are.

    Returns:
        Shape (len(pictures),): equal for copies, whatever else is in the list.
    """
    return 1 + np.minimum(_places(pictures, seed, "fold") * folds, folds - 1).astype(np.int64)


def _places(pictures: list[str], seed: int, purpose: str) -> NDArray[np.float64]:
    """Returns a uniform number in [0, 1] for each copy group."""
    return group_hashes(seed, purpose, pictures).astype(np.float64) / 2.0**64
