"""Stage train: a snapshot becomes a tracked run with a trained network and its ranking on validation."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf

from likerank import __version__
from likerank.app.paths import configured_tracking, mlruns_folder
from likerank.dataset import VALIDATION, PopularityDataModule, Snapshot
from likerank.errors import LikerankError
from likerank.evaluation import ScoreTable
from likerank.models import Scorer
from likerank.reports import print_score_table
from likerank.run_names import CONFIG, FINGERPRINT, FOLDS, JOB, PARENT, RANKING, TRIAL, VERSION
from likerank.tracking import Run, Tracking
from likerank.tracking.code_version import code_version, git_commit
from likerank.training.baselines import configured_baselines
from likerank.training.cross_validation import fold_snapshots, rank_folds
from likerank.training.distributed import handed_over, refuse_impossible_processes
from likerank.training.figures import keep_figures
from likerank.training.fit import checkpoints_folder, fit, fit_beside, outcome_kept
from likerank.training.instantiate import configured_data, configured_scorer, configured_trainer
from likerank.training.results import (
    caption_of,
    kept_table,
    name_of,
    rank_split,
    title_of,
    what_ranking_needs,
)
from likerank.training.snapshot import snapshot_folder

# Of the snapshot the fingerprint counts. Threads change the last bits alone, and launchers divide them.
_BESIDE_THE_RESULT = ("store.", "tracking.", "snapshot.", "threads", "trainer.enable_progress_bar", "figures")


def train(config: DictConfig) -> float:
    """Trains one network, ranks validation with it and its baselines, and keeps all of it in a run.

    Returns:
        The metric that `objective` names; NaN where it is absent.

    Raises:
        LikerankError: If the configuration asks for what cannot be had.
    """
    if (given := handed_over()) is not None:
        fit_beside(config, given)
        return float("nan")
    run, table = train_run(config)
    name, objective = objective_of(config, table)
    if np.isnan(objective):
        print(f"{name} is absent; the table above says what there is, and why.")
    print(f"Run {run.id}: {name} {objective:.4f}")
    if ranked_split(config) == VALIDATION:
        print(f"Its test split: python scripts/evaluate.py run_id={run.id}")
    return objective


def objective_of(config: DictConfig, table: ScoreTable) -> tuple[str, float]:
    """Returns the metric that a sweep maximises, by its name and value; NaN where it is absent."""
    metrics = {f"{ranked_split(config)}/{key}": value for key, value in table.to_metrics().items()}
    name = objective_name(config)
    return name, metrics.get(name, float("nan"))


def objective_name(config: DictConfig) -> str:
    """Returns the key of the metric that a sweep maximises; with folds it is that metric's over the folds."""
    return f"{ranked_split(config)}/{config.objective.removeprefix(f'{VALIDATION}/')}"


def ranked_split(config: DictConfig) -> str:
    """Returns what a training ranks: validation, or all folds."""
    return VALIDATION if config.evaluation.folds is None else FOLDS


def train_run(
    config: DictConfig, *, show: bool = True, tags: Mapping[str, str] | None = None, name: str = ""
) -> tuple[Run, ScoreTable]:
    """As `train`; returns the run and validation's table, which is printed unless `show` is false.

    A training that was finished before, by the same configuration, snapshot and code, is not done again.

    Args:
        config: The training's configuration.
        show: Whether to print the table.
        tags: What the run gets beside its own. Those of a sweep's trial also make a run of a network that
            cannot be: a sweep records what failed, where a single training leaves nothing behind.
        name: What MLflow's page calls the run; the network, target and seed unless given.
    """
    if not 0 <= config.seed < 2**32:
        raise LikerankError(f"seed is {config.seed}; it must lie between 0 and {2**32 - 1}.")
    split = ranked_split(config)
    of_sweep = tags is not None and JOB in tags
    refuse_impossible_processes(
        configured_trainer(config, False, mlruns_folder(config)),
        sweep=of_sweep,
        folds=split == FOLDS,
    )
    tracking = configured_tracking(config)
    data = configured_data(config, partial(snapshot_folder, config))
    data.prepare_data()
    snapshot = data.snapshot
    # A snapshot that was named may have been made otherwise than the configuration would make one.
    OmegaConf.update(config, "snapshot", snapshot.recipe)
    folds = fold_snapshots(config, snapshot) if split == FOLDS else []
    trial = trial_of(config, snapshot.fingerprint)
    finished = tracking.find_run({TRIAL: trial}, "FINISHED") if config.reuse and not config.resume else None
    if finished is not None:
        print(f"Trained before: run {finished.id} (reuse=false trains it again).")
        table = kept_table(finished, split)
        run = finished
        if tags:
            run.set_tags({key: value for key, value in tags.items() if key != PARENT})
    else:
        if not of_sweep:
            configured_scorer(config)
        run = (
            _resumed(tracking, config, snapshot)
            if config.resume
            else _started(tracking, config, {TRIAL: trial, **(tags or {})}, snapshot, name)
        )
        with outcome_kept(run):
            _describe(run, config, snapshot)
            if folds:
                table = rank_folds(config, tracking, run, trial, folds)
            else:
                pl.seed_everything(config.seed, verbose=False)
                table = _fit_and_rank(config, run, data, configured_scorer(config))
        if not folds:
            shutil.rmtree(checkpoints_folder(config, run.id))
    if show:
        print_score_table(table, title=title_of(split, snapshot, config), caption=caption_of(snapshot))
    return run, table


def flat_params(config: DictConfig, fingerprint: str) -> dict[str, str]:
    """Returns every choice of the configuration as `group.key`, with what decides bits beside it."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)  # noqa: S101 - for the type checker
    params = dict(
        _flat({key: value for key, value in plain.items() if key not in ("paths", "resume", "reuse")})
    )
    return params | {"snapshot.fingerprint": fingerprint, "threads": str(torch.get_num_threads())}


def trial_of(config: DictConfig, fingerprint: str) -> str:
    """Returns a hash of what decides a training's result: configuration, dataset and code."""
    params = flat_params(config, fingerprint)
    relevant = {k: v for k, v in params.items() if not k.startswith(_BESIDE_THE_RESULT)}
    content = json.dumps([relevant, fingerprint, code_version()], sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


def _flat(node: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if isinstance(node, dict) and node:
        for name, child in node.items():
            yield from _flat(child, f"{key}.{name}" if key else str(name))
    else:
        yield key, node if isinstance(node, str) else json.dumps(node)


def _started(
    tracking: Tracking, config: DictConfig, tags: dict[str, str], snapshot: Snapshot, name: str
) -> Run:
    commit = git_commit()
    return tracking.start_run(
        tags
        | {FINGERPRINT: snapshot.fingerprint, VERSION: __version__}
        # MLflow's page shows the commit of a run that names its source.
        | {"mlflow.source.name": "likerank", "mlflow.source.type": "LOCAL"}
        | ({"mlflow.source.git.commit": commit} if commit else {}),
        name or f"{name_of(config)}, seed {config.seed}",
    )


def _describe(run: Run, config: DictConfig, snapshot: Snapshot) -> None:
    """Writes what went in; for a resumed run again, since it may have been killed before this was written."""
    run.log_text(OmegaConf.to_yaml(config, resolve=True), CONFIG)
    run.log_snapshot("snapshot", snapshot.fingerprint, snapshot.folder, snapshot.manifest["counts"]["posts"])
    if not config.resume:
        run.log_params(flat_params(config, snapshot.fingerprint))


def _resumed(tracking: Tracking, config: DictConfig, snapshot: Snapshot) -> Run:
    run = tracking.run(str(config.resume))
    if run.status == "FINISHED":
        raise LikerankError(f"Run {run.id} has finished; there is nothing to resume.")
    if not run.params:
        raise LikerankError(f"Run {run.id} was cut short before it began; start the training without resume.")
    if changed := run.changed_params(flat_params(config, snapshot.fingerprint)):
        differences = "; ".join(f"{key} was {before}, is {now}" for key, (before, now) in changed.items())
        raise LikerankError(
            f"Run {run.id} was started otherwise ({differences}); resume it with the overrides it had."
        )
    run.reopen()
    return run


def _fit_and_rank(config: DictConfig, run: Run, data: PopularityDataModule, scorer: Scorer) -> ScoreTable:
    """Trains, ranks validation on the chosen checkpoint and keeps the model."""
    snapshot = data.snapshot
    fit(config, run, data, scorer)
    baselines = configured_baselines(config, data)
    table = rank_split(run, VALIDATION, snapshot, data.targets, scorer, baselines)
    if config.figures:
        keep_figures(run, VALIDATION, snapshot, table, config)
    shape = (2, *snapshot.pixels.shape[1:])
    run.log_model(
        scorer.cpu(),
        np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8),
        data.state_dict() | {RANKING: what_ranking_needs(snapshot, scorer)},
    )
    return table
