"""Command train: a snapshot, a training and its ranking on validation; with -m, one trial of a sweep."""

import numpy as np
from omegaconf import DictConfig

from likerank.dataset import VALIDATION
from likerank.training.distributed import received_handover
from likerank.training.run import fit_beside, train_run
from likerank.training.sweep import run_trial, sweeping


def train(config: DictConfig) -> float:
    """Trains one network, ranks validation with it and its baselines, and keeps all of it in a run.

    Returns:
        The metric that `objective` names; NaN where it is absent.

    Raises:
        LikerankError: If the configuration is invalid or not supported.
    """
    if sweeping():
        return run_trial(config)
    if (given := received_handover()) is not None:
        fit_beside(config, given)
        return float("nan")
    trained = train_run(config)
    key, objective = trained.plan.objective_key, trained.objective
    if np.isnan(objective):
        print(f"{key} is absent; the table above says what there is, and why.")
    print(f"Run {trained.run.id}: {key} {objective:.4f}")
    if trained.plan.split == VALIDATION:
        print(f"Its test split: likerank evaluate run_id={trained.run.id}")
    return objective
