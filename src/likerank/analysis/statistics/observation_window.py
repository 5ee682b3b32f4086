"""The observation window: the days that a like count needs to be complete, from counts at several ages."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import CensoredData, ecdf

FloatArray = NDArray[np.float64]

COMPLETE = 0.95
"""The share of its last count at which a post's count is called complete."""

_FIRST_AGE = 1 / 24  # days; younger counts are rare, and the axis is logarithmic


@dataclass(frozen=True)
class ObservationWindow:
    """Growth of like counts to their last value.

    Attributes:
        posts: Posts that were counted at least twice.
        followed: Of these, posts that were first counted before they were complete.
        median_days: Days after which half of the posts were complete; an upper bound if none was followed.
        most_days: The same of nine posts in ten.
        last_look_days: The median age of posts at their last count.
        ages: Ages in days, (P,), ascending.
        quarter: The lower quartile of the share of its last count at each age, (P,); NaN where fewer than ten
            posts have a count before and after.
        half: The median of the share.
        three_quarters: The upper quartile of the share.
    """

    posts: int
    followed: int
    median_days: float
    most_days: float
    last_look_days: float
    ages: FloatArray
    quarter: FloatArray
    half: FloatArray
    three_quarters: FloatArray

    def in_words(self) -> str:
        """Describes the growth in a few sentences."""
        said = (
            f"Half of the posts have {COMPLETE:.0%} of their last count {self.median_days:.1f} days after "
            f"posting, nine of ten after {self.most_days:.1f} days ({self.posts:,} posts counted at least "
            "twice)."
        )
        if late := self.posts - self.followed:
            known = "they count as complete by then (Kaplan-Meier)"
            meaning = known if self.followed else "it may have come sooner"
            said += f" {late:,} of the {self.posts:,} posts had that when they were first counted: {meaning}."
        if self.last_look_days < 3 * self.most_days:
            said += (
                f" The last look was only {self.last_look_days:.1f} days after posting (median): counts may "
                "still have been growing."
            )
        return said

    def to_json(self) -> dict[str, Any]:
        """Returns plain types, with None in place of NaN."""
        return {
            name: [None if np.isnan(each) else float(each) for each in value]
            if isinstance(value, np.ndarray)
            else value
            for name, value in asdict(self).items()
        }


def observation_window(posts: ArrayLike, ages: ArrayLike, counts: ArrayLike) -> ObservationWindow | None:
    """Measures the growth of each post's counts with its age.

    Between two counts the growth is taken as linear. Posts with 0 likes at the end are passed over.

    Args:
        posts: The post of each count, (N,), in any order.
        ages: Days from posting to the count, (N,), not negative.
        counts: Likes, (N,).

    Returns:
        None where no post was counted at two ages.
    """
    age, count = np.asarray(ages, np.float64), np.asarray(counts, np.float64)
    _, post = np.unique(np.asarray(posts), return_inverse=True)
    order = np.lexsort((age, post))
    post, age, count = post[order], age[order], count[order]
    starts = np.flatnonzero(np.diff(post, prepend=-1))
    series = [
        (part_age, part_count / part_count[-1])
        for part_age, part_count in zip(np.split(age, starts[1:]), np.split(count, starts[1:]), strict=True)
        if part_age.size and part_age[-1] > part_age[0] and part_count[-1] > 0
    ]
    if not series:
        return None
    days = np.array([_first_complete(*one) for one in series])
    at_first = np.array([share[0] >= COMPLETE for _, share in series])
    median_days, most_days = _quantiles(days, at_first, (0.5, 0.9))
    last = np.array([one_age[-1] for one_age, _ in series])
    places = np.geomspace(_FIRST_AGE, max(float(np.quantile(last, 0.9)), 2 * _FIRST_AGE), 60)
    # One age after another: a table of all posts by all ages would grow with the posts.
    quarter, half, three_quarters = np.transpose([_quartiles(series, place) for place in places])
    return ObservationWindow(
        posts=len(series),
        followed=int((~at_first).sum()),
        median_days=median_days,
        most_days=most_days,
        last_look_days=float(np.median(last)),
        ages=places,
        quarter=quarter,
        half=half,
        three_quarters=three_quarters,
    )


def _first_complete(age: FloatArray, share: FloatArray) -> float:
    at = int(np.argmax(share >= COMPLETE))
    if at == 0:
        return float(age[0])
    part = (COMPLETE - share[at - 1]) / (share[at] - share[at - 1])
    return float(age[at - 1] + part * (age[at] - age[at - 1]))


def _quantiles(days: FloatArray, at_most: NDArray[np.bool_], levels: tuple[float, ...]) -> list[float]:
    """Returns quantiles of days, some of which are upper bounds.

    Kaplan and Meier's estimate of right-censored data, with the time axis reversed.
    """
    survival = ecdf(CensoredData.right_censored(-days, at_most)).sf
    # Survival beyond -t is the chance of less than t days.
    ascending, less = -survival.quantiles[::-1], survival.probabilities[::-1]
    up_to = np.append(less[1:], 1.0) + 1e-9
    return [float(ascending[np.argmax(up_to >= level)]) for level in levels]


def _quartiles(series: list[tuple[FloatArray, FloatArray]], place: float) -> FloatArray:
    shares = [np.interp(place, age, share) for age, share in series if age[0] <= place <= age[-1]]
    return np.quantile(shares, [0.25, 0.5, 0.75]) if len(shares) >= 10 else np.full(3, np.nan)
