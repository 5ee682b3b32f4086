"""From scores to a table: every predictor, across authors and within an author."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from likerank.errors import LikerankError
from likerank.evaluation.intervals import interval_of
from likerank.evaluation.metric import Metric, MetricWords, UndefinedMetricError
from likerank.evaluation.metrics import METRICS, with_metrics
from likerank.evaluation.scored_posts import FloatArray, IntArray, ScoredPosts

ACROSS, WITHIN = "across", "within"
TRUTH_APPEAL, TRUTH_APPEAL_AUDIENCE = "truth_appeal", "truth_appeal_audience"

_CEILING_OF = {WITHIN: TRUTH_APPEAL, ACROSS: TRUTH_APPEAL_AUDIENCE}
_DEFAULT_WORDS = tuple(metric.words for metric in METRICS.values())


@dataclass(frozen=True)
class Scores:
    """A predictor's scores of N posts.

    Attributes:
        ranking: Scores that order the posts, higher is better, float64 (N,).
        prediction: Predicted targets, float64 (N,).
    """

    ranking: FloatArray
    prediction: FloatArray


@dataclass(frozen=True)
class ScoreRow:
    """One predictor's score in one metric and scope.

    Attributes:
        predictor: The predictor's name.
        scope: `across` authors or `within` an author.
        metric: The metric's name.
        estimate: The score; None where it is absent.
        low: Lower bound of its 95 % interval; None where there are too few posts.
        high: Upper bound; None where there are too few posts.
        chance: Mean score of a random order of the same posts; None for errors.
        ceiling: Score of the truth on the same posts; None where the truth is not known.
        skill: (estimate - chance) / (ceiling - chance); None where the ceiling is not surely above chance.
        posts: Number of posts that were scored.
        authors: Number of their authors.
        note: The reason why the score is absent; empty where there is a score.
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
        metrics: The words of each metric, in the order of the columns; the first one shown leads: its
            interval and skill are columns, too.
    """

    rows: tuple[ScoreRow, ...]
    metrics: tuple[MetricWords, ...] = _DEFAULT_WORDS

    @property
    def shown(self) -> list[MetricWords]:
        """The metrics that tables have as columns, the leading one first."""
        return [words for words in self.metrics if words.shown]

    def to_metrics(self) -> dict[str, float]:
        """Returns the scores by key, such as `network/within/pairwise`, without those that are absent."""
        return {
            f"{row.predictor}/{row.scope}/{row.metric}": row.estimate
            for row in self.rows
            if row.estimate is not None
        }

    def to_json(self) -> dict[str, Any]:
        """Returns the table in plain types, for `json.dump`."""
        return {
            "metrics": [words._asdict() for words in self.metrics],
            "rows": [asdict(row) for row in self.rows],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ScoreTable":
        """Reads the result of `to_json`; a table of an older version has no words and the default metrics."""
        rows = tuple(ScoreRow(**row) for row in content["rows"])
        if "metrics" not in content:
            return cls(rows)
        return cls(rows, tuple(MetricWords(**words) for words in content["metrics"]))


def score_table(
    likes: ArrayLike,
    targets: ArrayLike,
    authors: ArrayLike,
    predictors: Mapping[str, Scores],
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    folds: ArrayLike | None = None,
    metrics: Iterable[Metric] = (),
) -> ScoreTable:
    """Scores every predictor on the same N posts, across authors and within an author.

    Ranking is judged on the likes, errors on the target. Where the truth of every post is known, the photo's
    appeal alone and with the author's audience are scored as two more predictors; the first is the ceiling
    within authors, the second across.

    Args:
        likes: Likes of each post, (N,).
        targets: The training target of each post, (N,).
        authors: Each post's author, a code or a name, (N,).
        predictors: Scores by predictor, each (N,).
        truth: Appeal and audience of each synthetic post, (N,) both, NaN where they are not known.
        folds: The training that scored each post, (N,), where there were several: only posts of one training
            are ranked beside each other, and intervals say nothing of how trainings differ.
        metrics: More metrics, beside METRICS.

    Raises:
        LikerankError: If there are no posts, or arrays are of different lengths or hold NaN or infinity (the
            message names the predictor), or if two metrics have the same name.
    """
    _, author = np.unique(np.asarray(authors), return_inverse=True)
    rankings = {name: scores.ranking for name, scores in predictors.items()} | _truth_rankings(truth)
    measured = with_metrics(metrics).values()
    rows: list[ScoreRow] = []
    within = author
    if folds is not None:
        within = np.unique(np.column_stack((author, folds)), axis=0, return_inverse=True)[1]
    for scope, groups in ((ACROSS, folds), (WITHIN, within)):
        constant = ScoredPosts(likes, np.zeros(author.size), groups)
        chance = {metric.name: _chance(metric, constant) for metric in measured}
        ceiling: dict[str, ScoreRow] = {}
        scored: list[ScoreRow] = []
        for name, ranking in rankings.items():
            posts = _posts_of(name, likes, ranking, groups)
            errors = None
            if name in predictors:
                of_authors = groups if scope == WITHIN else None
                errors = _posts_of(name, targets, predictors[name].prediction, of_authors)
            of_predictor = [
                replace(_row(name, scope, metric, judged, author), chance=chance[metric.name])
                for metric in measured
                if (judged := errors if metric.on_target else posts) is not None
            ]
            if name == _CEILING_OF[scope]:
                ceiling = {row.metric: row for row in of_predictor}
            scored += of_predictor
        rows += [_below_ceiling(row, ceiling.get(row.metric)) for row in scored]
    return ScoreTable(tuple(rows), tuple(metric.words for metric in measured))


def find_metric(key: str, metrics: Iterable[Metric] = ()) -> tuple[Metric, bool]:
    """Returns the metric of a key such as `within/pairwise`, and whether it is within authors.

    Args:
        key: Scope and name. Errors are no choice: they are on the target's scale, which configurations do
            not share.
        metrics: More metrics, beside METRICS.

    Raises:
        LikerankError: If there is no such metric.
    """
    scope, _, name = key.partition("/")
    known = {name: metric for name, metric in with_metrics(metrics).items() if not metric.on_target}
    if scope not in (WITHIN, ACROSS) or name not in known:
        raise LikerankError(
            f"metric is {key}; it must be {WITHIN}/ or {ACROSS}/ and one of {', '.join(known)}."
        )
    return known[name], scope == WITHIN


def _truth_rankings(truth: tuple[ArrayLike, ArrayLike] | None) -> dict[str, FloatArray]:
    if truth is None:
        return {}
    appeal, audience = (np.asarray(part, np.float64) for part in truth)
    if np.isnan(appeal).any() or np.isnan(audience).any():
        return {}
    return {TRUTH_APPEAL: appeal, TRUTH_APPEAL_AUDIENCE: appeal + audience}


def _posts_of(name: str, y_true: ArrayLike, y_score: ArrayLike, groups: ArrayLike | None) -> ScoredPosts:
    try:
        return ScoredPosts(y_true, y_score, groups)
    except LikerankError as error:
        raise LikerankError(f"{name} cannot be scored: {error}") from error


def _chance(metric: Metric, posts: ScoredPosts) -> float | None:
    try:
        return None if metric.on_target else metric.chance_among(posts)
    except UndefinedMetricError:
        return None


def _row(name: str, scope: str, metric: Metric, posts: ScoredPosts, author: IntArray) -> ScoreRow:
    row = ScoreRow(predictor=name, scope=scope, metric=metric.name)
    try:
        scored = metric.by_group(posts).denominator > 0
    except UndefinedMetricError as error:
        return replace(row, note=str(error))
    found = interval_of(metric, posts)
    return replace(
        row,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        posts=int(posts.size[scored].sum()),
        authors=int(np.unique(author[scored[posts.group]]).size),
    )


def _below_ceiling(row: ScoreRow, ceiling: ScoreRow | None) -> ScoreRow:
    """Adds the ceiling, and the skill between chance and ceiling."""
    if ceiling is None or ceiling.estimate is None or row.chance is None or row.estimate is None:
        return row
    surely_above = ceiling.low is not None and ceiling.low > row.chance + 1e-9
    skill = (row.estimate - row.chance) / (ceiling.estimate - row.chance) if surely_above else None
    return replace(row, ceiling=ceiling.estimate, skill=skill)
