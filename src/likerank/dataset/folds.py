"""Folds within train and validation: the same snapshot, split otherwise; test left alone."""

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.dataset.snapshot import Snapshot
from likerank.dataset.splits import (
    LATER_POSTS,
    SELECT,
    STOP,
    TEST,
    TRAIN,
    UNSEEN_AUTHORS,
    VALIDATION,
    hashed_places,
)
from likerank.errors import LikerankError

# The share that validation's stop half has of train and validation together.
_STOP_SHARE = 1 / 18


class FoldSnapshot(Snapshot):
    """A snapshot as one fold sees it: its columns `split` and `half` are the fold's, all else is the same.

    The fold's held-out posts are validation's `select` half. Of the others a part, drawn for each fold
    anew, is the `stop` half; the rest is train. A post's fold hangs on (seed, copy group) alone, or on
    (seed, author) where the snapshot keeps authors apart, as its split does.

    Args:
        whole: The snapshot.
        fold: Which fold, from 1.
        folds: How many there are.

    Raises:
        LikerankError: If the fold would have no post to hold out, to stop by or to train on, or the
            snapshot trains on the past.
    """

    def __init__(self, whole: Snapshot, fold: int, folds: int) -> None:
        super().__init__(whole.folder)
        if (policy := self.recipe["split"]) in LATER_POSTS:
            raise LikerankError(
                f"evaluation.folds is {folds}, but snapshot.split={policy} ranks later posts than it trains "
                "on, which folds would mix; ask for one of the two."
            )
        self._whole = whole
        self.fold = fold
        self.folds = folds
        if not all(len(self.rows(*part)) for part in ((TRAIN,), (VALIDATION, STOP), (VALIDATION, SELECT))):
            raise LikerankError(
                f"evaluation.folds is {folds}, but snapshot {whole.fingerprint} has too few pictures or "
                f"authors: fold {fold} would have none to train on, to stop by or to hold out; ask for fewer "
                "folds, or ingest more posts."
            )

    @cached_property
    def posts(self) -> pd.DataFrame:
        """The post table; see `Snapshot`."""
        posts = self._whole.posts
        seed = self.recipe["seed"]
        if self.recipe["split"] == UNSEEN_AUTHORS:
            units = posts["author"].tolist()
        else:
            units = posts["group" if "group" in posts else "digest"].tolist()
        held_out = fold_of(units, seed, self.folds) == self.fold
        drawn = hashed_places(seed, f"stop of fold {self.fold}", units)
        others = drawn[~(held_out | (posts["split"] == TEST).to_numpy())]
        # Of few authors none may have drawn so little; then the one who drew least is it.
        stops = drawn <= max(_STOP_SHARE, others.min(initial=1.0))
        test = (posts["split"] == TEST).to_numpy()
        half = np.select([test, held_out, stops], ["", SELECT, STOP], "")
        return posts.assign(split=np.select([test, half != ""], [TEST, VALIDATION], TRAIN), half=half)

    @property
    def fingerprint(self) -> str:
        """The snapshot's, and which fold of it this is."""
        return f"{self._whole.fingerprint}-{self.fold}of{self.folds}"


def fold_of(units: list[str], seed: int, folds: int) -> NDArray[np.int64]:
    """Returns each post's fold, from 1.

    Args:
        units: What is not to be split of each post: its copy group, or its author.
        seed: The snapshot's seed.
        folds: How many folds there are.

    Returns:
        Shape (len(units),): equal for equal units, whatever else is in the list.
    """
    return 1 + np.minimum(hashed_places(seed, "fold", units) * folds, folds - 1).astype(np.int64)
