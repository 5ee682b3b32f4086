"""Trains one network: a snapshot becomes a run with a trained network and its ranking on validation."""

import shlex
import shutil
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers.logger import DummyLogger

from likerank.app.paths import Folders, open_tracking
from likerank.dataset import SELECT, VALIDATION, Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.evaluation import ScoreTable
from likerank.reports.table import print_score_table
from likerank.run_names import (
    CONFIG,
    CONFIG_HASH,
    FINGERPRINT,
    FORMER_CONFIG_HASH,
    JOB,
    NETWORK,
    PARENT,
    SYNTHETIC,
    VERSION,
)
from likerank.tracking import Run, Tracking
from likerank.tracking.code_version import git_commit
from likerank.tracking.results import read_table
from likerank.training.assembly import Assembly, Plan, Training
from likerank.training.cross_validation import fold_snapshots, rank_folds
from likerank.training.distributed import Handover, refuse_impossible_processes
from likerank.training.figures import keep_figures
from likerank.training.fit import fit, fit_weights, outcome_kept
from likerank.training.results import caption_of, judged_rows, keep_model, rank_split, title_of
from likerank.training.snapshot import LATEST, snapshot_folder
from likerank.version import __version__


class Outcome(NamedTuple):
    """A finished training.

    Attributes:
        run: The run that keeps all of it.
        plan: The choices.
        table: The table of validation, or of all folds.
    """

    run: Run
    plan: Plan
    table: ScoreTable

    @property
    def objective(self) -> float:
        """The value of the metric that a sweep maximises; NaN where it is absent."""
        return self.table.to_metrics().get(self.plan.objective, np.nan)


def train_run(
    config: DictConfig, *, show: bool = True, tags: Mapping[str, str] | None = None, name: str = ""
) -> Outcome:
    """Trains one network, ranks validation with it and its baselines, and keeps all of it in a run.

    A training that was finished before, with the same configuration, snapshot and code, is not done again.

    Args:
        config: The configuration of the command `train`, composed.
        show: Whether to print the table.
        tags: Further tags of the run.
        name: The name on MLflow's page; the network, target and seed unless given.

    Raises:
        LikerankError: If the configuration is invalid or not supported.
    """
    tags = dict(tags or {})
    assembly = Assembly(config)
    refuse_impossible_processes(
        assembly.trainer, sweep=JOB in tags, folds=config.evaluation.folds is not None
    )
    tracking = open_tracking(config)
    if config.get("resume") and config.evaluation.folds is None:  # Else refused below.
        _resume_on_its_snapshot(config, tracking)
    training = assembly.on(snapshot_folder(config))
    plan, snapshot = training.plan, training.snapshot
    folds = fold_snapshots(plan, snapshot)
    config_hash = plan.config_hash
    run = None if plan.resume or not plan.reuse else tracking.find_run({CONFIG_HASH: config_hash}, "FINISHED")
    if run is not None:
        print(f"Trained before: run {run.id} (reuse=false trains it again).")
        run.set_tags({key: value for key, value in tags.items() if key != PARENT})
        table = read_table(run, plan.split)
    else:
        if plan.resume:
            run = _resumed(tracking, plan)
        else:
            tags |= {CONFIG_HASH: config_hash, FORMER_CONFIG_HASH: config_hash}
            run = _started(tracking, plan, tags, snapshot, name)
        if show and not folds and PARENT not in tags:  # Those are started again as a whole.
            print(f"Run {run.id} starts. If it is cut short: {_resume_command(run)}")
        with outcome_kept(run):
            _describe(run, plan, snapshot)
            if folds:
                table = rank_folds(
                    lambda: Assembly(config),
                    tracking,
                    run,
                    config_hash,
                    folds,
                    training.predictors.metrics,
                    training.predictors.days,
                )
            else:
                fit(training, run, assembly.checkpoints(run.id))
                table = _ranked(training, run)
        shutil.rmtree(assembly.checkpoints(run.id), ignore_errors=True)
    if show:
        print_score_table(table, title=title_of(plan.split, snapshot, plan), caption=caption_of(snapshot))
    return Outcome(run, plan, table)


def fit_beside(config: DictConfig, given: Handover) -> None:
    """Fits in a process that the training's first process started, and does nothing else."""
    assembly = Assembly(config)
    training = assembly.on(find_snapshot(Folders.of(config).snapshots, given.fingerprint))
    fit_weights(training, assembly.checkpoints(given.run_id), DummyLogger())


def _started(tracking: Tracking, plan: Plan, tags: dict[str, str], snapshot: Snapshot, name: str) -> Run:
    commit = git_commit()
    return tracking.start_run(
        tags
        | {FINGERPRINT: snapshot.fingerprint, VERSION: __version__}
        | {SYNTHETIC: str(snapshot.synthetic).lower()}
        # MLflow's page shows the commit of a run that names its source.
        | {"mlflow.source.name": "likerank", "mlflow.source.type": "LOCAL"}
        | ({"mlflow.source.git.commit": commit} if commit else {}),
        name or f"{plan.name}, seed {plan.seed}",
    )


def _describe(run: Run, plan: Plan, snapshot: Snapshot) -> None:
    """Writes configuration, dataset and parameters; also for a resumed run, which may lack them."""
    run.log_text(plan.text, CONFIG)
    run.log_snapshot("snapshot", snapshot.fingerprint, snapshot.folder, snapshot.manifest["counts"]["posts"])
    if not plan.resume:
        run.log_params(plan.params)


def _resumed(tracking: Tracking, plan: Plan) -> Run:
    run = tracking.run(plan.resume)
    if run.status == "FINISHED":
        raise LikerankError(f"Run {run.id} has finished; there is nothing to resume.")
    if not run.params:
        raise LikerankError(f"Run {run.id} was cut short before it began; start the training without resume.")
    if changed := plan.changes(run.params):
        differences = "; ".join(f"{key} was {before}, is {now}" for key, (before, now) in changed.items())
        raise LikerankError(
            f"Run {run.id} was started otherwise ({differences}); resume it with the overrides it had."
        )
    tracking.reopen(run)
    return run


def _resume_on_its_snapshot(config: DictConfig, tracking: Tracking) -> None:
    """Names the run's own snapshot where none is named: the store may hold more posts by now."""
    fingerprint = tracking.run(str(config.resume)).tags.get(FINGERPRINT)
    if fingerprint and str(config.snapshot.fingerprint) == LATEST:
        OmegaConf.update(config, "snapshot.fingerprint", fingerprint)


def _resume_command(run: Run) -> str:
    """Returns the command that goes on with a run: with the overrides that this one was given, if any."""
    if not HydraConfig.initialized():
        return f"resume={run.id}, with the same overrides"
    given = [each for each in HydraConfig.get().overrides.task if not each.startswith("resume=")]
    return shlex.join(["likerank", "train", *given, f"resume={run.id}"])


def _ranked(training: Training, run: Run) -> ScoreTable:
    """Ranks validation with the chosen checkpoint and keeps figures and model."""
    snapshot, predictors = training.snapshot, training.predictors
    table = rank_split(run, VALIDATION, predictors)
    if training.plan.figures:
        keep_figures(run, VALIDATION, snapshot, table, training.plan)
    rows = snapshot.rows(VALIDATION, SELECT)
    scores = predictors.scorer.score(snapshot.pixels, rows)
    keep_model(run, predictors, table, judged_rows(predictors, rows).assign(**{NETWORK: scores}))
    return table
