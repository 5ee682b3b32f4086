"""Folds within train and validation: the same snapshot with another split; test stays."""

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

# The early-stopping half's share of train and validation together.
_STOP_SHARE = 1 / 18


class FoldSnapshot(Snapshot):
    """A fold of a snapshot: its columns `split` and `half` are the fold's, all else is the snapshot's.

    The fold's held-out posts are the model-selection half. Of the others a part, drawn for each fold anew, is
    the early-stopping half; the rest is train. A post's fold depends only on (seed, copy group), or on
    (seed, author) where the snapshot keeps authors apart, as its split does.

    Args:
        whole: The snapshot.
        fold: The number of the fold, from 1.
        folds: The number of folds.

    Raises:
        LikerankError: If the fold would have no post to hold out, for early stopping or to train on, or the
            snapshot's split is by date.
    """

    def __init__(self, whole: Snapshot, fold: int, folds: int) -> None:
        super().__init__(whole.folder)
        if (policy := self.recipe["split"]) in LATER_POSTS:
            raise LikerankError(
                f"evaluation.folds is {folds}, but snapshot.split={policy} ranks later posts than it trains "
                "on, and folds would mix them; set only one of the two."
            )
        self._whole = whole
        self.fold = fold
        self.folds = folds
        if not all(len(self.rows(*part)) for part in ((TRAIN,), (VALIDATION, STOP), (VALIDATION, SELECT))):
            raise LikerankError(
                f"evaluation.folds is {folds}, but snapshot {whole.fingerprint} has too few pictures or "
                f"authors: fold {fold} would have none to train on, for early stopping or to hold out; "
                "set fewer folds, or ingest more posts."
            )

    @cached_property
    def posts(self) -> pd.DataFrame:
        """The post table; see `Snapshot`."""
        posts, seed = self._whole.posts, self.recipe["seed"]
        unseen_authors = self.recipe["split"] == UNSEEN_AUTHORS
        units = posts["author" if unseen_authors else "group" if "group" in posts else "digest"].tolist()
        test = (posts["split"] == TEST).to_numpy()
        held_out = fold_of(units, seed, self.folds) == self.fold
        drawn = hashed_places(seed, f"stop of fold {self.fold}", units)
        # Of few authors none may have drawn so little; then the smallest draw is the half.
        stops = drawn <= max(_STOP_SHARE, drawn[~(held_out | test)].min(initial=1.0))
        half = np.select([test, held_out, stops], ["", SELECT, STOP], "")
        return posts.assign(split=np.select([test, half != ""], [TEST, VALIDATION], TRAIN), half=half)

    @property
    def fingerprint(self) -> str:
        """The snapshot's fingerprint with the fold's number."""
        return f"{self._whole.fingerprint}-{self.fold}of{self.folds}"

    def check(self) -> None:
        """Does nothing: the training of the whole snapshot has checked it."""


class WholeSnapshot(Snapshot):
    """A snapshot whose validation is trained on too, for a model that folds have judged; test stays."""

    @cached_property
    def posts(self) -> pd.DataFrame:
        """The post table; see `Snapshot`."""
        posts = Snapshot(self.folder).posts
        return posts.assign(split=np.where(posts["split"] == TEST, TEST, TRAIN), half="")

    @property
    def fingerprint(self) -> str:
        """The snapshot's fingerprint with a word that tells the two apart."""
        return f"{super().fingerprint}-whole"

    def check(self) -> None:
        """Does nothing: the training of the folds has checked it."""


def fold_of(units: list[str], seed: int, folds: int) -> NDArray[np.int64]:
    """Returns each post's fold, from 1, by the unit that folds keep together: its copy group, or its author.

    Shape (len(units),): equal for equal units, whatever else is in the list.
    """
    return 1 + np.minimum(hashed_places(seed, "fold", units) * folds, folds - 1).astype(np.int64)
