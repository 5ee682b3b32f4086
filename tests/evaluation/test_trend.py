"""The trend of an author's counts is found where there is one, and few posts have none of their own."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from likerank.evaluation import METRICS, JudgedPosts
from likerank.evaluation.intervals import interval_of
from likerank.evaluation.scopes import NEARBY, WITHIN
from likerank.evaluation.scored_posts import FloatArray
from likerank.evaluation.trend import log_counts, usual_log_likes
from likerank.models.baselines import AuthorThen

FOUR_YEARS = 1461.0
PAIRWISE = METRICS["pairwise"]


def usual(days: FloatArray, logs: FloatArray, at: FloatArray) -> FloatArray:
    zeros, none = np.zeros(days.size, np.int64), np.zeros(at.size, np.int64)
    return usual_log_likes(logs, zeros, days, none, at)


def test_tenfold_growth_is_followed_and_nothing_where_there_is_none() -> None:
    random = np.random.default_rng(1)
    day = random.random(400) * FOUR_YEARS
    noise = random.normal(0, 0.5, 400)
    at = np.array([200.0, 700.0, 1200.0])
    for growth in (1.0, 10.0):
        found = usual(day, 5 + np.log(growth) * day / FOUR_YEARS + noise, at)
        assert found == pytest.approx(5 + np.log(growth) * at / FOUR_YEARS, abs=0.15)


def test_few_posts_of_a_week_have_no_trend_of_their_own() -> None:
    days, logs = np.arange(5.0), np.arange(5.0)
    assert np.ptp(usual(days, logs, days)) < 0.02


def test_an_author_without_dated_posts_and_a_missing_date_have_none() -> None:
    days, nobody = np.array([np.nan, 3.0]), np.array([0, 1])
    found = usual_log_likes(np.ones(2), nobody, days, np.array([0, 1, 1]), np.array([3.0, np.nan, 3.0]))
    assert found.tolist() == [0.0, 0.0, 1.0]


def test_posts_years_from_any_other_take_the_nearest() -> None:
    assert usual(np.array([0.0, 5000.0]), np.array([1.0, 9.0]), np.array([1200.0, 4000.0])).tolist() == [1, 9]


def test_a_count_of_0_is_a_half() -> None:
    assert log_counts(np.array([0.0, 1.0])).tolist() == [np.log(0.5), 0.0]


@pytest.mark.parametrize("growth", [1.0, 10.0, 100.0])
def test_who_and_when_order_posts_of_a_growing_author_and_nothing_nearby(growth: float) -> None:
    random = np.random.default_rng(2)
    number = 6000
    day, author = random.random(number) * FOUR_YEARS, random.integers(0, 20, number)
    likes = np.round(np.exp(7 + np.log(growth) * day / FOUR_YEARS + random.normal(0, 0.5, number)))
    start = pd.Timestamp("2020-01-01", tz="UTC")
    posts = pd.DataFrame(
        {
            "author": author.astype(str),
            "likes": likes,
            "posted_at": [start + timedelta(days=float(each)) for each in day],
        }
    )
    training, test = np.split(random.permutation(number), [4800])
    no_pixels = np.zeros((number, 1, 1, 3), np.uint8)
    control = AuthorThen().fit(no_pixels, posts, np.log1p(likes).astype(np.float32), training)
    around = np.concatenate((training, test))
    then = usual_log_likes(log_counts(likes[around]), author[around], day[around], author[test], day[test])
    judged = JudgedPosts(likes[test], author[test], day[test], then)
    score = control.rank(no_pixels, posts, test)
    found = {
        scope: interval_of(PAIRWISE, judged.scored(scope, PAIRWISE, score)) for scope in (NEARBY, WITHIN)
    }
    distance = {
        scope: (each.estimate - 0.5) / (each.standard_error or np.nan) for scope, each in found.items()
    }
    assert abs(distance[NEARBY]) < 4
    assert abs(distance[WITHIN]) < 4 if growth == 1 else distance[WITHIN] > 20
