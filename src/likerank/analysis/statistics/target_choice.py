"""Choice of a target: properties of each target, and a recommendation with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likerank.analysis.statistics.association import Association, association
from likerank.analysis.statistics.author_share import author_mean_ranking, author_share
from likerank.analysis.statistics.date_leak import DateLeak, date_leak
from likerank.errors import LikerankError

_MOSTLY_ALONE = 0.5


@dataclass(frozen=True)
class TargetFacts:
    """Measured properties of a target.

    Attributes:
        name: The target's name; `likes` for the counts themselves.
        share: The part of its variance that the author explains (η²), from 0 to 1.
        ranking: Pairwise accuracy across authors of the author's mean; 0.5 is no leak; None where too few
            posts were held out.
        top_share: The part of its variance in the outermost hundredth of the posts.
        spread: Its standard deviation within an author: the 90th percentile of authors over the 10th; None
            where no author has ten posts.
        drift: Its correlation with the date within an author; None without dates.
        per_author: Whether the target compares a post with other posts of its author.
        missing: The reason why the target cannot be computed of these posts; empty where it can.
        when: What who posted when gives away of it; None without dates, or where too few posts are held out.
    """

    name: str
    share: float = float("nan")
    ranking: float | None = None
    top_share: float = float("nan")
    spread: float | None = None
    drift: Association | None = None
    per_author: bool = False
    missing: str = ""
    when: DateLeak | None = None

    @property
    def sure_drift(self) -> float:
        """The absolute correlation with the date, 0 where it is not significant."""
        if self.drift is None or self.drift.pooled is None or not self.drift.sure:
            return 0.0
        return abs(self.drift.pooled.estimate)

    def to_json(self) -> dict[str, Any]:
        """Returns plain types."""
        return {key: None if value != value else value for key, value in asdict(self).items()}

    def in_words(self, expected_share: float) -> str:
        """Returns a sentence for people, given the η² of authors who explain nothing."""
        if self.missing:
            return self.missing
        said = [f"the author explains {self.share:.0%} of its variance"]
        if self.share <= expected_share + 0.02:
            said[0] += f", no more than chance would ({expected_share:.0%})"
        if self.ranking is not None:
            leak = "nothing" if self.ranking < 0.53 else "much" if self.ranking > 0.65 else "something"
            said.append(f"who posted gives away {leak} of its order ({self.ranking:.0%} of pairs)")
        if self.top_share > 0.25:
            said.append(
                f"a hundredth of the posts make {self.top_share:.0%} of its variance and lead the fit"
            )
        if self.when is not None and self.when.excess > 0.02:
            said.append(self.when.in_words())
        if self.sure_drift > 0.05 and self.drift is not None and self.drift.pooled is not None:
            rho = self.drift.pooled.estimate
            said.append(f"it goes with the date (Spearman {rho:+.2f} within an author)")
        if self.spread is not None and self.spread > 2:
            said.append(f"some authors vary {self.spread:.1f} times as much as others and count for more")
        text = "; ".join(said)
        return f"{text[0].upper()}{text[1:]}."


class Recommendation(NamedTuple):
    """The name of the target to learn, empty if there is none, and the reason in a sentence or two."""

    target: str
    reason: str


def target_facts(
    name: str,
    values: ArrayLike,
    authors: ArrayLike,
    *,
    training: NDArray[np.bool_] | None,
    days: NDArray[np.float64] | None,
    per_author: bool = False,
) -> TargetFacts:
    """Measures a target on N posts.

    Args:
        name: The target's name.
        values: The target of each post, (N,).
        authors: The author of each post, (N,).
        training: Whether the target was fitted on the post, (N,); None for counts, which are not fitted.
        days: Time of posting in days from any day, (N,), NaN where not known; None without dates.
        per_author: Whether the target compares a post with other posts of its author.
    """
    target, who = np.asarray(values, np.float64), np.asarray(authors)
    try:
        ranking = author_mean_ranking(target, who, training)
    except LikerankError:  # Too few posts, or none with a finite target.
        ranking = None
    drift = None
    if days is not None and (dated := ~np.isnan(days)).any():
        drift = association(days[dated], target[dated], who[dated], each_author=False)
    return TargetFacts(
        name,
        author_share(target, who),
        ranking,
        _top_share(target),
        _spread(target, who),
        drift,
        per_author,
        when=None if days is None or training is None else date_leak(target, who, days, training),
    )


def expected_share(authors: ArrayLike) -> float:
    """Returns the expected η² of authors who explain nothing, (G - 1) / (N - 1)."""
    who = np.asarray(authors)
    return (np.unique(who).size - 1) / max(1, who.size - 1)


def recommended(targets: Sequence[TargetFacts], training_authors: ArrayLike) -> Recommendation:
    """Chooses among targets: first by the leak of the author, then of the date, tails and unequal authors.

    Each criterion keeps the targets that are close to the best; the first of those that remain is chosen.
    Where most training posts are the only one of their author, targets that compare a post with its author's
    others are 0 for them and teach nothing, and are no candidates.

    Args:
        targets: The targets, the simplest first.
        training_authors: The author of each training post, (T,).
    """
    _, posts = np.unique(np.asarray(training_authors), return_counts=True)
    alone = float((posts == 1).sum() / max(1, posts.sum()))
    mostly_alone = alone > _MOSTLY_ALONE
    left = [each for each in targets if not each.missing and not (mostly_alone and each.per_author)]
    if not left:
        return Recommendation("", "none can be made of these posts.")
    reasons = []
    for what, measure, worth, words in _CRITERIA:
        best = min(measure(each) for each in left)
        kept = [each for each in left if measure(each) <= best + worth]
        if passed := [each for each in left if each not in kept]:
            worst = max(passed, key=measure)
            reasons.append(f"{what} ({words(kept[0])}; {worst.name}: {words(worst)})")
        left = kept
    chosen, *others = left
    why = f"it {_joined(reasons)}" if reasons else "none is measurably better, and it is the simplest"
    if others and reasons:
        why += f"; {_joined([each.name for each in others])} would do as well, but it is the simplest"
    return Recommendation(
        chosen.name, f"{chosen.name}: {why}.{_of_few_posts(alone, float(np.median(posts)))}"
    )


def _of_few_posts(alone: float, median: float) -> str:
    if alone > _MOSTLY_ALONE:
        return (
            f" {alone:.0%} of the training posts are their author's only one, so targets that need other "
            "posts of the author were passed over; more posts an author (snapshot.balance=none keeps all, "
            "snapshot.min_posts_per_author=10 leaves out authors of fewer) would allow them."
        )
    if median < 5:
        posts = "post" if median == 1 else "posts"
        return f" An author's usual count is known roughly: by {median:g} training {posts} at the median."
    return ""


_CRITERIA: Final[
    tuple[tuple[str, Callable[[TargetFacts], float], float, Callable[[TargetFacts], str]], ...]
] = (
    (
        "gives away least who posted",
        lambda each: 0.5 if each.ranking is None else abs(each.ranking - 0.5),
        0.03,
        lambda each: (
            "not known" if each.ranking is None else f"the author's mean orders {each.ranking:.0%} of pairs"
        ),
    ),
    (
        "is ordered least by who and when",
        lambda each: 0.0 if each.when is None else each.when.excess,
        0.03,
        lambda each: "not known" if each.when is None else each.when.in_words(),
    ),
    (
        "goes least with the date",
        lambda each: each.sure_drift,
        0.05,
        lambda each: f"rho {each.sure_drift:.2f}",
    ),
    (
        "is led least by a few posts",
        lambda each: each.top_share,
        0.10,
        lambda each: f"a hundredth make {each.top_share:.0%} of the variance",
    ),
    (
        "varies most alike in all authors",
        lambda each: abs(float(np.log(each.spread or 1.0))),
        0.4,
        lambda each: f"{each.spread or 1.0:.1f} times between authors",
    ),
)
"""Criteria: in words, as a number (less is better), its least difference that counts, the number in words."""


def _top_share(values: NDArray[np.float64]) -> float:
    squares = np.square(values - values.mean())
    total = float(squares.sum())
    most = max(1, round(0.01 * values.size))
    return float(np.partition(squares, -most)[-most:].sum()) / total if total > 0 else 0.0


def _spread(values: NDArray[np.float64], authors: NDArray[np.generic]) -> float | None:
    _, code, posts = np.unique(authors, return_inverse=True, return_counts=True)
    mean = np.bincount(code, weights=values) / posts
    deviation = np.sqrt(np.bincount(code, weights=np.square(values - mean[code])) / np.maximum(posts - 1, 1))
    enough = deviation[(posts >= 10) & (deviation > 0)]
    if enough.size < 2:
        return None
    low, high = np.quantile(enough, [0.1, 0.9])
    return float(high / low)


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
