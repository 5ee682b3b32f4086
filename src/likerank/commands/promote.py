"""Command promote: makes a run's model the champion, where it ranks better than the present one."""

from omegaconf import DictConfig

from likerank.app.instantiate import make_group
from likerank.app.paths import Folders, open_tracking
from likerank.evaluation import Metric
from likerank.training.champion import challenge


def promote(config: DictConfig) -> bool:
    """Compares a run's network with the champion's and promotes the better; see `challenge`.

    Returns:
        Whether the run's model is champion now.

    Raises:
        LikerankError: If the run is not there, did not finish, or cannot be compared with the champion.
    """
    tracking = open_tracking(config)
    run = tracking.run(str(config.run_id))
    verdict = challenge(
        run,
        tracking,
        Folders.of(config),
        metric=str(config.metric),
        metrics=make_group(config, "metrics", Metric),
        score_test=True,
        force=bool(config.force),
    )
    return verdict.champion == run.id
