"""Ranks the test split of one run, with everything rebuilt from that run."""

from likerank.app.paths import Folders
from likerank.dataset import TEST
from likerank.errors import LikerankError
from likerank.evaluation import ScoreTable
from likerank.reports.table import print_score_table
from likerank.tracking import Run
from likerank.training.figures import keep_figures
from likerank.training.rebuild import rebuild, trained_predictors
from likerank.training.results import caption_of, rank_split, title_of


def evaluate_run(run: Run, folders: Folders, *, show: bool = True) -> ScoreTable:
    """Ranks the test split with a run's network and baselines, and keeps the table in the run.

    Args:
        run: A finished training.
        folders: The project's folders.
        show: Whether to print the table.

    Raises:
        LikerankError: If the run did not finish, has a network for each fold only, or its snapshot is gone.
    """
    if run.status != "FINISHED":
        raise LikerankError(f"Run {run.id} is {run.status.lower()}; resume={run.id} goes on with it.")
    assembly = rebuild(run, folders)
    plan = assembly.plan()
    if plan.folds is not None and not run.model_ids:
        raise LikerankError(
            f"Run {run.id} has a network for each of its folds and none to score test with; likerank "
            f"promote run_id={run.id} trains one on all of their posts where the folds' evidence is enough."
        )
    predictors = trained_predictors(run, assembly, folders)
    table = rank_split(run, TEST, predictors)
    if plan.figures:
        keep_figures(run, TEST, predictors.snapshot, table, plan)
    if show:
        print_score_table(
            table, title=title_of(TEST, predictors.snapshot, plan), caption=caption_of(predictors.snapshot)
        )
    return table
