"""Which of several configurations ranks best, and whether that is sure.

A configuration is scored once for each seed on the same posts; its score is the mean over seeds. Two things
make it unsure: which posts there are (the delete-one jackknife of `intervals`, paired between configurations)
and which seeds were drawn. The spread over seeds is pooled over all networks that are compared, since two or
three seeds tell little alone (one that diverged counts for itself alone), but is never taken as less than the
configuration's own. A baseline whose score
changes with the seed is taken to vary at least as much.

Whoever looks for the best looks at all pairs, so a difference to the best is judged at 95 % for all pairs at
once (Bonferroni). Corrected for the others alone, the best of ten equal configurations would seem better than
some other in 15 of 100 comparisons, of forty in 34 (Tukey's studentised range).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from likerank.errors import LikerankError
from likerank.evaluation.comparison import Comparison
from likerank.evaluation.intervals import CONFIDENCE, Interval, Jackknife, Variance, bounded, jackknife
from likerank.evaluation.metrics import Metric

_NAMED_IN_A_VERDICT = 4
_ENOUGH_FOR_A_MEDIAN = 4
_LEFT_OUT_BY_CHANCE = 0.001


@dataclass(frozen=True)
class Candidate:
    """What is compared: a configuration's scores, or a baseline's.

    Attributes:
        label: What to call it, unlike any other's.
        scores: What it says of the N posts, (N,), by seed; higher is better.
        kind: Who made the scores, such as `network` or `ridge`: the spread over seeds is one kind's.
        family: Common to candidates that differ by nothing but the seed; its label unless given.
    """

    label: str
    scores: Mapping[int, ArrayLike]
    kind: str = "network"
    family: str = ""


@dataclass(frozen=True)
class Standing:
    """How one candidate did.

    Attributes:
        label: The candidate's.
        kind: Likewise.
        by_seed: The score of each seed.
        score: The mean over seeds with its 95 % interval.
        spread: Standard deviation over the seeds; None where there is one.
        seeds_counted: Whether the intervals know how the score varies with the seed.
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
class Ranking:
    """Candidates on the same posts, the best first.

    Attributes:
        standings: One for each candidate, by falling score.
        chance: What a random order of the same posts scores on average.
        posts: How many posts were compared.
        authors: How many authors they are of.
    """

    standings: tuple[Standing, ...]
    chance: float
    posts: int
    authors: int

    @property
    def verdict(self) -> str:
        """One sentence: which is best, and whether that is sure."""
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
        return f"{best.label} is best, but not surely better than {_listed(open_)}."


@dataclass(frozen=True)
class _Scored:
    """A candidate with its score of each seed and what the seeds add to its variance."""

    candidate: Candidate
    by_seed: dict[int, float]
    posts: Jackknife
    seeds: list[Variance] = field(default_factory=list)


def compare_candidates(
    metric: Metric,
    likes: ArrayLike,
    candidates: Sequence[Candidate],
    authors: ArrayLike | None = None,
) -> Ranking:
    """Ranks candidates by a metric on the same N posts and says which surely differ from the best.

    Args:
        metric: What to compare by; higher is better.
        likes: What is true of each post, (N,).
        candidates: At least one, each with at least one seed.
        authors: Each post's author for the score within authors, None to compare all posts.

    Raises:
        NothingToCompareError: If no author has enough posts.
        LikerankError: If scores are not one finite number for each post; the message names the candidate.
    """
    constant = Comparison(likes, np.zeros(np.shape(likes)), authors)
    compared = metric.compare(constant).denominator > 0
    scored = _with_seeds([_scored(metric, likes, candidate, authors) for candidate in candidates])
    # A stable sort by what is printed: candidates that say the same keep the order they were given in.
    scored.sort(key=lambda each: -round(each.posts.estimate, 12))
    best = scored[0]
    pairs = max(len(scored) * (len(scored) - 1) // 2, 1)
    return Ranking(
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
        chance=jackknife(metric, constant).estimate,
        posts=int(constant.size[compared].sum()),
        authors=int(np.count_nonzero(compared)) if authors is not None else 0,
    )


def _scored(metric: Metric, likes: ArrayLike, candidate: Candidate, authors: ArrayLike | None) -> _Scored:
    try:
        found = {
            seed: jackknife(metric, Comparison(likes, scores, authors))
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
    """Adds to each candidate what the seeds add to its variance, where two seeds of its kind tell."""
    families: dict[str, dict[str, list[float]]] = {}
    for each in scored:
        of_kind = families.setdefault(each.candidate.kind, {})
        of_kind.setdefault(_family(each.candidate), []).extend(each.by_seed.values())
    pooled = {kind: _pooled(list(of_kind.values())) for kind, of_kind in families.items()}
    surest = max(pooled.values(), key=lambda variance: variance.degrees)
    counted = []
    for each in scored:
        kind = each.candidate.kind
        parts = []
        if pooled[kind].degrees:
            own = _spread(families[kind][_family(each.candidate)])
            # A baseline's few seeds alone would leave it open whether it is any good, so it is taken to vary
            # as much as what has most seeds; but not where no seed ever changes it.
            least = surest.value if pooled[kind].value else 0.0
            value = max((own or 0.0) ** 2, pooled[kind].value, least)
            parts = [Variance(value / len(each.by_seed), surest.degrees)]
        counted.append(_Scored(each.candidate, each.by_seed, each.posts, parts))
    return counted


def _family(candidate: Candidate) -> str:
    return candidate.family or candidate.label


def _pooled(families: list[list[float]]) -> Variance:
    """Pools the families' variances, those left out that no common one explains: a training that diverged."""
    degrees = np.array([len(family) - 1 for family in families if len(family) > 1], np.float64)
    variances = np.array([(_spread(family) or 0.0) ** 2 for family in families if len(family) > 1])
    if variances.size >= _ENOUGH_FOR_A_MEDIAN:
        usual = float(np.median(variances * degrees / chdtri(degrees, 0.5)))
        kept = variances * degrees <= usual * chdtri(degrees, _LEFT_OUT_BY_CHANCE)
        variances, degrees = variances[kept], degrees[kept]
    return Variance(float(variances @ degrees / max(degrees.sum(), 1)), int(degrees.sum()))


def _spread(scores: list[float]) -> float | None:
    # Around the first, so that equal scores have no spread, and not that of rounding.
    return float(np.std(np.array(scores) - scores[0], ddof=1)) if len(scores) > 1 else None


def _behind(metric: Metric, best: _Scored, other: _Scored, confidence: float) -> Interval:
    widest = metric.highest - metric.lowest
    difference = Jackknife(
        best.posts.estimate - other.posts.estimate,
        best.posts.deviations - other.posts.deviations,
        min(best.posts.degrees, other.posts.degrees),
    )
    return bounded(difference, -widest, widest, [*best.seeds, *other.seeds], confidence)


def _listed(labels: list[str]) -> str:
    named = labels[:_NAMED_IN_A_VERDICT]
    rest = len(labels) - len(named)
    return "; ".join([*named, *([f"{rest} more"] if rest else [])])
