"""A sweep: many trainings under one parent run, on one snapshot that is built before the first trial.

Hydra's sweepers and launchers start the trials, here or on other machines; a trial finds its parent by the
sweep's folder, which every launcher hands on. No launcher needs to know more.
"""

import copy
import hashlib
import json
import logging
import math
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from likerank.app.paths import open_tracking
from likerank.app.run_command import importing, quieten
from likerank.app.sentences import sentence_of
from likerank.errors import LikerankError
from likerank.run_names import (
    BEST,
    CONFIG,
    CONFIG_HASH,
    FINGERPRINT,
    FORMER_CONFIG_HASH,
    JOB,
    OVERRIDES,
    PARENT,
    REASON,
    SWEEP,
    SWEEP_FOLDER,
    SWEPT,
    TRIAL_OF_IT,
    trial_tag,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from likerank.tracking import Run, Tracking

WORST = float("-inf")
"""The objective of a failed trial: a sweeper that maximises then searches elsewhere."""

_log = logging.getLogger(__name__)


def sweeping() -> bool:
    """Whether this process runs a trial of a sweep."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def run_trial(config: DictConfig) -> float:
    """Trains one trial under the sweep's parent run; records a failure with its reason and goes on.

    Returns:
        The metric that `objective` names, or -inf where the trial failed.
    """
    from likerank.training.run import train_run

    quieten()  # A launcher's process has not been through run_command.
    tracking = open_tracking(config)
    hydra = HydraConfig.get()
    parent = tracking.find_run({SWEEP_FOLDER: str(hydra.sweep.dir)})
    if parent is None:
        raise LikerankError(f"MLflow at {tracking.uri} has no run of the sweep in {hydra.sweep.dir}.")
    of_sweep = parent.tags
    if fingerprint := of_sweep.get(FINGERPRINT):
        OmegaConf.update(config, "snapshot.fingerprint", fingerprint)
    if not hydra.launcher._target_.endswith(".BasicLauncher"):
        config.trainer.enable_progress_bar = False  # Bars of trials side by side would overwrite each other.
    job = f"{hydra.sweep.dir} {hydra.job.num}"
    overrides, swept = dict(_by_key(hydra.overrides.task)), json.loads(of_sweep[SWEPT])
    tags = {
        PARENT: parent.id,
        trial_tag(parent.id): TRIAL_OF_IT,
        JOB: job,
        OVERRIDES: json.dumps(overrides),
    }
    name = ", ".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in overrides.items() if key in swept)
    try:
        trained = train_run(config, show=False, tags=tags, name=name)
    except Exception as error:
        reason = sentence_of(error)
        if reason is None:
            reason = f"{type(error).__name__}: {error}"
            _log.error("".join(traceback.format_exception(error)))
        # A network that cannot be made has no run yet.
        failed = tracking.find_run({JOB: job}) or tracking.start_run(tags, name)
        failed.finish("FAILED", reason)
        print(f"Trial {hydra.job.num} failed: {reason}", file=sys.stderr)
        return WORST
    print(
        f"Trial {hydra.job.num}: {trained.plan.objective_key} {trained.objective:.4f}, run {trained.run.id}"
    )
    return WORST if math.isnan(trained.objective) else trained.objective


class TrackSweep(Callback):
    """Hydra's callback that starts a sweep's parent run before the first trial and ends it after the last."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """Makes the snapshot, and makes or finds the parent run."""
        with _mistakes_end_the_sweep():
            self._parent_id = start_sweep(config)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """Ranks the trials, and exits with status 1 where one failed."""
        with _mistakes_end_the_sweep():
            finish_sweep(config, self._parent_id)


@contextmanager
def _mistakes_end_the_sweep() -> Iterator[None]:
    """Exits where Hydra would turn a callback's exception into a warning and go on."""
    try:
        yield
    except LikerankError as error:
        sys.exit(f"likerank: {error}")
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def start_sweep(config: DictConfig) -> str:
    """Makes or finds the snapshot and the parent run of a sweep, and returns the run's id.

    Args:
        config: The sweep's configuration as Hydra composed it, with `hydra`.
    """
    with importing():
        from likerank.training.assembly import Assembly
        from likerank.training.distributed import refuse_impossible_processes
        from likerank.training.snapshot import snapshot_folder

    base = _without_hydra(config)
    assembly = Assembly(base)
    refuse_impossible_processes(assembly.trainer, sweep=True, folds=False)
    tracking = open_tracking(base)
    swept = _swept_keys(config)
    snapshot_is_swept = any(key.split(".")[0] == "snapshot" for key in swept)
    fingerprint = "" if snapshot_is_swept else snapshot_folder(base).name
    # Another launcher goes on with the same sweep.
    overrides = [each for each in config.hydra.overrides.task if not each.startswith("launcher=")]
    asked = [
        overrides,
        OmegaConf.to_container(config.hydra.sweeper, resolve=True),
        assembly.plan(fingerprint).config_hash,
    ]
    identity = hashlib.blake2b(json.dumps(asked, default=str).encode(), digest_size=12).hexdigest()
    tags = {SWEEP: identity, SWEEP_FOLDER: str(config.hydra.sweep.dir), SWEPT: json.dumps(swept)}
    if fingerprint:
        tags[FINGERPRINT] = fingerprint
    parent = tracking.find_run({SWEEP: identity}) if base.reuse else None
    if parent is None:
        parent = tracking.start_run(tags, f"sweep {' '.join(overrides)}".strip())
        parent.log_text(OmegaConf.to_yaml(base, resolve=True), CONFIG)
        print(f"Sweep {parent.id}")
    else:
        tracking.reopen(parent)
        parent.set_tags(tags)
        _end_those_cut_short(tracking, parent)
        print(f"Sweep {parent.id} goes on: finished trials are not trained again.")
    return parent.id


def _without_hydra(config: DictConfig) -> DictConfig:
    base = copy.deepcopy(config)
    with open_dict(base):
        del base["hydra"]
    return base


def _swept_keys(config: DictConfig) -> list[str]:
    params = config.hydra.sweeper.get("params") or {}
    asked = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    swept = [each for each in OverridesParser.create().parse_overrides(asked) if each.is_sweep_override()]
    return [each.key_or_group for each in swept]


def _end_those_cut_short(tracking: "Tracking", parent: "Run") -> None:
    for record in tracking.runs({trial_tag(parent.id): TRIAL_OF_IT}):
        if record.status == "RUNNING":
            record.finish("KILLED", "cut short; the sweep went on without it")


def finish_sweep(config: DictConfig, parent_id: str) -> None:
    """Ranks the sweep's trials by validation, keeps the ranking in the parent run and prints it.

    Raises:
        LikerankError: If a trial failed; the others are ranked then.
    """
    from likerank.reports.sweep import print_trials
    from likerank.training.assembly import Assembly

    base = _without_hydra(config)
    objective = Assembly(base).plan().objective_key
    tracking = open_tracking(base)
    parent = tracking.run(parent_id)
    trials = trial_frame(tracking.runs({trial_tag(parent_id): TRIAL_OF_IT}), objective)
    finished, failed = trials["objective"].notna().sum(), (trials["status"] == "FAILED").sum()
    _keep(parent, trials, objective)
    print_trials(trials, title=f"Sweep {parent_id}: {objective}")
    if not finished:
        parent.finish("FAILED", "no trial finished")
        raise LikerankError(f"No trial of sweep {parent_id} finished; the table above says why.")
    parent.finish()
    print(f"Over seeds, with intervals: likerank compare sweep_id={parent_id}")
    print(f"The best on test, as champion: likerank promote run_id={trials['run'].iloc[0]}")
    if failed:
        raise LikerankError(f"{failed} of {len(trials)} trials failed; the table above says why.")


def trial_frame(records: "Iterable[Run]", objective: str) -> "pd.DataFrame":
    """Returns a sweep's trials, best first: `run`, `status`, `objective`, `reason` and what differs.

    A trial that was started more than once counts once: as finished, if it ever was.
    """
    import pandas as pd

    from likerank.tracking.run_groups import overrides_of

    by_trial: dict[str, Run] = {}
    for record in sorted(records, key=lambda record: (record.status == "FINISHED", record.started)):
        tags = record.tags
        trial = tags.get(CONFIG_HASH) or tags.get(FORMER_CONFIG_HASH) or tags[OVERRIDES]
        by_trial[trial] = record
    outcomes = [
        {
            "run": record.id,
            "status": record.status,
            "objective": record.metrics.get(objective) if record.status == "FINISHED" else None,
            "reason": record.tags.get(REASON, ""),
        }
        for record in by_trial.values()
    ]
    choices = pd.DataFrame([overrides_of(record.tags) for record in by_trial.values()])
    differing = [name for name in choices.columns if choices[name].nunique(dropna=False) > 1]
    frame = pd.DataFrame(outcomes).astype({"objective": float}).join(choices[differing].fillna(""))
    return frame.sort_values("objective", ascending=False, na_position="last", ignore_index=True)


def _by_key(overrides: "Iterable[str]") -> list[tuple[str, str]]:
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return [(each.key_or_group, each.get_value_element_as_str()) for each in parsed]


def _keep(parent: "Run", trials: "pd.DataFrame", objective: str) -> None:
    from likerank.reports.sweep import write_sweep_report

    by_run = trials.set_index("run")
    if "seed" not in by_run:
        by_run["seed"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        files = write_sweep_report(
            Path(folder),
            title=f"Sweep {parent.id}",
            trials=by_run.drop(columns=["status", "reason"]),
            objective=objective,
            reasons={str(run): reason for run, reason in by_run["reason"].items() if reason},
        )
        for file in files:
            parent.log_file(file, "sweep")
    parent.log_metrics(
        {
            "trials/finished": float(trials["objective"].notna().sum()),
            "trials/failed": float((trials["status"] == "FAILED").sum()),
        }
    )
    if trials["objective"].notna().any():
        parent.log_metrics({objective: float(trials["objective"].iloc[0])})
        parent.set_tags({BEST: str(trials["run"].iloc[0])})
