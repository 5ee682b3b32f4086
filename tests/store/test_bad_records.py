"""One bad record costs one record: it is named, and the others of its batch are stored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from likerank.images import StoredImage
from likerank.records import Post
from likerank.store import Store

MakePost = Callable[..., Post]
MakeImage = Callable[..., StoredImage]

BAD_FIELDS: dict[str, dict[str, Any]] = {
    "true": {"likes": True},
    "a float": {"likes": 12.5},
    "text": {"comments": "12"},
    "a list": {"likes": [1]},
    "beyond 64 bits": {"comments": 1 << 63},
    "a number as a name": {"username": 7},
    "text as a time": {"posted_at": "2024-05-31"},
    "half a character": {"username": "\ud83d"},
    "a NUL": {"username": "a\0b"},
    "a text of megabytes": {"username": "x" * (17 << 20)},
    "a time before the year 1": {
        "posted_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    },
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_bad_record_is_named_and_costs_no_other(
    store: Store, make_post: MakePost, make_stored_image: MakeImage, case: str
) -> None:
    bad = replace(make_post(2), **BAD_FIELDS[case])
    posts = [make_post(1), bad, make_post(3)]
    written = store.write([], [(post, make_stored_image()) for post in posts])
    assert (written.new_posts, len(written.refused)) == (2, 1)
    assert bad.source_id in written.refused[0]
    assert len(written.refused[0]) < 400


def test_an_image_beyond_a_documents_size_is_named(
    store: Store, make_post: MakePost, make_stored_image: MakeImage
) -> None:
    huge = replace(make_stored_image(), jpeg=bytes(16 << 20))
    written = store.write([], [(make_post(1), huge), (make_post(2), make_stored_image())])
    assert (written.new_posts, len(written.refused)) == (1, 1)


def test_a_zero_that_was_hidden_is_made_unknown(
    store: Store, make_post: MakePost, make_stored_image: MakeImage
) -> None:
    old = replace(make_post(1), likes=0, observed_at=datetime(2026, 1, 2, tzinfo=UTC))
    store.write([], [(old, make_stored_image())])
    for observed_at in (old.observed_at, datetime(2026, 1, 1, tzinfo=UTC)):
        store.write([], [(replace(old, likes=None, observed_at=observed_at), None)])
    found = store.collection("posts").find_one({"_id": old.key}) or {}
    assert found["likes"] is None
    assert {each["likes"] for each in store.collection("observations").find({"key": old.key})} == {None}


def test_a_record_that_the_server_refuses_is_named(
    store: Store, make_post: MakePost, make_stored_image: MakeImage
) -> None:
    rule = {"likes": {"$lt": 100}}  # As an owner of a real MongoDB may add.
    store.collection("posts").database.command("collMod", "posts", validator=rule)
    posts = [(make_post(number, likes=99 + number), make_stored_image()) for number in range(3)]
    written = store.write([], posts)
    assert [each["_id"] for each in store.collection("posts").find()] == ["made/p0"]
    assert ["made/p1" in written.refused[0], "made/p2" in written.refused[1]] == [True, True]
