"""From scores to a table: every predictor, across authors and within an author."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from likerank.errors import LikerankError
from likerank.evaluation.ceiling import Ceiling, too_few_in_words
from likerank.evaluation.intervals import interval_of
from likerank.evaluation.metric import Metric, MetricWords, UndefinedMetricError
from likerank.evaluation.metrics import BANDS, METRICS, pairwise_accuracy, with_metrics
from likerank.evaluation.scopes import (
    ACROSS,
    HEADLINE,
    NEARBY,
    SCOPES,
    WITHIN,
    JudgedPosts,
)
from likerank.evaluation.scored_posts import FloatArray, ScoredPosts

TRUTH_APPEAL, TRUTH_APPEAL_AUDIENCE = "truth_appeal", "truth_appeal_audience"

_CEILING_OF = {NEARBY: TRUTH_APPEAL, WITHIN: TRUTH_APPEAL, ACROSS: TRUTH_APPEAL_AUDIENCE}
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
        scope: `across` authors, `within` an author, or `nearby`: within an author and close in time.
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
        headline: The scope that the table leads with.
        days: How many days apart posts nearby may be; None where the table has no such scope.
        ceiling: What is known of the ceiling, in a sentence, where it is estimated.
    """

    rows: tuple[ScoreRow, ...]
    metrics: tuple[MetricWords, ...] = _DEFAULT_WORDS
    headline: str = WITHIN
    days: float | None = None
    ceiling: str = ""

    @property
    def shown(self) -> list[MetricWords]:
        """The metrics that tables have as columns, the leading one first."""
        return [words for words in self.metrics if words.shown]

    @property
    def knows_truth(self) -> bool:
        """Whether the posts are synthetic, so that the ceiling is their truth."""
        return any(row.predictor == TRUTH_APPEAL for row in self.rows)

    def to_metrics(self) -> dict[str, float]:
        """Returns the scores by key, such as `network/within/pairwise`, without those that are absent.

        Those of the scope that the table leads with are there a second time, as `network/headline/pairwise`.
        """
        return {
            f"{row.predictor}/{scope}/{row.metric}": row.estimate
            for row in self.rows
            for scope in ([row.scope, HEADLINE] if row.scope == self.headline else [row.scope])
            if row.estimate is not None
        }

    def to_json(self) -> dict[str, Any]:
        """Returns the table in plain types, for `json.dump`."""
        return {
            "metrics": [words._asdict() for words in self.metrics],
            "rows": [asdict(row) for row in self.rows],
            "headline": self.headline,
            "days": self.days,
            "ceiling": self.ceiling,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ScoreTable":
        """Reads the result of `to_json`; a table of an older version has no words and the default metrics."""
        rows = tuple(ScoreRow(**row) for row in content["rows"])
        if "metrics" not in content:
            return cls(rows)
        words = tuple(MetricWords(**words) for words in content["metrics"])
        return cls(
            rows, words, content.get("headline", WITHIN), content.get("days"), content.get("ceiling", "")
        )


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

    Arguments and errors as for `score_judged`, for posts without dates.
    """
    return score_judged(JudgedPosts(likes, authors, folds=folds), targets, predictors, truth, metrics)


def score_judged(
    judged: JudgedPosts,
    targets: ArrayLike,
    predictors: Mapping[str, Scores],
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    metrics: Iterable[Metric] = (),
) -> ScoreTable:
    """Scores every predictor on the same N posts: across authors, within an author and nearby.

    Ranking is judged on the likes, errors on the target. Where the truth of every post is known, the photo's
    appeal alone and with the author's audience are scored as two more predictors; the first is the ceiling
    within authors, the second across. Where there were several trainings, intervals say nothing of how these
    differ.

    Args:
        judged: The posts. Without dates the table has no scope `nearby`.
        targets: The training target of each post, (N,).
        predictors: Scores by predictor, each (N,).
        truth: Appeal and audience of each synthetic post, (N,) both, NaN where they are not known.
        metrics: More metrics, beside METRICS.

    Raises:
        LikerankError: If there are no posts, or arrays are of different lengths or hold NaN or infinity (the
            message names the predictor), or if two metrics have the same name.
    """
    rankings = {name: scores.ranking for name, scores in predictors.items()} | _truth_rankings(truth)
    everywhere = list(with_metrics(metrics).values())
    rows: list[ScoreRow] = []
    for scope in (ACROSS, WITHIN, *([NEARBY] if judged.dated else [])):
        measured = [*everywhere, *BANDS] if scope == judged.headline else everywhere
        constant = _Scoring(judged, scope, "chance", np.zeros(judged.author.size))
        chance = {metric.name: constant.chance(metric) for metric in measured}
        ceiling: dict[str, ScoreRow] = {}
        scored: list[ScoreRow] = []
        for name, ranking in rankings.items():
            errors = (targets, predictors[name].prediction) if name in predictors else ()
            scoring = _Scoring(judged, scope, name, ranking, errors)
            of_predictor = [
                replace(scoring.row(metric), chance=chance[metric.name])
                for metric in measured
                if errors or not metric.on_target
            ]
            if name == _CEILING_OF[scope]:
                ceiling = {row.metric: row for row in of_predictor}
            scored += of_predictor
        rows += [_below_ceiling(row, ceiling.get(row.metric)) for row in scored]
    words = tuple(metric.words for metric in (*everywhere, *BANDS))
    return ScoreTable(tuple(rows), words, judged.headline, judged.most_days if judged.dated else None)


def with_estimated_ceiling(table: ScoreTable, found: Ceiling | int) -> ScoreTable:
    """Returns a table of real posts with the ceiling of the pairs that it leads with, and skill against it.

    Args:
        table: The table; one whose truth is known keeps its ceiling.
        found: From `estimate_ceiling`.
    """
    if table.knows_truth:
        return table
    if isinstance(found, int):
        return replace(table, ceiling=too_few_in_words(found))
    pairs, lowest = found.pairs_of(found.share), found.pairs_of(found.low)

    def below(row: ScoreRow) -> ScoreRow:
        if (row.scope, row.metric) != (table.headline, pairwise_accuracy.name):
            return row
        if row.estimate is None or row.chance is None:
            return row
        skill = (row.estimate - row.chance) / (pairs - row.chance) if lowest > row.chance + 1e-9 else None
        return replace(row, ceiling=pairs, skill=skill)

    return replace(table, rows=tuple(map(below, table.rows)), ceiling=found.in_words())


def find_metric(key: str, metrics: Iterable[Metric] = ()) -> tuple[Metric, str]:
    """Returns the metric of a key such as `within/pairwise`, and its scope, which may be `headline`.

    Args:
        key: Scope and name. Errors are no choice: they are on the target's scale, which configurations do
            not share.
        metrics: More metrics, beside METRICS.

    Raises:
        LikerankError: If there is no such metric.
    """
    scope, _, name = key.partition("/")
    named = with_metrics(metrics) | {band.name: band for band in BANDS}
    known = {name: metric for name, metric in named.items() if not metric.on_target}
    if scope not in (HEADLINE, *SCOPES) or name not in known:
        raise LikerankError(
            f"metric is {key}; it must be {', '.join(f'{each}/' for each in (HEADLINE, *SCOPES[:-1]))} or "
            f"{SCOPES[-1]}/ and one of {', '.join(known)}."
        )
    return known[name], scope


class _Scoring:
    """One predictor's posts in one scope, made once for all metrics that compare the same ones."""

    def __init__(
        self,
        judged: JudgedPosts,
        scope: str,
        name: str,
        ranking: FloatArray,
        errors: tuple[ArrayLike, ...] = (),
    ) -> None:
        self.judged, self.scope, self.name = judged, scope, name
        self._ranking, self._errors = ranking, errors
        self._made: dict[tuple[bool, bool], ScoredPosts] = {}

    def posts(self, metric: Metric) -> ScoredPosts:
        """Returns the posts that a metric compares."""
        key = (metric.on_target, metric.of_lists)
        try:
            if key not in self._made:
                self._made[key] = (
                    self.judged.erring(self.scope, metric, *self._errors)
                    if metric.on_target
                    else self.judged.scored(self.scope, metric, self._ranking)
                )
        except UndefinedMetricError:
            raise
        except LikerankError as error:
            raise LikerankError(f"{self.name} cannot be scored: {error}") from error
        return self._made[key]

    def row(self, metric: Metric) -> ScoreRow:
        """Returns the predictor's score in a metric, with its interval."""
        row = ScoreRow(predictor=self.name, scope=self.scope, metric=metric.name)
        try:
            posts = self.posts(metric)
            scored = metric.scores(posts)
        except UndefinedMetricError as error:
            return replace(row, note=str(error))
        found = interval_of(metric, posts)
        return replace(
            row,
            estimate=found.estimate,
            low=found.low,
            high=found.high,
            posts=int(np.count_nonzero(scored)),
            authors=int(np.unique(self.judged.authors_of(self.scope)[scored]).size),
        )

    def chance(self, metric: Metric) -> float | None:
        """Returns the mean score of a random order of the posts."""
        try:
            return None if metric.on_target else metric.chance_among(self.posts(metric))
        except UndefinedMetricError:
            return None


def _truth_rankings(truth: tuple[ArrayLike, ArrayLike] | None) -> dict[str, FloatArray]:
    if truth is None:
        return {}
    appeal, audience = (np.asarray(part, np.float64) for part in truth)
    if np.isnan(appeal).any() or np.isnan(audience).any():
        return {}
    return {TRUTH_APPEAL: appeal, TRUTH_APPEAL_AUDIENCE: appeal + audience}


def _below_ceiling(row: ScoreRow, ceiling: ScoreRow | None) -> ScoreRow:
    """Adds the ceiling, and the skill between chance and ceiling."""
    if ceiling is None or ceiling.estimate is None or row.chance is None or row.estimate is None:
        return row
    surely_above = ceiling.low is not None and ceiling.low > row.chance + 1e-9
    skill = (row.estimate - row.chance) / (ceiling.estimate - row.chance) if surely_above else None
    return replace(row, ceiling=ceiling.estimate, skill=skill)
