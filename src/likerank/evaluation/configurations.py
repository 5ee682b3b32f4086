"""Comparison of configurations: the order of their scores, and whether the best is surely better.

A configuration is scored once for each seed on the same posts; its score is the mean over seeds. The score
varies with the posts (the delete-one jackknife of `intervals`, paired between configurations) and with the
seeds. The spread over seeds is pooled over all networks that are compared, since two or three seeds estimate
it badly (a seed that diverged counts for its own configuration only), but is never less than the
configuration's own. A baseline whose score changes with the seed is taken to vary at least as much.

The best is found among all pairs, so a difference to the best is judged at 95 % for all pairs at once
(Bonferroni). Corrected for the best's own pairs only, the best of ten equal configurations would seem better
than some other in 15 of 100 comparisons, of forty in 34 (Tukey's studentised range).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from likerank.errors import LikerankError
from likerank.evaluation.intervals import CONFIDENCE, Interval, Jackknife, Variance, bounded, jackknife
from likerank.evaluation.metric import Metric, MetricWords
from likerank.evaluation.scopes import ACROSS, WITHIN, JudgedPosts


@dataclass(frozen=True)
class Candidate:
    """A configuration's scores, or a baseline's.

    Attributes:
        label: The name to print, unlike any other's.
        scores: Scores of the N posts, (N,), by seed; higher is better.
        kind: The predictor, such as `network` or `ridge`: the spread over seeds is pooled within a kind.
        family: A name that candidates share which differ in the seed only; the label by default.
    """

    label: str
    scores: Mapping[int, ArrayLike]
    kind: str = "network"
    family: str = ""


@dataclass(frozen=True)
class Standing:
    """One candidate's result.

    Attributes:
        label: The candidate's label.
        kind: The candidate's kind.
        by_seed: The score of each seed.
        score: The mean over seeds with its 95 % interval.
        spread: Standard deviation over the seeds; None where there is one.
        seeds_counted: Whether the intervals include the variation with the seed.
        behind: The best's score minus this one's on the same posts, its interval at 95 % for all pairs at
            once; None for the best itself.
    """

    label: str
    kind: str
    by_seed: Mapping[int, float]
    score: Interval
    spread: float | None
    seeds_counted: bool
    behind: Interval | None

    @property
    def surely_behind(self) -> bool:
        """Whether the best is better, beyond the interval."""
        return self.behind is not None and self.behind.low is not None and self.behind.low > 0


@dataclass(frozen=True)
class Comparison:
    """Candidates on the same posts, the best first.

    Attributes:
        standings: One for each candidate, by falling score.
        chance: Mean score of a random order of the same posts.
        posts: Number of posts that were scored.
        authors: Number of their authors; 0 across authors.
        metric: The words of the metric that the candidates are compared by.
        scope: `nearby`, `within` or `across`.
    """

    standings: tuple[Standing, ...]
    chance: float
    posts: int
    authors: int
    metric: MetricWords
    scope: str = ACROSS

    @property
    def verdict(self) -> str:
        """A sentence that names the best and says whether it is surely better."""
        best, others = self.standings[0], self.standings[1:]
        open_ = [standing.label for standing in others if not standing.surely_behind]
        if not others:
            return f"There is nothing to compare {best.label} with."
        if not open_:
            return f"{best.label} is better than {'all others' if len(others) > 1 else others[0].label}."
        if len(open_) == len(others):
            ahead = others[0].label if len(others) == 1 else "any other"
            return (
                f"Nothing is better than the rest: {best.label} is ahead, but not surely better than {ahead}."
            )
        return f"{best.label} is best, but not surely better than {listed(open_)}."


class _Scored(NamedTuple):
    """A candidate with its score of each seed and the seeds' part of its variance."""

    candidate: Candidate
    by_seed: dict[int, float]
    posts: Jackknife
    seeds: Sequence[Variance] = ()

    @property
    def family(self) -> str:
        return self.candidate.family or self.candidate.label


def compare_candidates(
    metric: Metric,
    likes: ArrayLike,
    candidates: Sequence[Candidate],
    authors: ArrayLike | None = None,
) -> Comparison:
    """Orders candidates by a metric on the same N posts and says which surely differ from the best.

    Args:
        metric: The metric to compare by; higher is better.
        likes: Likes of each post, (N,).
        candidates: At least one, each with at least one seed.
        authors: Each post's author for the score within authors, None to score all posts together.

    Raises:
        UndefinedMetricError: If no author has enough posts.
        LikerankError: If scores are not one finite number for each post; the message names the candidate.
    """
    posts = JudgedPosts(likes, np.zeros(np.shape(likes)) if authors is None else authors)
    return compare_in_scope(metric, posts, ACROSS if authors is None else WITHIN, candidates)


def compare_in_scope(
    metric: Metric, judged: JudgedPosts, scope: str, candidates: Sequence[Candidate]
) -> Comparison:
    """Does the same in any scope: `nearby`, `within` or `across`."""
    chance = metric.chance_among(judged.scored(scope, metric, np.zeros(judged.author.size)))
    scored = _with_seeds([_scored(metric, judged, scope, candidate) for candidate in candidates])
    # A stable sort by the printed score: candidates with equal scores keep their order.
    scored.sort(key=lambda each: -round(each.posts.estimate, 12))
    best = scored[0]
    posts = judged.scored(scope, metric, next(iter(best.candidate.scores.values())))
    counted = metric.scores(posts)
    pairs = max(len(scored) * (len(scored) - 1) // 2, 1)
    return Comparison(
        standings=tuple(
            Standing(
                label=each.candidate.label,
                kind=each.candidate.kind,
                by_seed=each.by_seed,
                score=bounded(each.posts, metric.lowest, metric.highest, each.seeds),
                spread=_spread(list(each.by_seed.values())),
                seeds_counted=bool(each.seeds),
                behind=None if each is best else _behind(metric, best, each, 1 - (1 - CONFIDENCE) / pairs),
            )
            for each in scored
        ),
        chance=chance,
        posts=int(np.count_nonzero(counted)),
        authors=0 if scope == ACROSS else int(np.unique(judged.authors_of(scope)[counted]).size),
        metric=metric.words,
        scope=scope,
    )


def _scored(metric: Metric, judged: JudgedPosts, scope: str, candidate: Candidate) -> _Scored:
    try:
        found = {
            seed: jackknife(metric, judged.scored(scope, metric, scores))
            for seed, scores in candidate.scores.items()
        }
    except LikerankError as error:
        raise LikerankError(f"{candidate.label} cannot be compared: {error}") from error
    each = list(found.values())
    mean = Jackknife(
        float(np.mean([one.estimate for one in each])),
        np.asarray(np.mean([one.deviations for one in each], axis=0)),
        min(one.degrees for one in each),
    )
    return _Scored(candidate, {seed: one.estimate for seed, one in found.items()}, mean)


def _with_seeds(scored: list[_Scored]) -> list[_Scored]:
    """Adds the seeds' part of the variance to each candidate whose kind has two seeds."""
    families: dict[str, dict[str, list[float]]] = {}
    for each in scored:
        of_kind = families.setdefault(each.candidate.kind, {})
        of_kind.setdefault(each.family, []).extend(each.by_seed.values())
    pooled = {kind: _pooled(list(of_kind.values())) for kind, of_kind in families.items()}
    surest = max(pooled.values(), key=lambda variance: variance.degrees)

    def of_seeds(each: _Scored) -> list[Variance]:
        of_kind = pooled[each.candidate.kind]
        if not of_kind.degrees:
            return []
        own = _spread(families[each.candidate.kind][each.family]) or 0.0
        # A baseline's few seeds estimate its spread badly, so it is taken to vary as much as the kind with
        # the most seeds; but not where no seed ever changes it.
        least = surest.value if of_kind.value else 0.0
        return [Variance(max(own**2, of_kind.value, least) / len(each.by_seed), surest.degrees)]

    return [each._replace(seeds=of_seeds(each)) for each in scored]


def _pooled(families: list[list[float]]) -> Variance:
    """Pools the families' variances, without those of a training that diverged."""
    degrees = np.array([len(family) - 1 for family in families if len(family) > 1], np.float64)
    variances = np.array([(_spread(family) or 0.0) ** 2 for family in families if len(family) > 1])
    if variances.size >= 4:  # enough for a median
        usual = float(np.median(variances * degrees / chdtri(degrees, 0.5)))
        kept = variances * degrees <= usual * chdtri(degrees, 0.001)
        variances, degrees = variances[kept], degrees[kept]
    return Variance(float(variances @ degrees / max(degrees.sum(), 1)), int(degrees.sum()))


def _spread(scores: list[float]) -> float | None:
    # Around the first, so that equal scores have no spread, and not that of rounding.
    return float(np.std(np.array(scores) - scores[0], ddof=1)) if len(scores) > 1 else None


def _behind(metric: Metric, best: _Scored, other: _Scored, confidence: float) -> Interval:
    widest, difference = metric.highest - metric.lowest, best.posts.less(other.posts)
    return bounded(difference, -widest, widest, [*best.seeds, *other.seeds], confidence)


def listed(labels: list[str], most: int = 4) -> str:
    """Returns the first labels and the number of others in words."""
    more = [f"{len(labels) - most} more"] if len(labels) > most else []
    return "; ".join([*labels[:most], *more])
