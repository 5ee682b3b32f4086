"""Baselines fitted once for each (fingerprint, target, seed)."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from likerank.app.paths import mlruns_folder
from likerank.dataset import TRAIN, PopularityDataModule, Snapshot
from likerank.models import Baseline, create_baseline, load_baseline


def configured_baselines(config: DictConfig, data: PopularityDataModule) -> dict[str, Baseline]:
    """Returns a training's baselines, fitted on its dataset and target."""
    cache = baselines_folder(config, data.snapshot.fingerprint)
    return fitted_baselines(config.evaluation.baselines, data.snapshot, data.targets, cache, config.seed)


def baselines_folder(config: DictConfig, fingerprint: str) -> Path:
    """Returns where the baselines of a dataset, target and seed are kept."""
    target = json.dumps(OmegaConf.to_container(config.target, resolve=True), sort_keys=True)
    digest = hashlib.blake2b(target.encode(), digest_size=4).hexdigest()
    return mlruns_folder(config) / "baselines" / f"{fingerprint}-{digest}-{config.seed}"


def fitted_baselines(
    names: Sequence[str], snapshot: Snapshot, targets: NDArray[np.float32], cache: Path, seed: int
) -> dict[str, Baseline]:
    """Returns baselines fitted on the training posts; from the cache where they were fitted before.

    Args:
        names: Which of `mean`, `author_mean`, `linear` and `ridge`.
        snapshot: The dataset.
        targets: The target of every post, shape (N,).
        cache: A folder of this snapshot's, target's and seed's own.
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
