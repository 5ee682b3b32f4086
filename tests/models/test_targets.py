"""Targets: what they mean, what they refuse, and that they forget nothing and peek at nothing."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from likerank.errors import LikerankError
from likerank.models.targets import AuthorLog, Target, TopPost

Counts = dict[str, list[int]]

likes = st.integers(min_value=0, max_value=2_000_000_000)
counts_by_author = st.dictionaries(
    st.text(min_size=1, max_size=5).map(lambda name: f"demo/{name}"),
    st.lists(likes, min_size=2, max_size=6),
    min_size=1,
).filter(lambda counts: any(len(set(numbers)) > 1 for numbers in counts.values()))
kinds = st.sampled_from([TopPost, AuthorLog])


def table(counts: Counts) -> pd.DataFrame:
    rows = [(author, number) for author, numbers in counts.items() for number in numbers]
    posts = pd.DataFrame(rows, columns=["author", "likes"])
    return posts.astype({"likes": "int64"})


def test_top_post_divides_by_the_most_liked_training_post() -> None:
    target = TopPost().fit(table({"a": [5, 20], "b": [10]}))
    assert_array_equal(target.transform(table({"c": [20, 5, 40]})), [1.0, 0.25, 2.0])


def test_author_log_compares_with_the_authors_own_training_mean() -> None:
    target = AuthorLog().fit(table({"a": [10, 1000], "b": [7]}))
    expected = np.log1p(100) - (np.log1p(10) + np.log1p(1000)) / 2
    assert_allclose(target.transform(table({"a": [100], "b": [7]})), [expected, 0.0], rtol=1e-6)


def test_author_log_compares_an_unknown_author_with_the_mean_of_all_training_posts() -> None:
    target = AuthorLog().fit(table({"a": [10, 1000], "b": [7]}))
    overall = np.log1p([10, 1000, 7]).mean()
    assert_allclose(target.transform(table({"stranger": [50]})), [np.log1p(50) - overall], rtol=1e-6)


@given(kinds, counts_by_author)
def test_more_likes_never_mean_less_target_within_an_author(kind: type[Target], counts: Counts) -> None:
    posts = table(counts)
    values = pd.Series(kind().fit(posts).transform(posts))
    for _, mine in posts.groupby("author"):
        order = mine["likes"].sort_values().index
        assert values[order].is_monotonic_increasing


@given(kinds, counts_by_author, counts_by_author)
def test_inverse_gives_the_likes_back(kind: type[Target], training: Counts, others: Counts) -> None:
    posts, target = table(others), kind().fit(table(training))
    if kind is TopPost and target.state()["most_likes_"] < posts["likes"].max() / 1e6:
        return
    assert_allclose(target.inverse(target.transform(posts), posts), posts["likes"], rtol=2e-6, atol=2e-6)


@given(kinds, counts_by_author, counts_by_author)
def test_what_is_transformed_later_changes_nothing_that_was_fitted(
    kind: type[Target], training: Counts, others: Counts
) -> None:
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


@given(kinds, counts_by_author)
def test_state_survives_json_and_a_checkpoint_that_holds_plain_types_only(
    kind: type[Target], counts: Counts
) -> None:
    posts = table(counts)
    target = kind().fit(posts)
    file = io.BytesIO()
    torch.save(json.loads(json.dumps(target.state())), file)
    file.seek(0)
    again = Target.from_state(torch.load(file, weights_only=True))
    assert type(again) is kind
    assert again.state() == target.state()
    assert_array_equal(again.transform(posts), target.transform(posts))


def test_state_itself_holds_pythons_own_numbers() -> None:
    for kind in (TopPost, AuthorLog):
        file = io.BytesIO()
        torch.save(kind().fit(table({"a": [1, 2], "b": [3]})).state(), file)
        file.seek(0)
        torch.load(file, weights_only=True)


def test_no_training_posts_are_refused() -> None:
    with pytest.raises(LikerankError, match="no training posts to fit target top_post"):
        TopPost().fit(table({}))


@pytest.mark.parametrize("kind", [TopPost, AuthorLog])
@pytest.mark.parametrize("number", [0, 12])
def test_equal_likes_are_refused(kind: type[Target], number: int) -> None:
    with pytest.raises(LikerankError, match=f"All 3 training posts have {number} likes"):
        kind().fit(table({"a": [number, number], "b": [number]}))


def test_author_log_refuses_authors_whose_posts_are_all_liked_equally() -> None:
    posts = table({"a": [3, 3, 3], "b": [100, 100, 100]})
    with pytest.raises(LikerankError, match="author_log is the same for all 6 training posts"):
        AuthorLog().fit(posts)
    assert TopPost().fit(posts).transform(posts)[-1] == 1.0


def test_a_state_of_an_unknown_target_is_refused() -> None:
    with pytest.raises(LikerankError, match=r"'moonlight'.*author_log, .*, top_post"):
        Target.from_state({"name": "moonlight"})
