"""Targets: their values and inverses, their refusals, their state, and that they see only training posts."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import ArrayLike, NDArray

from likerank.errors import LikerankError
from likerank.models import (
    AuthorLog,
    AuthorLogZ,
    AuthorPercentile,
    AuthorTop,
    LocalLogZ,
    PerFollower,
    PerFollowerDecayed,
    Target,
    TopPost,
)
from likerank.models.targets import TARGETS, load_target

Counts = dict[str, list[int]]


class SquareRoot(Target):
    """A target as a user's own package defines one."""

    name = "square_root"

    top_: float

    def _fit(self, posts: pd.DataFrame) -> None:
        self.top_ = float(np.sqrt(posts["likes"]).max())

    def _values(self, posts: pd.DataFrame) -> NDArray[np.float64]:
        return posts["likes"].to_numpy(np.float64) ** 0.5 / self.top_

    def inverse(self, values: ArrayLike, posts: pd.DataFrame) -> NDArray[np.float64]:
        return np.square(np.asarray(values, np.float64) * self.top_)


likes = st.integers(min_value=0, max_value=2_000_000_000)
authors = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
counts_by_author = st.dictionaries(
    authors.map(lambda name: f"demo/{name}"), st.lists(likes, min_size=2, max_size=6), min_size=1
).filter(lambda counts: any(len(set(numbers)) > 1 for numbers in counts.values()))
kinds = st.sampled_from(list(TARGETS.values()))
# A post of another date has other neighbours, so its likes may be worth more or less.
kinds_by_author_alone = st.sampled_from([kind for kind in TARGETS.values() if kind is not LocalLogZ])
kinds_with_an_exact_inverse = st.sampled_from(
    [kind for kind in TARGETS.values() if kind is not AuthorPercentile]
)


def table(counts: Counts, day_by_day: bool = True) -> pd.DataFrame:
    """Posts with all that a target can need: a day apart within an author, and followers grow by the day."""
    rows = [(author, number, day) for author, numbers in counts.items() for day, number in enumerate(numbers)]
    posts = pd.DataFrame(rows, columns=["author", "likes", "day"])
    days = posts.pop("day") if day_by_day else 0 * posts.pop("day")
    return posts.astype({"likes": "int64"}).assign(
        posted_at=pd.to_datetime(days, unit="D", utc=True),
        followers=pd.Series(1000, posts.index, dtype="Int64"),
        followers_then=(500 + days).astype("Int64"),
    )


def test_top_post_divides_by_the_most_liked_training_post() -> None:
    target = TopPost().fit(table({"a": [5, 20], "b": [10]}))
    assert_array_equal(target.transform(table({"c": [20, 5, 40]})), [1.0, 0.25, 2.0])


def test_per_follower_divides_by_newest_followers_or_those_then() -> None:
    posts = table({"a": [5, 20]}).assign(followers=[100, 100], followers_then=[10, 80])
    assert_allclose(PerFollower().fit(posts).transform(posts), [0.05, 0.2])
    assert_allclose(PerFollowerDecayed().fit(posts).transform(posts), [0.5, 0.25])


def test_per_follower_counts_no_followers_as_one() -> None:
    posts = table({"a": [5, 20]}).assign(followers=[0, 0])
    assert_allclose(PerFollower().fit(posts).transform(posts), [5, 20])


@pytest.mark.parametrize("kind", [PerFollower, PerFollowerDecayed])
def test_a_new_post_is_inverted_by_its_authors_training_followers(kind: type[Target]) -> None:
    posts = table({"a": [5, 20]}).assign(followers=[80, 80], followers_then=[10, 80])
    target = kind().fit(posts)
    new = pd.DataFrame({"author": ["a", "stranger"]})
    assert_array_equal(target.inverse([0.5, 0.5], new), [40, np.nan])


def test_author_top_divides_by_the_authors_most_liked_post() -> None:
    target = AuthorTop().fit(table({"a": [5, 20], "b": [2], "c": [0]}))
    assert_array_equal(target.transform(table({"a": [10], "b": [4], "c": [3]})), [0.5, 2.0, 3.0])
    assert_array_equal(target.transform(table({"stranger": [4]})), [2.0])


def test_author_percentile_is_the_share_of_posts_with_fewer_likes() -> None:
    target = AuthorPercentile().fit(table({"a": [0, 10, 10, 99], "b": [7]}))
    values = target.transform(table({"a": [0, 10, 99, 1000], "b": [1]}))
    assert_allclose(values, [0.125, 0.5, 0.875, 0.875, 0.5])
    assert_allclose(target.transform(table({"stranger": [10]})), [0.6])


def test_author_percentiles_of_many_posts_are_kept_to_a_percent() -> None:
    posts = table({"a": list(range(0, 5000, 5))})
    target = AuthorPercentile().fit(posts)
    assert len(target.state()["author_steps_"]["a"]) == 101
    assert_allclose(target.transform(posts), (np.arange(1000) + 0.5) / 1000, atol=0.01)


def test_author_log_compares_with_the_authors_own_training_mean() -> None:
    target = AuthorLog().fit(table({"a": [10, 1000], "b": [7]}))
    expected = np.log1p(100) - (np.log1p(10) + np.log1p(1000)) / 2
    assert_allclose(target.transform(table({"a": [100], "b": [7]})), [expected, 0.0], rtol=1e-6)


def test_author_log_compares_an_unknown_author_with_all_posts() -> None:
    target = AuthorLog().fit(table({"a": [10, 1000], "b": [7]}))
    overall = np.log1p([10, 1000, 7]).mean()
    assert_allclose(target.transform(table({"stranger": [50]})), [np.log1p(50) - overall], rtol=1e-6)


def test_author_log_z_puts_all_authors_on_one_scale() -> None:
    random = np.random.default_rng(0)
    counts = {
        name: np.exp(random.normal(8, sd, 2000)).astype(int).tolist() for name, sd in (("a", 0.3), ("b", 1))
    }
    posts = table(counts)
    spread = pd.Series(AuthorLogZ().fit(posts).transform(posts)).groupby(posts["author"]).std()
    assert_allclose(spread, 1.0, atol=0.02)


def test_author_log_z_of_one_post_uses_the_average_spread() -> None:
    target = AuthorLogZ().fit(table({"a": [10, 1000], "b": [7]}))
    usual = np.log1p([10, 1000]).std(ddof=1)
    assert_allclose(target.transform(table({"b": [100]})), [(np.log1p(100) - np.log1p(7)) / usual], rtol=1e-6)


def test_local_log_z_sees_no_growing_audience() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.3, 500)
    posts = table({"a": np.exp(5 + np.arange(500) / 100 + noise).astype(int).tolist()})
    local, overall = (kind().fit(posts).transform(posts) for kind in (LocalLogZ, AuthorLogZ))
    assert np.corrcoef(overall, np.arange(500))[0, 1] > 0.9
    assert abs(np.corrcoef(local, np.arange(500))[0, 1]) < 0.1
    assert np.corrcoef(local, noise)[0, 1] > 0.9


def test_local_log_z_of_few_posts_is_author_log_z() -> None:
    posts = table({"a": [10, 1000, 5], "b": [7, 8], "c": [4]})
    assert_array_equal(LocalLogZ().fit(posts).transform(posts), AuthorLogZ().fit(posts).transform(posts))


def test_local_log_z_accepts_many_posts_of_one_moment() -> None:
    posts = table({"a": list(range(100))}, day_by_day=False)
    target = LocalLogZ(posts=10).fit(posts)
    assert len(target.state()["author_runs_"]["a"]) == 1
    assert np.isfinite(target.transform(posts)).all()


def test_local_log_z_counts_an_undated_post_as_newest() -> None:
    posts = table({"a": [int(1.1**day) for day in range(100)]})
    target = LocalLogZ(posts=10).fit(posts)
    newest = target.inverse([0.0], table({"a": [0] * 100}).tail(1))
    assert_array_equal(target.inverse([0.0], pd.DataFrame({"author": ["a"]})), newest)
    assert newest > 1.1**90


def test_local_log_z_refuses_windows_of_one_post() -> None:
    with pytest.raises(LikerankError, match=r"target.posts is 1; it must be at least 2"):
        LocalLogZ(posts=1)


@given(kinds_by_author_alone, counts_by_author)
def test_more_likes_never_mean_less_target_within_an_author(kind: type[Target], counts: Counts) -> None:
    posts = table(counts, day_by_day=False)
    values = pd.Series(kind().fit(posts).transform(posts))
    for _, mine in posts.groupby("author"):
        order = mine["likes"].sort_values().index
        assert values[order].is_monotonic_increasing


@given(counts_by_author, counts_by_author)
def test_more_likes_never_mean_less_local_log_z_on_one_day(training: Counts, counts: Counts) -> None:
    posts = table(counts, day_by_day=False)
    values = pd.Series(LocalLogZ(posts=2).fit(table(training)).transform(posts))
    for _, mine in posts.groupby("author"):
        order = mine["likes"].sort_values().index
        assert values[order].is_monotonic_increasing


@given(kinds_with_an_exact_inverse, counts_by_author, counts_by_author)
def test_inverse_gives_the_likes_back(kind: type[Target], training: Counts, others: Counts) -> None:
    posts, target = table(others), kind().fit(table(training))
    if kind is TopPost and target.state()["most_likes_"] < posts["likes"].max() / 1e6:
        return
    assert_allclose(target.inverse(target.transform(posts), posts), posts["likes"], rtol=5e-6, atol=5e-6)


@given(counts_by_author)
def test_percentiles_give_the_likes_of_training_posts_back(counts: Counts) -> None:
    posts = table(counts)
    target = AuthorPercentile().fit(posts)
    assert_allclose(target.inverse(target.transform(posts), posts), posts["likes"], rtol=1e-3, atol=1e-3)


@given(kinds, counts_by_author, counts_by_author)
def test_transform_changes_no_fitted_state(kind: type[Target], training: Counts, others: Counts) -> None:
    target = kind().fit(table(training))
    before = json.dumps(target.state())
    alone = target.transform(table(training))
    together = target.transform(pd.concat([table(training), table(others)]))
    assert json.dumps(target.state()) == before
    assert_array_equal(together[: len(alone)], alone)


@given(counts_by_author, st.integers(min_value=2, max_value=1000))
def test_top_post_is_free_of_scale(counts: Counts, factor: int) -> None:
    posts, scaled = table(counts), table({a: [factor * number for number in n] for a, n in counts.items()})
    assert_allclose(TopPost().fit(scaled).transform(scaled), TopPost().fit(posts).transform(posts), rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (AuthorTop, 1e-6),
        (AuthorPercentile, 1e-6),
        # log(1 + likes) knows no scale but for the 1, and here no count is below 10,000.
        (AuthorLog, 1e-3),
        (AuthorLogZ, 1e-2),
        (LocalLogZ, 1e-2),
    ],
)
@given(
    counts=st.lists(st.lists(st.integers(10_000, 99_999), min_size=2, max_size=8), min_size=1, max_size=4),
    factor=st.integers(2, 1000),
)
def test_author_targets_ignore_the_size_of_the_audience(
    kind: type[Target], error: float, counts: list[list[int]], factor: int
) -> None:
    # A fixed author whose likes differ well, so that rounding errors are not blown up by a tiny spread.
    posts = table({str(author): numbers for author, numbers in enumerate(counts)} | {"z": [10_000, 90_000]})
    larger = posts.assign(likes=posts["likes"].where(posts["author"] != "0", factor * posts["likes"]))
    assert_allclose(kind().fit(larger).transform(larger), kind().fit(posts).transform(posts), atol=error)


@given(kinds, counts_by_author)
def test_state_survives_json_and_a_weights_only_checkpoint(kind: type[Target], counts: Counts) -> None:
    posts = table(counts)
    target = kind().fit(posts)
    file = io.BytesIO()
    torch.save(json.loads(json.dumps(target.state())), file)
    file.seek(0)
    again = load_target(torch.load(file, weights_only=True))
    assert type(again) is kind
    assert again.state() == target.state()
    assert_array_equal(again.transform(posts), target.transform(posts))


@pytest.mark.parametrize("kind", TARGETS.values())
def test_state_holds_only_python_numbers(kind: type[Target]) -> None:
    file = io.BytesIO()
    torch.save(kind().fit(table({"a": [1, 2], "b": [3]})).state(), file)
    file.seek(0)
    torch.load(file, weights_only=True)


@pytest.mark.parametrize("kind", TARGETS.values())
def test_state_of_an_author_is_under_the_authors_key(kind: type[Target]) -> None:
    state = kind().fit(table({"demo/ann": [1, 2, 7], "demo/ben": [3, 9]})).state()
    of_authors = {name: kept for name, kept in state.items() if isinstance(kept, dict)}
    assert all(kept.keys() == {"demo/ann", "demo/ben"} for kept in of_authors.values())
    for kept in of_authors.values():
        del kept["demo/ann"]
    assert "ann" not in json.dumps(state)
    later = load_target(state)
    assert np.isfinite(later.transform(table({"demo/ann": [1, 2, 7]}))).all()


@pytest.mark.parametrize("kind", TARGETS.values())
@pytest.mark.parametrize(
    "counts",
    [
        {"a": [0, 0, 0], "b": [0], "c": [5, 5]},
        {"a": [1], "b": [2], "c": [2_000_000_000]},
        {"a": [3, 3, 3, 3], "b": [4, 5]},
    ],
    ids=["no likes", "one post an author", "ties"],
)
def test_values_are_finite_whatever_the_authors_have(kind: type[Target], counts: Counts) -> None:
    # Without this author there would be nothing to learn for some.
    posts = table(counts | {"one to learn from": [1, 2]})
    target = kind().fit(posts)
    everyone = pd.concat([posts, table({"a": [0, 9], "stranger": [0, 7]})])
    values = target.transform(everyone)
    assert np.isfinite(values).all()
    assert np.isfinite(target.inverse(values, everyone)).all()


def test_no_training_posts_are_refused() -> None:
    with pytest.raises(LikerankError, match="no training posts to fit target top_post"):
        TopPost().fit(table({}))


@pytest.mark.parametrize("kind", TARGETS.values())
@pytest.mark.parametrize("number", [0, 12])
def test_equal_likes_are_refused(kind: type[Target], number: int) -> None:
    with pytest.raises(LikerankError, match=f"All 3 training posts have {number} likes"):
        kind().fit(table({"a": [number, number], "b": [number]}))


@pytest.mark.parametrize("kind", [AuthorLog, AuthorLogZ, AuthorPercentile, AuthorTop, LocalLogZ])
def test_authors_whose_posts_are_all_liked_equally_are_refused(kind: type[Target]) -> None:
    posts = table({"a": [3, 3, 3], "b": [100, 100, 100]})
    with pytest.raises(LikerankError, match=f"{kind.name} is the same for all 6 training posts"):
        kind().fit(posts)
    assert TopPost().fit(posts).transform(posts)[-1] == 1.0


@pytest.mark.parametrize(
    ("kind", "column", "what_to_do"),
    [
        (PerFollower, "followers", "the authors' followers, .* a source that gives followers"),
        (
            PerFollowerDecayed,
            "followers_then",
            "the followers when .* a source that gives followers and posted_at",
        ),
        (LocalLogZ, "posted_at", "the posts' dates, .* a source that gives posted_at"),
    ],
)
def test_a_missing_column_is_named_with_authors_and_advice(
    kind: type[Target], column: str, what_to_do: str
) -> None:
    posts = table({"a": [1, 2], "b": [3, 4]})
    lacking = posts.assign(**{column: posts[column].where(posts["author"] == "a")})
    with pytest.raises(LikerankError, match=rf"{kind.name} needs {what_to_do}") as refusal:
        kind().fit(lacking)
    assert "which 2 of 4 posts lack (of b)" in str(refusal.value)
    with pytest.raises(LikerankError, match=r"4 of 4 posts lack \(of a and 1 other author"):
        kind().fit(posts.drop(columns=column))
    with pytest.raises(LikerankError, match="posts lack"):
        kind().fit(posts).transform(lacking)


def test_a_state_of_an_unknown_target_is_refused() -> None:
    with pytest.raises(LikerankError, match=r"'moonlight'.*author_log, .*, top_post"):
        load_target({"name": "moonlight"})


def test_a_target_of_another_package_is_loaded_by_its_path() -> None:
    target = SquareRoot().fit(table({"a": [1, 4], "b": [9]}))
    again = load_target(json.loads(json.dumps(target.state())))
    assert type(again) is SquareRoot
    assert_array_equal(again.transform(table({"c": [36]})), [2.0])


@pytest.mark.parametrize(
    "path", ["package.that.is.missing.Mine", "tests.models.test_targets.table", "json.Nothing"]
)
def test_a_class_path_of_no_target_is_refused(path: str) -> None:
    with pytest.raises(LikerankError, match=f"'mine'.* and {path} cannot be imported"):
        load_target({"name": "mine", "class": path})


def test_a_state_without_class_path_is_read() -> None:
    posts = table({"a": [1, 2], "b": [3, 4]})
    state = AuthorLog().fit(posts).state()
    del state["class"]
    assert_array_equal(load_target(state).transform(posts), AuthorLog().fit(posts).transform(posts))


def test_a_column_that_an_outside_target_needs_is_named() -> None:
    class PerComment(SquareRoot):
        name = "per_comment"
        needs = ("comments",)

    posts = table({"a": [1, 2], "b": [3, 4]})
    with pytest.raises(
        LikerankError, match="per_comment needs the column comments, which the post table lacks"
    ):
        PerComment().fit(posts)
    with pytest.raises(
        LikerankError, match=r"comments, which 1 of 4 .*: ingest a source that gives comments"
    ):
        PerComment().fit(posts.assign(comments=[1, 2, 3, np.nan]))
