"""The recommended target follows what the posts are like: audiences that differ, and audiences that grow."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from likerank.analysis.statistics.measured_targets import measured_targets, recommended_target


def posts(growth: float, number: int = 4000) -> pd.DataFrame:
    random = np.random.default_rng(4)
    day, author = random.random(number) * 1461, random.integers(0, 12, number)
    logs = 5 + author / 3 + np.log(growth) * day / 1461 + random.normal(0, 0.5, number)
    start = pd.Timestamp("2020-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "author": author.astype(str),
            "likes": np.round(np.exp(logs)),
            "posted_at": [start + timedelta(days=float(each)) for each in day],
            "split": np.where(random.random(number) < 0.9, "train", "val"),
        }
    )


@pytest.mark.parametrize(("growth", "target"), [(1.0, "author_log"), (10.0, "local_log_z")])
def test_where_audiences_grow_the_target_around_the_date_is_recommended(growth: float, target: str) -> None:
    advice = recommended_target(posts(growth))
    assert advice.target == target
    assert ("who and when" in advice.reason) == (growth > 1)


def test_a_target_that_cannot_be_made_is_named_and_the_others_measured() -> None:
    facts, targets = measured_targets(posts(1.0, 400))
    missing = {each.name for each in facts if each.missing}
    assert missing == {"per_follower", "per_follower_decayed"}
    assert {each.name for each in facts} == missing | targets.keys()
