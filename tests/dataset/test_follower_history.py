"""Followers at the time of a post: what was observed, and what is assumed before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from likerank.dataset.follower_history import followers_when_posted

T0 = datetime(2020, 1, 1, tzinfo=UTC)
Seen = tuple[str, float, int]


def posts(*made: tuple[str, float | None]) -> pd.DataFrame:
    moments = [None if day is None else T0 + timedelta(days=day) for _, day in made]
    return pd.DataFrame(
        {
            "author": [author for author, _ in made],
            "posted_at": pd.Series(moments, dtype="datetime64[ms, UTC]"),
        }
    )


def observed(*seen: Seen) -> Iterator[pa.RecordBatch]:
    rows = [{"key": a, "observed_at": T0 + timedelta(days=day), "followers": n} for a, day, n in seen]
    schema = pa.schema(
        [("key", pa.string()), ("observed_at", pa.timestamp("ms", "UTC")), ("followers", pa.int64())]
    )
    yield pa.RecordBatch.from_pylist(rows, schema=schema)


def test_followers_grow_evenly_in_percent_between_observations() -> None:
    made = posts(("a", 0), ("a", 5), ("a", 10), ("a", 900))
    then = followers_when_posted(made, observed(("a", 0, 99), ("a", 10, 9999)))
    assert then.tolist() == [99, 999, 9999, 9999]


def test_one_observation_halves_followers_every_two_years_back() -> None:
    made = posts(("a", 0), ("a", 730), ("a", -730))
    # Nobody knows when a table was filled in: another day of observation changes nothing.
    for day in (731, 2000):
        assert followers_when_posted(made, observed(("a", day, 7999))).tolist() == [3999, 7999, 1999]


def test_an_authors_own_growth_weighs_more_the_longer_observed() -> None:
    made = posts(("a", 0), ("a", 1000))

    def back(days: int) -> int:
        history = observed(("a", 1000, 1000), ("a", 1000 + days, int(1000 * np.exp(0.005 * days))))
        return int(followers_when_posted(made, history)[0])

    # At half a percent a day 1000 days before the first observation there were 1000 / e^5.
    assert back(1) > back(30) > back(300) > back(2000) >= int(1000 / np.exp(5))
    assert back(2000) < 20


def test_who_was_seen_once_takes_after_those_who_were_seen_twice() -> None:
    made = posts(("once", 0), ("once", 365), ("twice", 365))
    growing = observed(("once", 366, 1000), ("twice", 366, 1000), ("twice", 4016, 1_000_000))
    still = observed(("once", 366, 1000), ("twice", 366, 1000), ("twice", 4016, 1000))
    assert followers_when_posted(made, growing)[0] < 600 < 900 < followers_when_posted(made, still)[0]


def test_what_is_not_known_is_missing_and_harms_no_other() -> None:
    made = posts(("a", None), ("unseen", 3), ("a", 3))
    assert followers_when_posted(made, observed(("a", 0, 50))).isna().tolist() == [True, True, False]
    assert followers_when_posted(made, iter([])).isna().all()


@pytest.mark.parametrize("number", [0, 1, 2_000_000_000])
def test_followers_are_never_below_none(number: int) -> None:
    then = followers_when_posted(posts(("a", -20_000), ("a", 0)), observed(("a", 0, number)))
    assert 0 <= then[0] <= then[1] == number
