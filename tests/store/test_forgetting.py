"""Deleting a person's data removes the author, the posts and their observations, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from likerank.store import Store
from likerank.store.forgetting import ForgetCounts
from tests.store.conftest import MakeAuthor, MakeImage, MakePost

FIRST, SECOND = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    names = ("posts", "authors", "observations")
    return {name: sorted(store.collection(name).find(), key=lambda one: str(one["_id"])) for name in names}


@pytest.fixture
def filled(store: Store, make_post: MakePost, make_author: MakeAuthor, make_stored_image: MakeImage) -> Store:
    """Two authors of one source, one of another source with the same id; one post is called as an author."""
    for at in (FIRST, SECOND):
        posts = [make_post(number, at=at) for number in range(120)]
        posts += [make_post(number, at=at, author_id="a2", username="bob") for number in range(200, 203)]
        posts += [make_post(1, at=at, source="other"), make_post(at=at, source_id="a1", author_id="a2")]
        authors = [make_author(at=at), make_author(at=at, number=2, username="bob")]
        store.write(authors, [(post, make_stored_image()) for post in posts])
    return store


def test_the_authors_documents_go_and_no_others(filled: Store) -> None:
    before, revision = contents(filled), filled.revision()
    assert filled.forget("made/a1") == ForgetCounts(authors=1, posts=120, observations=242)
    after = contents(filled)
    theirs = {("author", "made/a1")} | {("post", f"made/p{number}") for number in range(120)}
    for kind, name in (("post", "posts"), ("author", "authors")):
        assert after[name] == [one for one in before[name] if (kind, one["_id"]) not in theirs]
    assert after["observations"] == [
        one for one in before["observations"] if (one["kind"], one["key"]) not in theirs
    ]
    assert filled.revision() != revision


def test_again_it_finds_nothing(filled: Store) -> None:
    filled.forget("made/a1")
    after = contents(filled)
    assert filled.forget("made/a1") == ForgetCounts()
    assert filled.forget("made/nobody") == ForgetCounts()
    assert contents(filled) == after


def test_what_a_kill_left_half_done_is_finished(filled: Store) -> None:
    """Of any state that the removal passes through, the next call leaves the same."""
    filled.collection("observations").delete_many({"kind": "post", "key": {"$in": ["made/p1", "made/p2"]}})
    filled.collection("posts").delete_many({"_id": "made/p1"})
    filled.forget("made/a1")
    assert filled.collection("posts").count_documents({"source": "made", "author_id": "a1"}) == 0
    left = {one["key"] for one in filled.collection("observations").find()}
    assert left == {"made/p200", "made/p201", "made/p202", "made/a1", "made/a2", "other/p1"}
    assert [one["_id"] for one in filled.collection("authors").find()] == ["made/a2"]


@pytest.mark.parametrize("name", ["a1", "ann", "ann.lee", "Ann.Lee"])
def test_an_author_is_found_by_id_and_by_any_name(store: Store, make_author: MakeAuthor, name: str) -> None:
    store.write([make_author(at=FIRST), make_author(at=FIRST, number=2, username="bob")], [])
    store.write([make_author(at=SECOND, username="ann.lee")], [])
    assert store.find_authors(name) == {"made/a1": {"ann", "ann.lee"}}
    assert store.find_authors("an") == {}


def test_the_names_on_an_authors_posts_are_names_too(filled: Store, make_post: MakePost) -> None:
    filled.write([], [(make_post(500, at=FIRST, username="ann.before"), None)])
    assert filled.find_authors("a1") == {"made/a1": {"ann", "ann.before"}}
