"""A store keeps posts, authors and observations, once each, whatever is repeated or killed."""

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.errors import WriteError

from likerank.images import StoredImage
from likerank.records import Author, Post, Truth
from likerank.store import Store, open_store
from likerank.store.schema import SLOTS, slot_of
from likerank.store.store import WriteCounts

MakePost = Callable[..., Post]
MakeAuthor = Callable[..., Author]
MakeImage = Callable[..., StoredImage]

T0 = datetime(2024, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def post_table(store: Store) -> list[dict[str, Any]]:
    rows = [row for batch in store.scan_posts() for row in batch.to_pylist()]
    return sorted(rows, key=lambda row: str(row["key"]))


def images(store: Store) -> dict[str, bytes]:
    return {key: jpeg for batch in store.scan_images(["made/p1", "made/p2"]) for key, jpeg in batch}


def contents(store: Store) -> dict[str, list[dict[str, object]]]:
    """All documents, without the time at which a post came, which is another one after a kill."""
    return {
        name: list(store.collection(name).find({}, {"added_at": 0}).sort("_id"))
        for name in ("posts", "authors", "observations")
    }


def test_a_batch_is_stored_and_written_again_changes_nothing(
    store: Store, make_post: MakePost, make_author: MakeAuthor, make_stored_image: MakeImage
) -> None:
    posts = [(make_post(number, likes=number), make_stored_image(digest=f"d{number}")) for number in range(5)]
    first = store.write([make_author()], posts)
    assert first == WriteCounts(new_posts=5, new_authors=1, new_observations=6)
    before, revision = contents(store), store.revision()
    assert store.write([make_author()], posts) == WriteCounts(unchanged_posts=5, unchanged_authors=1)
    assert contents(store) == before
    assert store.revision() == revision
    assert store.count_posts() == store.count_posts(["made", "other"]) == 5
    assert store.count_posts(["other"]) == 0


def test_the_post_table_joins_the_author_of_the_same_source(
    store: Store, make_post: MakePost, make_author: MakeAuthor, make_stored_image: MakeImage
) -> None:
    seen = make_post(
        1, likes=None, comments=None, posted_at=T0 - DAY, at=T0, truth=Truth(appeal=0.5, audience=2.0)
    )
    orphan = make_post(2, source="other", author_id="a1", username="someone", at=T0)
    store.write([make_author(followers=7, username="renamed")], [(seen, make_stored_image()), (orphan, None)])
    rows = post_table(store)
    assert T0 < rows[0].pop("added_at") == rows[1].pop("added_at") <= datetime.now(UTC)
    assert rows == [
        {
            "key": "made/p1",
            "source": "made",
            "author": "made/a1",
            "username": "renamed",
            "likes": None,
            "comments": None,
            "posted_at": T0 - DAY,
            "observed_at": seen.observed_at,
            "followers": 7,
            "digest": "d1",
            "appeal": 0.5,
            "audience": 2.0,
            "has_image": True,
            "signature": bytes(256),
            "synthetic": False,
        },
        {
            "key": "other/p2",
            "source": "other",
            "author": "other/a1",
            "username": "someone",
            "likes": 10,
            "comments": 2,
            "posted_at": None,
            "observed_at": orphan.observed_at,
            "followers": None,
            "digest": None,
            "appeal": None,
            "audience": None,
            "has_image": False,
            "signature": None,
            "synthetic": False,
        },
    ]
    assert [batch["key"].to_pylist() for batch in store.scan_posts(["other"])] == [["other/p2"]]


def test_like_counts_of_a_post_come_together_but_hidden_ones(
    store: Store, make_post: MakePost, make_author: MakeAuthor
) -> None:
    days = [T0 + number * DAY for number in range(3)]
    for likes, day in zip((5, None, 9), days, strict=True):
        store.write([make_author(at=day)], [(make_post(1, likes=likes, at=day), None)])
    store.write([], [(make_post(number, likes=number, at=T0), None) for number in range(2, 40)])
    (batch,) = store.scan_counts("post", "likes", [f"made/p{number}" for number in range(1, 30)])
    counts = batch.to_pandas().sort_values(["key", "observed_at"])
    assert set(counts["key"]) == {f"made/p{number}" for number in range(1, 30)}
    first = counts[counts["key"] == "made/p1"]
    assert first["likes"].tolist() == [5, 9]
    assert first["observed_at"].tolist() == [days[0], days[2]]
    assert list(store.scan_counts("post", "likes", ["made/none"])) == []


def test_a_stored_image_stays_until_another_picture_comes(
    store: Store, make_post: MakePost, make_stored_image: MakeImage
) -> None:
    store.write([], [(make_post(1), make_stored_image(b"one")), (make_post(2), None)])
    assert store.posts_with_image(["made/p1", "made/p2", "made/p3"]) == {"made/p1"}
    assert store.write([], [(make_post(1), None)]).unchanged_posts == 1
    assert store.write([], [(make_post(1), make_stored_image(b"one"))]).unchanged_posts == 1
    assert images(store) == {"made/p1": b"one"}
    changed = store.write(
        [], [(make_post(1), make_stored_image(b"two", "d2")), (make_post(2), make_stored_image())]
    )
    assert (changed.updated_posts, changed.new_observations) == (2, 0)
    assert images(store) == {
        "made/p1": b"two",
        "made/p2": b"jpeg",
    }


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_images_come_each_once_however_many_are_asked_for(
    store: Store, make_post: MakePost, make_stored_image: MakeImage, share: float
) -> None:
    jpegs = {f"made/p{number}": os.urandom(50) for number in range(700)}
    store.write([], [(make_post(n), make_stored_image(jpegs[f"made/p{n}"])) for n in range(700)])
    asked = random.Random(0).sample(sorted(jpegs), round(share * 700))
    got = [pair for batch in store.scan_images(asked, batch_size=60) for pair in batch]
    assert len(got) == len(asked)
    assert dict(got) == {key: jpegs[key] for key in asked}
    assert len(post_table(store)) == 700


def test_only_the_embedded_server_has_slots(
    store: Store, store_uri: str, make_post: MakePost, make_author: MakeAuthor
) -> None:
    store.write([make_author()], [(make_post(), None)])
    database = store.collection("posts").database
    for name in ("posts", "authors"):
        (document,) = contents(store)[name]
        validator = database.command("listCollections", filter={"name": name})["cursor"]["firstBatch"][0]
        described = [document, validator, database[name].index_information()]
        assert [("slot" in str(part)) for part in described] == [store_uri == "embedded"] * 3


def test_opening_gives_a_slot_to_documents_without_one(
    store: Store, store_uri: str, embedded_folder: Path, make_post: MakePost, make_stored_image: MakeImage
) -> None:
    store.write([], [(make_post(number), make_stored_image()) for number in range(300)])
    with open_store("embedded", store.database_name, embedded_folder) as embedded:
        assert post_table(embedded) == post_table(store)
        assert all("slot" in post for post in contents(embedded)["posts"])
    with open_store(store_uri, store.database_name, embedded_folder) as again:
        assert len(post_table(again)) == 300
        assert again.write([], [(make_post(number), None) for number in range(301)]).new_posts == 1


def test_without_the_flag_a_known_truth_makes_a_post_synthetic(store: Store, make_post: MakePost) -> None:
    truth = Truth(appeal=0.5, audience=2.0)
    store.write([], [(make_post(1, truth=truth, synthetic=True), None), (make_post(2), None)])
    store.write([], [(make_post(3, at=T0, synthetic=True), None)])
    store.write([], [(make_post(3, at=T0 + DAY), None)])
    assert [row["synthetic"] for row in post_table(store)] == [True, False, True], "never taken back"
    store.collection("posts").update_many({}, {"$unset": {"synthetic": 1}})
    assert [row["synthetic"] for row in post_table(store)] == [True, False, False]


def test_slots_spread_keys_evenly() -> None:
    slots = [slot_of(f"made/p{number}") for number in range(4000)]
    assert all(0 <= slot < SLOTS for slot in slots)
    eighths = [slot * 8 // SLOTS for slot in slots]
    assert all(400 < eighths.count(part) < 600 for part in range(8))


def test_a_later_observation_decides_and_an_earlier_one_is_kept(
    store: Store, make_post: MakePost, make_author: MakeAuthor
) -> None:
    store.write([make_author(5, T0)], [(make_post(likes=10, at=T0, posted_at=T0 - DAY), None)])
    later = store.write([make_author(6, T0 + DAY)], [(make_post(likes=None, at=T0 + DAY), None)])
    assert later == WriteCounts(updated_posts=1, updated_authors=1, new_observations=2)
    earlier = store.write([make_author(4, T0 - DAY)], [(make_post(likes=3, at=T0 - DAY), None)])
    assert earlier == WriteCounts(unchanged_posts=1, unchanged_authors=1, new_observations=2)
    row = post_table(store)[0]
    assert (row["likes"], row["followers"], row["posted_at"]) == (None, 6, T0 - DAY)
    seen = store.collection("observations").find({"kind": "post"}).sort("observed_at")
    assert [one["likes"] for one in seen] == [3, 10, None]


def test_the_same_count_at_another_time_is_an_observation(store: Store, make_post: MakePost) -> None:
    store.write([], [(make_post(at=T0), None)])
    assert store.write([], [(make_post(at=T0 + DAY), None)]).new_observations == 1
    assert store.write([], [(make_post(at=T0), None)]) == WriteCounts(unchanged_posts=1)


def test_without_a_time_only_other_counts_are_an_observation(store: Store, make_post: MakePost) -> None:
    begin = datetime.now(UTC) - timedelta(milliseconds=1)
    store.write([], [(make_post(likes=1), None)])
    assert store.write([], [(make_post(likes=1), None)]) == WriteCounts(unchanged_posts=1)
    assert store.write([], [(make_post(likes=2), None)]) == WriteCounts(updated_posts=1, new_observations=1)
    times = [one["observed_at"] for one in store.collection("observations").find().sort("observed_at")]
    assert begin <= times[0] < times[1] <= datetime.now(UTC) + timedelta(seconds=1)


@settings(suppress_health_check=list(HealthCheck))
@given(
    seen=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, 1, 2])), min_size=1, max_size=6).map(
        lambda pairs: list(dict(pairs).items())
    ),
    cuts=st.lists(st.integers(0, 6), max_size=2),
    order=st.randoms(use_true_random=False),
)
def test_order_batches_and_repetition_do_not_matter(
    store: Store,
    make_post: MakePost,
    seen: list[tuple[int, int | None]],
    cuts: list[int],
    order: random.Random,
) -> None:
    for name in ("posts", "observations"):
        store.collection(name).delete_many({})
    posts: list[Post] = [make_post(likes=likes, at=T0 + day * DAY) for day, likes in seen]
    written = posts + posts
    order.shuffle(written)
    edges = [0, *sorted(cuts), len(written)]
    for start, stop in pairwise(edges):
        store.write([], [(post, None) for post in written[start:stop]])
    newest = max(posts, key=lambda post: post.observed_at or T0)
    stored = store.collection("posts").find_one()
    assert stored is not None
    assert (stored["likes"], stored["observed_at"]) == (newest.likes, newest.observed_at)
    observations = store.collection("observations").find().sort("observed_at")
    assert [(one["observed_at"], one["likes"]) for one in observations] == sorted(
        ((post.observed_at, post.likes) for post in posts), key=lambda pair: pair[0] or T0
    )


def test_a_rename_moves_nothing_and_is_remembered(
    store: Store, make_post: MakePost, make_author: MakeAuthor
) -> None:
    store.write([make_author(at=T0)], [(make_post(), None)])
    store.write([make_author(at=T0 + DAY, username="anna")], [])
    store.write([make_author(at=T0 - DAY, username="annie")], [])
    author = store.collection("authors").find_one()
    assert author is not None
    assert author["username"] == "anna"
    assert author["usernames"] == ["ann", "anna", "annie"]
    assert [(row["author"], row["username"]) for row in post_table(store)] == [("made/a1", "anna")]


def test_an_author_without_counts_is_no_observation(store: Store, make_author: MakeAuthor) -> None:
    mixed = [make_author(None), make_author(9), make_author(None, username="anna"), make_author(None)]
    first = store.write(mixed, [])
    assert (first.new_authors, first.new_observations) == (1, 1)
    before = contents(store)
    assert store.write(mixed, []) == WriteCounts(unchanged_authors=4)
    assert contents(store) == before
    assert before["authors"][0]["followers"] == 9


def test_revision_changes_exactly_when_something_does(
    store: Store, make_post: MakePost, make_author: MakeAuthor, make_stored_image: MakeImage
) -> None:
    revisions = [store.revision()]
    assert revisions == [""]
    batches: list[tuple[list[Author], list[tuple[Post, StoredImage | None]]]] = [
        ([make_author(1, T0)], []),
        ([], [(make_post(1, 1, T0), None)]),
        ([], [(make_post(1, 1, T0), make_stored_image())]),
        ([], [(make_post(1, 2, T0 + DAY), None)]),
    ]
    for authors, posts in batches:
        store.write(authors, posts)
        revisions.append(store.revision())
        store.write(authors, posts)
        assert store.revision() == revisions[-1]
    assert len(set(revisions)) == len(revisions)
    store.write([], [])
    assert store.revision() == revisions[-1]


def test_an_unstorable_record_is_named_and_the_rest_is_written(
    store: Store, make_post: MakePost, make_author: MakeAuthor
) -> None:
    bad = [
        make_post(1, username="a\0b"),
        make_post(2, source_id="\ud800"),
        make_post(3, likes=1 << 63),
    ]
    counts = store.write([make_author(username="\udfff")], [(post, None) for post in [*bad, make_post(4)]])
    assert counts.new_posts == 1
    assert counts.authors == 0
    assert [
        word in why
        for word, why in zip(["surrogate", "NUL", "surrogate", "64 bits"], counts.refused, strict=True)
    ]
    for why in counts.refused:
        why.encode()
    assert "made/p3" in counts.refused[3]


@pytest.mark.parametrize(
    ("collection", "document"),
    [
        ("posts", {"_id": "made/p1", "likes": "many"}),
        ("authors", {"_id": "made/a1"}),
        ("observations", {"_id": "x", "kind": "reel", "key": "made/p1", "observed_at": T0}),
    ],
)
def test_the_database_itself_rejects_a_bad_document(
    store: Store, collection: str, document: dict[str, object]
) -> None:
    with pytest.raises(WriteError, match=r"[Vv]alidation"):
        store.collection(collection).insert_one(document)


def test_a_second_run_completes_what_a_kill_left(
    store: Store, make_post: MakePost, make_author: MakeAuthor, make_stored_image: MakeImage
) -> None:
    """What a kill leaves, each write undone in turn from the last: observations are written first."""
    store.write([make_author(1)], [(make_post(1, likes=1), make_stored_image())])
    batch = [make_author(2)], [(make_post(1, likes=2), None), (make_post(2, likes=5), make_stored_image())]
    before = contents(store)
    store.write(*batch)
    whole = contents(store)
    for undone in (["posts"], ["posts", "authors"]):
        for name in undone:
            store.collection(name).delete_many({})
            store.collection(name).insert_many(before[name])
        store.write(*batch)
        assert contents(store) == whole


def test_forked_workers_leave_the_store_working(store: Store, make_post: MakePost) -> None:
    store.write([], [(make_post(), None)])
    context = get_context("fork")
    workers = [context.Process(target=sum, args=(range(10),)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert store.count_posts() == 1
