"""Assembles a training from its configuration, once: everything after it takes objects.

Each object is checked by making it. The Trainer can be made before the dataset is there, so that its mistakes
show before a snapshot is built.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.loggers import Logger

from likerank.app.instantiate import make, make_group
from likerank.app.paths import Folders
from likerank.app.secrets import from_environment
from likerank.dataset import VALIDATION, PopularityDataModule, Snapshot
from likerank.errors import LikerankError
from likerank.evaluation import Metric
from likerank.evaluation.scopes import DAYS, check_days
from likerank.models.baselines import AuthorThen, Baseline, create_baseline
from likerank.models.regressor import PopularityRegressor
from likerank.models.scorer import Scorer
from likerank.models.stopping import ResumableEarlyStopping
from likerank.run_names import CHECKPOINTS, FOLDS
from likerank.tracking.code_version import code_version
from likerank.training.auto_target import AutoTarget
from likerank.training.baselines import fit_baselines
from likerank.training.checkpoints import CHECKPOINT_CHOICES, LAST, AtomicCheckpointIO, RelocatableCheckpoint

# Rich's bar, or one drawn at each step, would slow a small network's training by some percent.
_STEPS_A_REFRESH: Final = 10
_FINGERPRINT: Final = "snapshot.fingerprint"
_ABSENT: Final = "(absent)"
_NOT_PARAMETERS: Final = ("paths", "resume", "reuse")
# The fingerprint stands for the snapshot. Threads change the last bits only, and launchers divide them.
_NO_INFLUENCE: Final = (
    "store.",
    "tracking.",
    "snapshot.",
    "threads",
    "trainer.enable_progress_bar",
    "figures",
    "logger.",
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The choices of a training, in plain types.

    Attributes:
        name: The network on the target, as people read it.
        target: The name of the target's class.
        seed: Of weights, order, dropout and mirroring.
        checkpoint: `best` or `last`.
        folds: The number of folds; None where validation is ranked.
        resume: The id of the run to go on with, or empty.
        reuse: Whether a finished run of the same configuration, snapshot and code is given back.
        figures: Whether the run keeps figures.
        objective: The key of the metric that a sweep maximises, such as `network/within/pairwise`.
        max_epochs: The epochs of the whole training.
        params: Each choice as `group.key`, with the fingerprint and the number of threads.
        text: The configuration as YAML, resolved but for what the environment gives.
        environment: The digest of what the environment gives; empty where it gives nothing.
    """

    name: str
    target: str
    seed: int
    checkpoint: str
    folds: int | None
    resume: str
    reuse: bool
    figures: bool
    objective: str
    max_epochs: int
    params: Mapping[str, str]
    text: str
    environment: str

    @cached_property
    def config_hash(self) -> str:
        """The hash of what decides a training's result: configuration, dataset and code."""
        of_environment = [self.environment] if self.environment else []
        return _digest(
            [self.decisive(self.params), self.params[_FINGERPRINT], code_version(), *of_environment], 12
        )

    @staticmethod
    def decisive(params: Mapping[str, str]) -> dict[str, str]:
        """Returns the parameters that decide a training's result, without the dataset's fingerprint."""
        return {key: value for key, value in params.items() if not key.startswith(_NO_INFLUENCE)}

    def changes(self, params: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Returns what decides the result and is another in these parameters: (theirs, this plan's)."""
        theirs, ours = (
            self.decisive(each) | {_FINGERPRINT: each.get(_FINGERPRINT, _ABSENT)}
            for each in (params, self.params)
        )
        return {
            key: (theirs.get(key, _ABSENT), ours.get(key, _ABSENT))
            for key in sorted(theirs.keys() | ours.keys())
            if theirs.get(key) != ours.get(key)
        }

    @property
    def split(self) -> str:
        """The posts that the training ranks: validation, or all folds."""
        return VALIDATION if self.folds is None else FOLDS

    @property
    def objective_key(self) -> str:
        """The key of the metric that a sweep maximises; with folds it is that metric over the folds."""
        return f"{self.split}/{self.objective}"


@dataclass(frozen=True, kw_only=True)
class Predictors:
    """A network and its baselines on one dataset: what ranks posts.

    Attributes:
        data: The dataset with its target.
        scorer: The network with its scaling.
        unfitted: The baselines to fit.
        cache: The folder of baselines that were fitted before on this dataset, target and seed.
        metrics: The user's metrics, beside those of every table.
        days: How many days apart posts nearby may be.
    """

    data: PopularityDataModule
    scorer: Scorer
    unfitted: Sequence[Baseline]
    cache: Path
    metrics: Sequence[Metric]
    days: float

    @property
    def snapshot(self) -> Snapshot:
        """The dataset."""
        return self.data.snapshot

    @cached_property
    def baselines(self) -> dict[str, Baseline]:
        """The baselines by name, fitted at the first use."""
        return fit_baselines(self.unfitted, self.snapshot, self.data.targets, self.cache)


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training, ready to start.

    Attributes:
        plan: The choices.
        predictors: The dataset, the network and the baselines.
        regressor: The LightningModule around the network.
        trainer: Lightning's Trainer; `attach` tells it where to log and to write checkpoints.
        checkpoints: The callbacks that write `best.ckpt` and `last.ckpt` of the run.
    """

    plan: Plan
    predictors: Predictors
    regressor: PopularityRegressor
    trainer: Trainer
    checkpoints: Sequence[ModelCheckpoint]

    @property
    def snapshot(self) -> Snapshot:
        """The dataset."""
        return self.predictors.snapshot

    def attach(self, folder: Path, logger: Logger | None) -> None:
        """Sets the folder of the run's checkpoints, and adds a logger to the configured ones."""
        for callback in self.checkpoints:
            callback.dirpath = str(folder.resolve())
        if logger is not None:
            self.trainer.loggers = [logger, *self.trainer.loggers]


class Assembly:
    """Makes a training of a configuration.

    Args:
        config: The configuration of the command `train`, composed.

    Raises:
        LikerankError: If a choice is invalid or cannot be made.
    """

    def __init__(self, config: DictConfig) -> None:
        if not isinstance(config.seed, int) or not 0 <= config.seed < 2**32:
            raise LikerankError(f"seed is {config.seed}; it must be a whole number from 0 to {2**32 - 1}.")
        if config.checkpoint not in CHECKPOINT_CHOICES:
            raise LikerankError(
                f"checkpoint is {config.checkpoint}; it must be one of {', '.join(CHECKPOINT_CHOICES)}."
            )
        patience = config.early_stopping
        if patience is not None and (not isinstance(patience, int) or patience < 1):
            raise LikerankError(
                f"early_stopping is {patience}; it must be a whole number from 1, or null for never."
            )
        folds = config.evaluation.get("folds")
        if folds is not None and (not isinstance(folds, int) or folds < 2):
            raise LikerankError(f"evaluation.folds is {folds}; it must be a whole number from 2, or null.")
        check_days(config.evaluation.get("days", DAYS))
        self._config = config
        self._mlruns = Folders.of(config).mlruns
        self._checkpoints = [
            RelocatableCheckpoint(filename="best", monitor="val/loss", enable_version_counter=False),
            RelocatableCheckpoint(filename=LAST, enable_version_counter=False, save_on_train_epoch_end=True),
        ]

    @cached_property
    def trainer(self) -> Trainer:
        """Lightning's Trainer with all callbacks and the configured loggers; made at the first use."""
        return _trainer(self._config, self._checkpoints)

    @property
    def checkpoint(self) -> str:
        """The checkpoint that the run keeps, `best` or `last`; with folds the last, of the promoted model."""
        return str(self._config.checkpoint) if self._config.evaluation.get("folds") is None else LAST

    @property
    def recipe(self) -> dict[str, Any]:
        """The configuration's `snapshot`; after `on` or `predictors`, the recipe of the snapshot itself."""
        return dict(self._config.snapshot)

    def on(self, snapshot: Snapshot | Path) -> Training:
        """Returns the training on a snapshot; its network's weights are drawn by the seed.

        Raises:
            LikerankError: If the network, the target, the optimiser or a baseline cannot be made, the
                network does not take pictures of the snapshot's size, or the snapshot is damaged.
        """
        predictors = self.predictors(snapshot)
        predictors.snapshot.check()
        return Training(
            plan=self.plan(predictors.snapshot.fingerprint),
            predictors=predictors,
            regressor=_regressor(self._config, predictors.scorer),
            trainer=self.trainer,
            checkpoints=self._checkpoints,
        )

    def predictors(self, snapshot: Snapshot | Path) -> Predictors:
        """Returns the untrained network and the baselines on a snapshot, without a Trainer."""
        config = self._config
        opened = snapshot if isinstance(snapshot, Snapshot) else Snapshot(snapshot)
        # A snapshot that was named may have been made otherwise than the configuration would make one.
        OmegaConf.update(config, "snapshot", opened.recipe)
        made = make(config, "target")
        if isinstance(made, AutoTarget):
            config.target = made.choose(opened)
            made = make(config, "target")
        target = json.dumps(OmegaConf.to_container(config.target, resolve=True), sort_keys=True)
        return Predictors(
            data=make(config, "data", snapshot=opened, target=made),
            scorer=self.scorer(),
            unfitted=[
                create_baseline(name, config.seed)
                for name in config.evaluation.baselines
                if name != AuthorThen.name or opened.mostly_dated
            ],
            cache=self._mlruns / "baselines" / f"{opened.fingerprint}-{_digest(target, 4)}-{config.seed}",
            metrics=make_group(config, "metrics", Metric),
            days=check_days(config.evaluation.get("days", DAYS)),
        )

    def of_all_posts(self, epochs: int) -> "Assembly":
        """Returns the assembly of the same training without folds and validation, for a number of epochs."""
        config = OmegaConf.create(OmegaConf.to_container(self._config, resolve=True))
        assert isinstance(config, DictConfig)  # noqa: S101 - for the type checker
        OmegaConf.update(config, "trainer.limit_val_batches", 0, force_add=True)
        config.trainer.max_epochs = epochs
        config.evaluation.folds, config.early_stopping, config.checkpoint = None, None, LAST
        assembly = Assembly(config)
        assembly._checkpoints = [each for each in assembly._checkpoints if each.filename == LAST]
        return assembly

    def scorer(self) -> Scorer:
        """Returns the network with its scaling, not trained, for pictures of `snapshot.size`."""
        pl.seed_everything(self._config.seed, verbose=False)
        return _scorer(self._config)

    def plan(self, fingerprint: str = "") -> Plan:
        """Returns the choices, with the snapshot's fingerprint among the parameters; empty unless given."""
        config = self._config
        network, target = (config[group]._target_.rsplit(".", 1)[-1] for group in ("network", "target"))
        recorded, values = _recorded(config)
        plain = OmegaConf.to_container(recorded, resolve=False)
        assert isinstance(plain, dict)  # noqa: S101 - for the type checker
        chosen = {key: value for key, value in plain.items() if key not in _NOT_PARAMETERS}
        return Plan(
            name=f"{network} on {target}",
            target=target,
            seed=config.seed,
            checkpoint=config.checkpoint,
            folds=config.evaluation.get("folds"),
            resume=str(config.get("resume") or ""),
            reuse=bool(config.get("reuse", True)),
            figures=bool(config.get("figures")),
            objective=config.objective.removeprefix(f"{VALIDATION}/"),
            max_epochs=config.trainer.max_epochs,
            params=dict(_flat(chosen)) | {_FINGERPRINT: fingerprint, "threads": str(torch.get_num_threads())},
            text=OmegaConf.to_yaml(recorded, resolve=False),
            environment=_digest(values, 12) if values else "",
        )

    def checkpoints(self, run_id: str) -> Path:
        """Returns the folder of a run's checkpoints while it trains."""
        return self._mlruns / CHECKPOINTS / run_id


def _recorded(config: DictConfig) -> tuple[DictConfig, dict[str, str]]:
    """Returns a configuration as runs keep it, and what the environment gives, which may be secret."""
    recorded = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    assert isinstance(recorded, DictConfig)  # noqa: S101 - for the type checker
    values = {}
    for key, written in from_environment(config).items():
        values[key] = str(OmegaConf.select(config, key))
        OmegaConf.update(recorded, key, written)
    return recorded, values


def _scorer(config: DictConfig) -> Scorer:
    scorer = Scorer(make(config, "network"), channels_last=config.regressor.channels_last)
    size = config.snapshot.size
    try:
        with torch.no_grad():
            scorer.eval()(torch.zeros(2, size, size, 3, dtype=torch.uint8))
    except RuntimeError as error:
        raise LikerankError(
            f"The network {config.network._target_} does not take pictures of {size}x{size} pixels or gives "
            f"more than one number for each ({error}); change network or snapshot.size."
        ) from error
    return scorer.train()


def _regressor(config: DictConfig, scorer: Scorer) -> PopularityRegressor:
    try:
        return PopularityRegressor(
            scorer,
            optimizer=instantiate(config.optimizer),
            scheduler=instantiate(config.scheduler) if config.get("scheduler") else None,
            flip=config.regressor.flip,
            seed=config.seed,
        )
    except (TypeError, ValueError) as error:
        raise LikerankError(
            f"The optimiser {config.optimizer._target_} cannot be made ({error}); change optimizer."
        ) from error


def _trainer(config: DictConfig, checkpoints: Sequence[Callback]) -> Trainer:
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its hints at each start
    trainer: Trainer = make(
        config,
        "trainer",
        logger=_configured(config, "logger", Logger),
        callbacks=[*_own_callbacks(config, checkpoints), *_configured(config, "callbacks", Callback)],
        plugins=[AtomicCheckpointIO(), *_configured(config, "plugins", object)],
        # Lightning's would give a post to two processes; ours splits the batches.
        use_distributed_sampler=False,
        # A CPU repeats to the bit without, and a small network's training would pay 3 % for the checks.
        deterministic=torch.cuda.is_available(),
    )
    return trainer


def _own_callbacks(config: DictConfig, checkpoints: Sequence[Callback]) -> list[Callback]:
    stopping, bar = config.early_stopping, config.trainer.enable_progress_bar
    return [
        *([ResumableEarlyStopping("val/loss", patience=stopping)] if stopping else []),
        *checkpoints,
        *([TQDMProgressBar(refresh_rate=_STEPS_A_REFRESH)] if bar else []),
    ]


def _configured(config: DictConfig, group: str, kind: type[Any]) -> list[Any]:
    """Makes the objects of a group, and those given to the trainer itself under the same name."""
    given = config.trainer.get(group)
    if given is None or isinstance(given, bool):
        return make_group(config, group, kind)
    of_trainer = make(config.trainer, group)
    return make_group(config, group, kind) + (of_trainer if isinstance(of_trainer, list) else [of_trainer])


def _digest(content: object, size: int) -> str:
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()


def _flat(node: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if isinstance(node, dict) and node:
        for name, child in node.items():
            yield from _flat(child, f"{key}.{name}" if key else str(name))
    else:
        yield key, node if isinstance(node, str) else json.dumps(node)
