"""Baselines, fitted once for each (fingerprint, target, seed)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from likerank.dataset import TRAIN, Snapshot
from likerank.models.baselines import Baseline, create_baseline, load_baseline


def fit_baselines(
    names: Sequence[str], snapshot: Snapshot, targets: NDArray[np.float32], *, cache: Path, seed: int
) -> dict[str, Baseline]:
    """Returns baselines fitted on the training posts; from the cache where they were fitted before.

    Args:
        names: Some of `mean`, `author_mean`, `linear` and `ridge`.
        snapshot: The dataset.
        targets: The target of every post, shape (N,).
        cache: A folder for this snapshot, target and seed only.
        seed: Decides which training posts ridge's strength is chosen on.

    Raises:
        LikerankError: If there is no baseline of a name.
    """
    fitted: dict[str, Baseline] = {}
    cache.mkdir(parents=True, exist_ok=True)
    for name in names:
        baseline = create_baseline(name, seed)
        file = cache / f"{name}.npz"
        with FileLock(cache / f".{name}.lock"):
            if not file.exists():
                baseline.fit(snapshot.pixels, snapshot.posts, targets, snapshot.rows(TRAIN)).save(file)
            fitted[name] = load_baseline(file)
    return fitted
