"""Baselines, fitted once for each (fingerprint, target, seed)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from likerank.dataset import TRAIN, Snapshot
from likerank.models.baselines import Baseline, load_baseline


def fit_baselines(
    baselines: Sequence[Baseline], snapshot: Snapshot, targets: NDArray[np.float32], cache: Path
) -> dict[str, Baseline]:
    """Returns baselines by name, fitted on the training posts; from the cache where they were fitted before.

    Args:
        baselines: The baselines, not fitted.
        snapshot: The dataset.
        targets: The target of every post, shape (N,).
        cache: A folder for this snapshot, target and seed only.
    """
    fitted: dict[str, Baseline] = {}
    cache.mkdir(parents=True, exist_ok=True)
    for baseline in baselines:
        file = cache / f"{baseline.name}.npz"
        with FileLock(cache / f".{baseline.name}.lock"):
            if not file.exists():
                baseline.fit(snapshot.pixels, snapshot.posts, targets, snapshot.rows(TRAIN)).save(file)
            fitted[baseline.name] = load_baseline(file)
    return fitted
