"""From a trained scorer to a ranking table: the one way for validation and test."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from omegaconf import DictConfig

from likerank.dataset import SELECT, TEST, TRAIN, VALIDATION, Snapshot
from likerank.errors import LikerankError
from likerank.evaluation import (
    ACROSS,
    METRICS,
    WITHIN,
    Calibration,
    Metric,
    Scores,
    ScoreTable,
    mean_squared_error,
    score_table,
)
from likerank.models import Baseline, Scorer
from likerank.run_names import FOLDS, RESULTS
from likerank.tracking import Run

_TRAINING_POSTS_SCORED = 20_000
_POLICIES = {
    "random": "posts at random, so that their authors were trained on",
    "unseen_authors": (
        "nobody ranked here was trained on, so across authors and in mse nothing knows what is usual for them"
    ),
    "later_posts": "ranked posts are later than all that were trained on",
    "later_posts_per_author": (
        "an author's ranked posts are later than those trained on; other authors' may be earlier"
    ),
}
MADE = "The posts are made: drawn pictures with likes by a formula. They are not Instagram's."


def score_posts(
    snapshot: Snapshot, rows: NDArray[np.int64], scorer: Scorer, baselines: Mapping[str, Baseline]
) -> dict[str, Scores]:
    """Returns what the network and each baseline say of some posts."""
    network = scorer.score(snapshot.pixels, rows)
    scores = {"network": Scores(ranking=network, prediction=network)}
    for name, baseline in baselines.items():
        scores[name] = Scores(
            ranking=baseline.rank(snapshot.pixels, snapshot.posts, rows),
            prediction=baseline.predict(snapshot.pixels, snapshot.posts, rows),
        )
    return scores


def rank_split(
    run: Run,
    split: str,
    snapshot: Snapshot,
    targets: NDArray[np.float32],
    scorer: Scorer,
    baselines: Mapping[str, Baseline],
) -> ScoreTable:
    """Scores a split, and keeps predictions, metrics and table in the run.

    Of validation all posts are predicted and the `select` half alone is ranked: the `stop` half has chosen
    the checkpoint.

    Args:
        run: Where it is kept.
        split: `val` or `test`.
        snapshot: The dataset.
        targets: The target of every post, shape (N,).
        scorer: The trained network.
        baselines: The fitted baselines by name.
    """
    rows = snapshot.rows(split)
    posts = snapshot.posts.iloc[rows]
    scores = score_posts(snapshot, rows, scorer, baselines)
    ranked = (posts["half"] == SELECT).to_numpy() if split == VALIDATION else np.ones(len(rows), dtype=bool)
    compared = posts[ranked]
    table = score_table(
        likes=compared["likes"].to_numpy(dtype=np.float64),
        targets=targets[rows[ranked]].astype(np.float64),
        authors=pd.factorize(compared["author"])[0],
        predictors={
            name: Scores(ranking=each.ranking[ranked], prediction=each.prediction[ranked])
            for name, each in scores.items()
        },
        truth=truth_of(compared),
    )
    keep_predictions(
        run, split, posts[["key", "author", "likes", "half"]].assign(target=targets[rows]), scores
    )
    keep_table(run, split, table)
    return table


def what_ranking_needs(snapshot: Snapshot, scorer: Scorer) -> dict[str, Any]:
    """Returns, in plain types, what the scores of new photos are compared with."""
    rows = snapshot.rows(VALIDATION, SELECT)
    posts = snapshot.posts.iloc[rows]
    calibration = Calibration.fit(
        # A split's rows lie in random order, and these place a quantile to a third of a percent.
        training_scores=scorer.score(snapshot.pixels, snapshot.rows(TRAIN)[:_TRAINING_POSTS_SCORED]),
        scores=scorer.score(snapshot.pixels, rows),
        likes=posts["likes"].to_numpy(dtype=np.float64),
        authors=pd.factorize(posts["author"])[0],
    )
    return calibration.to_json() | {"made": bool(snapshot.manifest["made"])}


def title_of(split: str, snapshot: Snapshot, config: DictConfig) -> str:
    """Returns what stands above a table: which posts were ranked, and what was learned of them."""
    part = {
        VALIDATION: "validation, select half",
        TEST: "test",
        FOLDS: f"{config.evaluation.get('folds')} folds of train and validation",
    }[split]
    return f"{name_of(config)}: {part} of snapshot {snapshot.fingerprint}"


def name_of(config: DictConfig) -> str:
    """Returns what a training is called where people read it: its network and its target."""
    network, target = (config[group]._target_.rsplit(".", 1)[-1] for group in ("network", "target"))
    return f"{network} on {target}"


def caption_of(snapshot: Snapshot) -> list[str]:
    """Returns the lines that must stand below a table of this snapshot."""
    policy = snapshot.recipe["split"]
    return [f"Split {policy}: {_POLICIES[policy]}.", *([MADE] if snapshot.manifest["made"] else [])]


def truth_of(posts: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Returns appeal and audience of made posts, shape (N,) both; None for others."""
    if posts["appeal"].isna().any():
        return None
    return posts["appeal"].to_numpy(dtype=np.float64), posts["audience"].to_numpy(dtype=np.float64)


def keep_predictions(run: Run, split: str, posts: pd.DataFrame, scores: Mapping[str, Scores]) -> None:
    """Writes columns of N posts, and each predictor's ranking of them, into `predictions/{split}.parquet`."""
    table = posts.assign(**{name: each.ranking for name, each in scores.items()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{split}.parquet"
        table.to_parquet(file, index=False)
        run.log_file(file, "predictions")


def keep_table(run: Run, split: str, table: ScoreTable) -> None:
    """Writes a split's table into the run, whole and as metrics."""
    run.log_metrics({f"{split}/{key}": value for key, value in table.to_metrics().items()})
    run.log_json(_results(run) | {split: table.to_json()}, RESULTS)


def kept_table(run: Run, split: str) -> ScoreTable:
    """Returns the table of a split that a run keeps.

    Raises:
        LikerankError: If it keeps none.
    """
    results = _results(run)
    if split not in results:
        raise LikerankError(f"Run {run.id} keeps no table of {split}; choose another run.")
    return ScoreTable.from_json(results[split])


def kept_splits(run: Run) -> list[str]:
    """Returns the splits that a run keeps a table of."""
    return list(_results(run))


def kept_predictions(run: Run, split: str) -> pd.DataFrame:
    """Returns what a run's predictors said of a split's posts.

    Returns:
        A row a post: `key`, `author`, `likes`, `half`, `target` and a column of scores for each predictor.

    Raises:
        LikerankError: If it keeps none.
    """
    return pd.read_parquet(run.artifact(f"predictions/{split}.parquet"))


def metric_named(key: str) -> tuple[Metric, bool]:
    """Returns the metric that a key such as `within/pairwise` names, and whether it is within authors.

    Raises:
        LikerankError: If it names none that rankings can be compared by.
    """
    scope, _, name = key.partition("/")
    # Errors are on the target's scale and never compared between targets.
    known = {name: metric for name, metric in METRICS.items() if metric is not mean_squared_error}
    if scope not in (WITHIN, ACROSS) or name not in known:
        raise LikerankError(
            f"metric is {key}; it must be {WITHIN}/ or {ACROSS}/ and one of {', '.join(known)}."
        )
    return known[name], scope == WITHIN


def _results(run: Run) -> dict[str, Any]:
    if not run.has_artifact(RESULTS):
        return {}
    kept: dict[str, Any] = json.loads(run.artifact(RESULTS).read_text())
    return kept
