"""Scores a split with a network and its baselines: the one way for validation, test and folds."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.dataset import SELECT, TEST, TRAIN, VALIDATION, Snapshot
from likerank.evaluation import JudgedPosts, Metric, Scores, ScoreTable, score_judged
from likerank.evaluation.calibration import Calibration
from likerank.evaluation.ceiling import estimate_ceiling
from likerank.evaluation.scoring import with_estimated_ceiling
from likerank.evaluation.trend import log_counts, usual_log_likes
from likerank.models.target import days_since_1970
from likerank.reports.export import score_frame, write_table
from likerank.reports.reading import reading_in_words
from likerank.run_names import FOLDS, NETWORK, NOTE, RANKING, TABLES
from likerank.tracking import Run
from likerank.tracking.results import save_predictions, save_table
from likerank.training.assembly import Plan, Predictors

KEPT: Final = ["key", "author", "likes", "target", "posted_at", "usual"]
"""Columns of posts that runs keep beside the scores."""
_TRAINING_POSTS_SCORED: Final = 20_000
_POLICIES: Final = {
    "random": "posts at random, so that their authors were trained on",
    "unseen_authors": (
        "nobody ranked here was trained on, so across authors and in mse nothing knows what is usual for them"
    ),
    "later_posts": "ranked posts are later than all that were trained on",
    "later_posts_per_author": (
        "an author's ranked posts are later than those trained on; other authors' may be earlier"
    ),
}
SYNTHETIC_NOTE: Final = (
    "The posts are synthetic: drawn pictures with likes by a formula. They are not Instagram's."
)


def score_posts(predictors: Predictors, rows: NDArray[np.int64]) -> dict[str, Scores]:
    """Returns the scores of some posts by the network and by each baseline."""
    snapshot = predictors.snapshot
    network = predictors.scorer.score(snapshot.pixels, rows)
    return {NETWORK: Scores(ranking=network, prediction=network)} | {
        name: Scores(
            ranking=baseline.rank(snapshot.pixels, snapshot.posts, rows),
            prediction=baseline.predict(snapshot.pixels, snapshot.posts, rows),
        )
        for name, baseline in predictors.baselines.items()
    }


def rank_split(run: Run, split: str, predictors: Predictors) -> ScoreTable:
    """Scores a split, and keeps predictions, metrics and table in the run.

    Of validation all posts are predicted and only the model-selection half is ranked: the early-stopping half
    has chosen the checkpoint.

    Args:
        run: The run that keeps the results.
        split: `val` or `test`.
        predictors: The trained network and its baselines.
    """
    snapshot = predictors.snapshot
    rows = snapshot.rows(split)
    posts = judged_rows(predictors, rows)
    scores = score_posts(predictors, rows)
    ranked = (posts["half"] == SELECT).to_numpy() if split == VALIDATION else np.ones(len(rows), dtype=bool)
    table = table_of(
        posts[ranked],
        {name: Scores(each.ranking[ranked], each.prediction[ranked]) for name, each in scores.items()},
        predictors.metrics,
        predictors.days,
    )
    table = with_ceiling_of_copies(table, snapshot, rows)
    save_predictions(run, split, posts[["half", *KEPT]], scores)
    keep_table(run, split, table)
    return table


def with_ceiling_of_copies(table: ScoreTable, snapshot: Snapshot, rows: NDArray[np.int64]) -> ScoreTable:
    """Returns a table with the ceiling of pictures that an author posted again, unless the truth is known.

    Args:
        table: The table of some posts.
        snapshot: Their dataset.
        rows: The rows that were predicted; copies are looked for among these and in training.
    """
    if table.knows_truth:
        return table
    around = np.union1d(snapshot.rows(TRAIN), rows)
    posts = snapshot.posts.iloc[around]
    logs = log_counts(posts["likes"].to_numpy(np.float64)) - _usual_of(snapshot, around, around)
    copies = posts["group" if "group" in posts else "digest"]
    found = estimate_ceiling(logs, posts["author"].to_numpy(str), copies.to_numpy())
    return with_estimated_ceiling(table, found)


def keep_table(run: Run, split: str, table: ScoreTable) -> None:
    """Writes a split's table into the run: as metrics, as JSON, as CSV and as LaTeX."""
    save_table(run, split, table)
    run.set_tags({NOTE: "\n\n".join(reading_in_words(table))})
    with tempfile.TemporaryDirectory() as folder:
        for file in write_table(score_frame(table), Path(folder), split):
            run.log_file(file, TABLES)


def table_of(
    posts: pd.DataFrame,
    scores: dict[str, Scores],
    metrics: Sequence[Metric],
    days: float,
    folds: NDArray[np.int64] | None = None,
) -> ScoreTable:
    """Returns the table of some posts.

    Args:
        posts: N rows of a post table, from `judged_rows`.
        scores: Each predictor's scores, (N,).
        metrics: The user's metrics.
        days: How many days apart posts nearby may be.
        folds: The fold whose training scored each post, (N,), where there were several.
    """
    return score_judged(
        JudgedPosts.of_table(posts, days, folds),
        targets=posts["target"].to_numpy(dtype=np.float64),
        predictors=scores,
        truth=_truth_of(posts),
        metrics=metrics,
    )


def judged_rows(predictors: Predictors, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Returns rows of the post table, with `target` and `usual`: log likes usual for the author then.

    The latter are estimated from the training posts and from these.
    """
    snapshot = predictors.snapshot
    usual = _usual_of(snapshot, np.union1d(snapshot.rows(TRAIN), rows), rows)
    return snapshot.posts.iloc[rows].assign(target=predictors.data.targets[rows], usual=usual)


def _usual_of(snapshot: Snapshot, of: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns what log likes were usual for the author of each row then, by some rows."""
    around, posts = snapshot.posts.iloc[of], snapshot.posts.iloc[rows]
    author = pd.Index(snapshot.posts["author"].unique())
    return usual_log_likes(
        log_counts(around["likes"].to_numpy(np.float64)),
        author.get_indexer(around["author"]),
        days_since_1970(around),
        author.get_indexer(posts["author"]),
        days_since_1970(posts),
    )


def keep_model(run: Run, predictors: Predictors, table: ScoreTable, held_out: pd.DataFrame) -> None:
    """Writes the network as the run's model, with what a ranking of new photos says.

    Args:
        run: The run.
        predictors: The trained network.
        table: The ranking that judged it.
        held_out: The rows of that ranking's posts, from `judged_rows`, with the scores, `network`.
    """
    example = np.random.default_rng(0).integers(
        0, 256, (2, *predictors.snapshot.pixels.shape[1:]), dtype=np.uint8
    )
    ranking = calibration_of(predictors, table, held_out)
    run.log_model(predictors.scorer.cpu(), example, predictors.data.state_dict() | {RANKING: ranking})


def calibration_of(predictors: Predictors, table: ScoreTable, held_out: pd.DataFrame) -> dict[str, Any]:
    """Returns, in plain types, what a ranking of new photos says: compared scores, and how sure they are.

    Args:
        predictors: The trained network.
        table: The ranking that judged it.
        held_out: As of `keep_model`.
    """
    snapshot, scorer = predictors.snapshot, predictors.scorer
    judged = JudgedPosts.of_table(held_out, predictors.days, held_out.get("fold"))
    calibration = Calibration.fit(
        # A split's rows lie in random order, and these place a quantile to a third of a percent.
        training_scores=scorer.score(snapshot.pixels, snapshot.rows(TRAIN)[:_TRAINING_POSTS_SCORED]),
        scores=held_out[NETWORK].to_numpy(),
        likes=judged.truth(judged.headline),
        authors=judged.author,
        windows=judged.windows,
    )
    evidence = list(reading_in_words(table))
    return calibration.to_json() | {"synthetic": snapshot.synthetic, "evidence": evidence}


def title_of(split: str, snapshot: Snapshot, plan: Plan) -> str:
    """Returns the title of a table: the posts that were ranked, and the network and the target."""
    part = {
        VALIDATION: "validation, model-selection half",
        TEST: "test",
        FOLDS: f"{plan.folds} folds of train and validation",
    }[split]
    return f"{plan.name}: {part} of snapshot {snapshot.fingerprint}"


def caption_of(snapshot: Snapshot) -> Sequence[str]:
    """Returns the lines that must stand below a table of this snapshot."""
    policy = snapshot.recipe["split"]
    return [f"Split {policy}: {_POLICIES[policy]}.", *([SYNTHETIC_NOTE] if snapshot.synthetic else [])]


def _truth_of(posts: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Returns appeal and audience of synthetic posts, shape (N,) both; None for others."""
    if posts["appeal"].isna().any():
        return None
    return posts["appeal"].to_numpy(dtype=np.float64), posts["audience"].to_numpy(dtype=np.float64)
