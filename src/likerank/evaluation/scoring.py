"""The one path from scores to a table: every predictor, across authors and within an author."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from likerank.errors import LikerankError
from likerank.evaluation.comparison import Comparison, FloatArray, IntArray
from likerank.evaluation.intervals import interval_of
from likerank.evaluation.metrics import (
    Metric,
    NothingToCompareError,
    kendall_tau,
    mean_squared_error,
    ndcg,
    pairwise_accuracy,
    spearman,
)
from likerank.evaluation.position_match import position_match

ACROSS, WITHIN = "across", "within"
TRUTH_APPEAL, TRUTH_APPEAL_AUDIENCE = "truth_appeal", "truth_appeal_audience"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        position_match(2),
        position_match(5),
        position_match(10),
        pairwise_accuracy,
        spearman,
        kendall_tau,
        ndcg,
        mean_squared_error,
    )
}
"""What a table holds, by the name that stands in metric keys."""

_CEILING_OF = {WITHIN: TRUTH_APPEAL, ACROSS: TRUTH_APPEAL_AUDIENCE}


@dataclass(frozen=True)
class Scores:
    """What a predictor says of N posts.

    Attributes:
        ranking: Orders the posts, higher is better, float64 (N,).
        prediction: The same on the target's scale, float64 (N,).
    """

    ranking: FloatArray
    prediction: FloatArray


@dataclass(frozen=True)
class ScoreRow:
    """One predictor's score in one metric and scope.

    Attributes:
        predictor: Whose score.
        scope: `across` authors or `within` an author.
        metric: A name of METRICS.
        estimate: The score; None where it is absent.
        low: Lower bound of its 95 % interval; None where too few posts tell.
        high: Upper bound, likewise.
        chance: What a random order of the same posts scores on average; None for errors.
        ceiling: What the truth scores on the same posts; None where it is not known.
        skill: (estimate - chance) / (ceiling - chance); None where the ceiling is not surely above chance.
        posts: How many posts were compared.
        authors: How many authors they are of.
        note: Why the score is absent; empty where it is not.
    """

    predictor: str
    scope: str
    metric: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    ceiling: float | None = None
    skill: float | None = None
    posts: int = 0
    authors: int = 0
    note: str = ""


@dataclass(frozen=True)
class ScoreTable:
    """All scores of one split.

    Attributes:
        rows: One for each scope, predictor and metric, in that order; the truth's after the predictors'.
    """

    rows: tuple[ScoreRow, ...]

    def to_metrics(self) -> dict[str, float]:
        """Returns the scores that there are by key, such as `network/within/pairwise`."""
        return {
            f"{row.predictor}/{row.scope}/{row.metric}": row.estimate
            for row in self.rows
            if row.estimate is not None
        }

    def to_json(self) -> dict[str, Any]:
        """Returns the table in plain types, for `json.dump`."""
        return {"rows": [asdict(row) for row in self.rows]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ScoreTable":
        """Reads what `to_json` returned."""
        return cls(tuple(ScoreRow(**row) for row in content["rows"]))


def score_table(
    likes: ArrayLike,
    targets: ArrayLike,
    authors: ArrayLike,
    predictors: Mapping[str, Scores],
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    folds: ArrayLike | None = None,
) -> ScoreTable:
    """Scores every predictor on the same N posts, across authors and within an author.

    Ranking is judged on the likes, the error on the target. Where the truth of every post is known, the
    photo's appeal alone and with the author's audience are scored as two more predictors; the first is the
    ceiling within authors, the second across.

    Args:
        likes: Likes of each post, (N,).
        targets: The training target of each post, (N,).
        authors: Each post's author, a code or a name, (N,).
        predictors: Scores by predictor, each (N,).
        truth: Appeal and audience of each made post, (N,) both, NaN where they are not known.
        folds: Which training scored each post, (N,), where there were several: only posts of one training
            are ranked beside each other, and intervals say nothing of how trainings differ.

    Raises:
        LikerankError: If there are no posts, or arrays are of different lengths or hold NaN or infinity; the
            message names the predictor.
    """
    _, author = np.unique(np.asarray(authors), return_inverse=True)
    rankings = {name: scores.ranking for name, scores in predictors.items()} | _truth_rankings(truth)
    rows: list[ScoreRow] = []
    for scope, groups in ((ACROSS, folds), (WITHIN, _author_in_fold(author, folds))):
        constant = _rank("constant", scope, Comparison(likes, np.zeros(author.size), groups), author)
        ranked = {
            name: _rank(name, scope, _comparison_of(name, likes, ranking, groups), author)
            for name, ranking in rankings.items()
        }
        ceiling = ranked.get(_CEILING_OF[scope], {})
        for name, cells in ranked.items():
            rows += [
                _beside(row, constant[metric].estimate, ceiling.get(metric)) for metric, row in cells.items()
            ]
            if name in predictors:
                of_authors = groups if scope == WITHIN else None
                error = _comparison_of(name, targets, predictors[name].prediction, of_authors)
                rows.append(_row(name, scope, mean_squared_error, error, author))
    return ScoreTable(tuple(rows))


def _author_in_fold(author: IntArray, folds: ArrayLike | None) -> IntArray:
    if folds is None:
        return author
    return np.unique(np.column_stack((author, np.asarray(folds))), axis=0, return_inverse=True)[1]


def _truth_rankings(truth: tuple[ArrayLike, ArrayLike] | None) -> dict[str, FloatArray]:
    if truth is None:
        return {}
    appeal, audience = (np.asarray(part, np.float64) for part in truth)
    if np.isnan(appeal).any() or np.isnan(audience).any():
        return {}
    return {TRUTH_APPEAL: appeal, TRUTH_APPEAL_AUDIENCE: appeal + audience}


def _comparison_of(name: str, y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike | None) -> Comparison:
    try:
        return Comparison(y_true, y_score, groups)
    except LikerankError as error:
        raise LikerankError(f"{name} cannot be scored: {error}") from error


def _rank(name: str, scope: str, comparison: Comparison, author: IntArray) -> dict[str, ScoreRow]:
    ranking_metrics = (metric for metric in METRICS.values() if metric is not mean_squared_error)
    return {metric.name: _row(name, scope, metric, comparison, author) for metric in ranking_metrics}


def _row(name: str, scope: str, metric: Metric, comparison: Comparison, author: IntArray) -> ScoreRow:
    row = ScoreRow(predictor=name, scope=scope, metric=metric.name)
    try:
        compared = metric.compare(comparison).denominator > 0
    except NothingToCompareError as error:
        return replace(row, note=str(error))
    found = interval_of(metric, comparison)
    return replace(
        row,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        posts=int(comparison.size[compared].sum()),
        authors=int(np.unique(author[compared[comparison.group]]).size),
    )


def _beside(row: ScoreRow, chance: float | None, ceiling: ScoreRow | None) -> ScoreRow:
    """Adds chance, which is what a constant scores, the ceiling, and the skill between them."""
    if ceiling is None or ceiling.estimate is None or chance is None or row.estimate is None:
        return replace(row, chance=chance)
    surely_above = ceiling.low is not None and ceiling.low > chance + 1e-9
    skill = (row.estimate - chance) / (ceiling.estimate - chance) if surely_above else None
    return replace(row, chance=chance, ceiling=ceiling.estimate, skill=skill)
