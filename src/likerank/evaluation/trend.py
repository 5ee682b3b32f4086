"""The trend of an author's counts over the years, which is taken out where posts nearby are compared.

An audience that grows tenfold in four years grows by 15 % in 90 days, so that the later of two posts nearby
still tends to have more likes. What posts are compared by is therefore their likes divided by what was usual
for the author at that date: a local linear regression of log likes on the date (W. S. Cleveland, Robust
locally weighted regression, JASA 74, 1979, without its robust step) with tricube weights over a year to each
side. The slope is shrunk towards 0 as if each fit held one more post, a year away, with the author's usual
count, so that few posts have no trend of their own.

What it costs: where the trend is large beside the noise, a pair whose counts differ by less than the trend
between their dates is judged the other way round. A photographer's own progress over the years is taken out
as well, and a jump from one day to the next is smoothed and stays in part.
"""

from typing import Final

import numpy as np

from likerank.evaluation.scored_posts import FloatArray, IntArray

LEAST_COUNT: Final = 0.5
"""What a count of 0 is, where counts are divided."""
HALF_WIDTH: Final = 365.0
"""Days to each side of a date that its usual count is estimated from."""
_STEP: Final = 30.0
_YEAR: Final = 365.25
_PRIOR: Final = 1.0  # Years squared times posts: one post, one year away.


def log_counts(likes: FloatArray) -> FloatArray:
    """Returns log likes, (N,); a count of 0 counts as a half."""
    return np.asarray(np.log(np.maximum(likes, LEAST_COUNT)), np.float64)


def usual_log_likes(
    logs: FloatArray, authors: IntArray, days: FloatArray, at_authors: IntArray, at_days: FloatArray
) -> FloatArray:
    """Returns what log likes were usual for an author at a date.

    Args:
        logs: Log likes of N posts, (N,).
        authors: Their authors as codes, (N,).
        days: Their dates in days, NaN where they are not known, (N,).
        at_authors: The authors to answer for, (M,).
        at_days: The dates to answer for, in days, (M,).

    Returns:
        Log likes, (M,); 0 for an author without dated posts or a date that is not known.
    """
    usual = np.zeros(at_days.size)
    dated = np.isfinite(days)
    rows, at_rows = _rows_by_author(authors, dated), _rows_by_author(at_authors, np.isfinite(at_days))
    for author, asked in at_rows.items():
        mine = rows.get(author)
        if mine is not None:
            usual[asked] = _smoothed(days[mine], logs[mine], at_days[asked])
    return usual


def _smoothed(days: FloatArray, logs: FloatArray, at: FloatArray) -> FloatArray:
    first, last = float(at.min()), float(at.max())
    grid = np.linspace(first, last, 2 + int((last - first) / _STEP))
    order = np.argsort(days, kind="stable")
    days, logs = days[order], logs[order]
    value = np.array([_fitted_at(days, logs, day) for day in grid])
    return np.asarray(np.interp(at, grid, value), np.float64)


def _fitted_at(days: FloatArray, logs: FloatArray, day: float) -> float:
    start, end = np.searchsorted(days, (day - HALF_WIDTH, day + HALF_WIDTH))
    if start == end:  # None within a year: the nearest counts.
        start = min(max(int(start) - 1, 0), days.size - 1)
        if start + 1 < days.size and abs(days[start + 1] - day) < abs(days[start] - day):
            start += 1
        return float(logs[start])
    years, near = (days[start:end] - day) / _YEAR, logs[start:end]
    weight = (1 - np.minimum(np.abs(days[start:end] - day) / HALF_WIDTH, 1) ** 3) ** 3 + 1e-9
    weight_sum = weight.sum()
    mean_year, mean_log = float(weight @ years / weight_sum), float(weight @ near / weight_sum)
    apart = years - mean_year
    slope = float(weight @ (apart * near)) / (float(weight @ apart**2) + _PRIOR)
    return mean_log - slope * mean_year


def _rows_by_author(
    authors: IntArray, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> dict[int, IntArray]:
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(authors[rows], kind="stable")]
    codes, starts = np.unique(authors[rows], return_index=True)
    return dict(zip(codes.tolist(), np.split(rows, starts[1:]), strict=True)) if rows.size else {}
