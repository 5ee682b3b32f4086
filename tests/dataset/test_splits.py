"""Splits: stable, proportioned, blind to everything but seed and copy group."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likerank.dataset.splits import (
    balance_limit,
    dated_places,
    group_hashes,
    hashed_places,
    kept_by_balance,
    split_of,
)

GROUPS = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=60)


@given(groups=GROUPS, added=GROUPS, seed=st.integers(0, 2**31))
def test_a_new_post_moves_nobody(groups: list[str], added: list[str], seed: int) -> None:
    before, halves_before = split_of(hashed_places(seed, "split", groups))
    after, halves_after = split_of(hashed_places(seed, "split", [*added, *groups]))
    assert after[len(added) :].tolist() == before.tolist()
    assert halves_after[len(added) :].tolist() == halves_before.tolist()


@given(groups=GROUPS, seed=st.integers(0, 2**31))
def test_copies_share_a_split(groups: list[str], seed: int) -> None:
    split, half = split_of(hashed_places(seed, "split", groups + groups))
    assert split[: len(groups)].tolist() == split[len(groups) :].tolist()
    assert half[: len(groups)].tolist() == half[len(groups) :].tolist()


def test_splits_are_eight_to_one_to_one_within_sampling() -> None:
    posts = 100_000
    split, half = split_of(hashed_places(0, "split", [f"picture {i}" for i in range(posts)]))
    for part, share in (
        (split == "train", 0.8),
        (split == "test", 0.1),
        (half == "stop", 0.05),
        (half == "select", 0.05),
    ):
        four_standard_errors = 4 * np.sqrt(share * (1 - share) / posts)
        assert abs(part.mean() - share) < four_standard_errors


def test_only_validation_has_halves() -> None:
    split, half = split_of(hashed_places(1, "split", [str(i) for i in range(1000)]))
    assert ((half != "") == (split == "val")).all()


def test_another_seed_deals_anew_and_another_purpose_too() -> None:
    groups = [str(i) for i in range(2000)]
    hashes = [
        group_hashes(0, "split", groups),
        group_hashes(1, "split", groups),
        group_hashes(0, "balance", groups),
    ]
    correlations = np.corrcoef([h.astype(float) for h in hashes])[np.triu_indices(3, 1)]
    assert (np.abs(correlations) < 4 / np.sqrt(len(groups))).all()


@given(
    authors=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
    limit=st.integers(1, 10),
    seed=st.integers(0, 100),
)
def test_balancing_keeps_the_smallest_hashes_of_each_author(
    authors: list[str], limit: int, seed: int
) -> None:
    hashes = np.random.default_rng(seed).permutation(len(authors)).astype(np.uint64)
    kept = kept_by_balance(pd.Series(authors), hashes, limit)
    for author in set(authors):
        own = np.array([a == author for a in authors])
        assert sorted(hashes[own & kept]) == sorted(hashes[own])[:limit]


@pytest.mark.parametrize(("balance", "limit"), [("median", 3), ("minimum", 1), ("none", None), (7, 7)])
def test_the_limit_is_what_the_balance_names(balance: str, limit: int | None) -> None:
    counts = pd.Series({"a": 1, "b": 3, "c": 10})
    assert balance_limit(counts, balance) == limit  # type: ignore[arg-type]


DAYS = st.lists(st.integers(0, 30), min_size=1, max_size=60)


@given(days=DAYS, authors=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_a_later_post_of_a_series_is_never_on_an_earlier_side(
    days: list[int], authors: int, seed: int
) -> None:
    posts = pd.DataFrame({"day": days, "author": [f"a{number % authors}" for number in range(len(days))]})
    posted_at = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(posts["day"], unit="D")
    places = dated_places(posted_at, posts["author"], seed)
    assert ((places >= 0) & (places < 1)).all()
    for _, of_one in posts.assign(place=places).groupby("author"):
        in_time = of_one.sort_values(["day", "place"])
        assert in_time["place"].is_monotonic_increasing
        assert (of_one.groupby("day")["place"].nunique() == 1).all()


def test_short_series_have_their_eight_to_one_to_one_on_average() -> None:
    authors = pd.Series([f"a{number // 3}" for number in range(30_000)])
    days = pd.to_timedelta(np.random.default_rng(0).permutation(30_000), unit="D")
    split, half = split_of(dated_places(pd.Timestamp("2024-01-01", tz="UTC") + days.to_series(), authors, 0))
    for part, share in ((split == "test", 0.1), (half == "stop", 0.05), (half == "select", 0.05)):
        assert part.mean() == pytest.approx(share, abs=0.006)
