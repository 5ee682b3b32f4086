"""Estimates an author's followers at the time of a post from the author's observations.

Assumptions:

- Between two observations followers grow evenly, in percent a day; after the last they stay.
- Before the first they are fewer by the author's own growth, in percent a day: the growth between the
  author's first and last observation, weighed together with a year at the usual growth. The usual growth is
  that of all authors together, weighed with a year at a rate that doubles followers in two years. This rate
  was not measured: it is the prior where nothing was observed twice.
- An account grows while it posts: the first observation holds from the author's newest post, if that came
  before it. So a source without times, observed when it was ingested, gives the same estimates on any day.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.arrays import IntegerArray

_DAY: Final = np.timedelta64(1, "D") / np.timedelta64(1, "ms")
_PRIOR_DAYS: Final = 365.0
_UNMEASURED_GROWTH: Final = np.log(2) / (2 * 365.0)


def followers_when_posted(posts: pd.DataFrame, observations: Iterable[pa.RecordBatch]) -> IntegerArray:
    """Returns each author's followers at the time of each post.

    Args:
        posts: N posts with `author` and `posted_at`, also those that enter no dataset.
        observations: `key` of the author, `observed_at`, `followers`: whole authors, each in the order of
            time; see `likerank.store.Store.scan_counts`. One batch is held at a time.

    Returns:
        Whole numbers, shape (N,); missing where the date is, or where followers were never observed.
    """
    author_of, authors = pd.factorize(posts["author"])
    code_of = {author: code for code, author in enumerate(authors)}
    rows_of = pd.Series(author_of).groupby(author_of).indices
    posted = _days(posts["posted_at"])
    then, before = np.full(len(posts), np.nan), np.zeros(len(posts))
    growth, span = np.zeros(len(authors)), np.zeros(len(authors))
    for batch in observations:
        for author, seen in batch.to_pandas().groupby("key"):
            code = code_of[author]
            rows = rows_of[code][~np.isnan(posted[rows_of[code]])]
            moments, logs = _days(seen["observed_at"]), np.log1p(seen["followers"].to_numpy(np.float64))
            then[rows] = np.interp(posted[rows], moments, logs)
            holds_from = posted[rows].max(initial=-np.inf)
            before[rows] = np.maximum(0, min(moments[0], holds_from) - posted[rows])
            growth[code], span[code] = logs[-1] - logs[0], moments[-1] - moments[0]
    usual = (growth.sum() + _PRIOR_DAYS * _UNMEASURED_GROWTH) / (span.sum() + _PRIOR_DAYS)
    own = (growth + _PRIOR_DAYS * usual) / (span + _PRIOR_DAYS)
    followers = np.expm1(then - own[author_of] * before).round()
    missing = np.isnan(followers)
    return IntegerArray(np.where(missing, 0, np.maximum(followers, 0)).astype(np.int64), missing)


def _days(moments: pd.Series) -> NDArray[np.float64]:
    """Returns days since 1970, NaN where there is no time."""
    values = pd.to_datetime(moments, utc=True).to_numpy("datetime64[ms]")
    return np.where(np.isnat(values), np.nan, values.astype(np.int64) / _DAY)
