"""Stage evaluate: the test split's ranking of one chosen run, with everything rebuilt from that run."""

from omegaconf import DictConfig, OmegaConf

from likerank.app.paths import configured_tracking, snapshots_folder
from likerank.dataset import TEST, find_snapshot
from likerank.errors import LikerankError
from likerank.evaluation import ScoreTable
from likerank.models import Scorer
from likerank.reports import print_score_table
from likerank.run_names import CHECKPOINTS, CONFIG, FINGERPRINT
from likerank.tracking import Run
from likerank.training.baselines import configured_baselines
from likerank.training.figures import keep_figures
from likerank.training.instantiate import configured_data, configured_scorer, load_trained
from likerank.training.results import caption_of, rank_split, title_of


def evaluate(config: DictConfig, *, show: bool = True) -> ScoreTable:
    """Ranks the test split with a run's network and baselines, and keeps the table in the run.

    Args:
        config: Names the run.
        show: Whether to print the table.

    Raises:
        LikerankError: If the run is not there, did not finish, or its snapshot is gone.
    """
    run = configured_tracking(config).run(str(config.run_id))
    if run.status != "FINISHED":
        raise LikerankError(f"Run {run.id} is {run.status.lower()}; resume={run.id} goes on with it.")
    return evaluate_run(run, config, show=show)


def evaluate_run(run: Run, config: DictConfig, *, show: bool = True) -> ScoreTable:
    """As `evaluate`, for a finished run; of the configuration its folders alone are looked at."""
    trained = trained_configuration(run, config)
    if trained.evaluation.get("folds") is not None:
        raise LikerankError(
            f"Run {run.id} has a network for each of its folds and none to score test with; train without "
            "evaluation.folds."
        )
    data = configured_data(trained, find_snapshot(snapshots_folder(config), run.tags[FINGERPRINT]))
    baselines = configured_baselines(trained, data)
    scorer = trained_scorer(run, trained)
    table = rank_split(run, TEST, data.snapshot, data.targets, scorer, baselines)
    if trained.get("figures"):
        keep_figures(run, TEST, data.snapshot, table, trained)
    if show:
        print_score_table(
            table, title=title_of(TEST, data.snapshot, trained), caption=caption_of(data.snapshot)
        )
    return table


def trained_configuration(run: Run, config: DictConfig) -> DictConfig:
    """Returns the configuration that the run was trained by; only its folders may have moved since."""
    trained = OmegaConf.load(run.artifact(CONFIG))
    assert isinstance(trained, DictConfig)  # noqa: S101 - for the type checker
    trained.paths = config.paths
    return trained


def trained_scorer(run: Run, trained: DictConfig) -> Scorer:
    """Returns a finished run's network, with the weights of its chosen checkpoint."""
    scorer = configured_scorer(trained)
    load_trained(scorer, run.artifact(f"{CHECKPOINTS}/{trained.checkpoint}.ckpt"))
    return scorer
