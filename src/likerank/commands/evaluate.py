"""Command evaluate: ranks the test split of one chosen run."""

from omegaconf import DictConfig

from likerank.app.paths import Folders, open_tracking
from likerank.evaluation import ScoreTable
from likerank.training.evaluate import evaluate_run


def evaluate(config: DictConfig, *, show: bool = True) -> ScoreTable:
    """Ranks the test split with a run's network and baselines, and keeps the table in the run.

    Raises:
        LikerankError: If the run is not there, did not finish, or its snapshot is gone.
    """
    run = open_tracking(config).run(str(config.run_id))
    return evaluate_run(run, Folders.of(config), show=show)
