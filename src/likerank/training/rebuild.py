"""Rebuilds network, dataset and baselines of a finished run from that run only."""

from omegaconf import DictConfig, OmegaConf

from likerank.app.paths import Folders
from likerank.app.trusted_targets import refuse_foreign_targets
from likerank.dataset import WholeSnapshot, find_snapshot
from likerank.files import naming_damage
from likerank.models.scorer import Scorer
from likerank.run_names import CONFIG, FINGERPRINT
from likerank.tracking import Run
from likerank.training.assembly import Assembly, Predictors
from likerank.training.checkpoints import load_kept_weights

_NEEDED = ("network", "seed", "snapshot", "target", "trainer")


def rebuild(run: Run, folders: Folders) -> Assembly:
    """Returns the assembly of a run's own configuration, in the present folders.

    Raises:
        LikerankError: If the configuration is damaged, or names classes that this project does not.
    """
    file = run.artifact(CONFIG)
    with naming_damage(file, "restore it from a backup, or train the run again"):
        trained = OmegaConf.load(file)
        if not isinstance(trained, DictConfig):
            raise TypeError("it is no configuration")
        if lacking := [key for key in _NEEDED if key not in trained]:
            raise ValueError(f"it lacks {lacking[0]}")
    refuse_foreign_targets(trained, run.id)
    trained.paths = {name: str(getattr(folders, name)) for name in ("data", "archive", "mlruns")}
    return Assembly(trained)


def trained_predictors(run: Run, assembly: Assembly, folders: Folders) -> Predictors:
    """Returns a finished run's network, with the weights of its chosen checkpoint, and its baselines.

    Args:
        run: The run.
        assembly: The run's assembly, from `rebuild`.
        folders: The project's folders.

    Raises:
        LikerankError: If the run's snapshot or checkpoint is gone.
    """
    folder = find_snapshot(folders.snapshots, run.tags[FINGERPRINT])
    predictors = assembly.predictors(folder if assembly.plan().folds is None else WholeSnapshot(folder))
    load_kept_weights(predictors.scorer, run, assembly.checkpoint)
    return predictors


def trained_scorer(run: Run, folders: Folders) -> Scorer:
    """Returns a finished run's network, with the weights of its chosen checkpoint."""
    assembly = rebuild(run, folders)
    scorer = assembly.scorer()
    load_kept_weights(scorer, run, assembly.checkpoint)
    return scorer
