"""Near copies and split policies in snapshots of a real store: copies stay together, and no post moves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from likerank.dataset import SELECT, TRAIN, VALIDATION, FoldSnapshot, Recipe, Snapshot, build_snapshot
from likerank.errors import LikerankError
from likerank.images import StoredImage, encode_jpeg, make_stored_image
from likerank.records import PictureFile, Post
from likerank.sources import Export
from likerank.store import Store, export_store, ingest_source
from likerank.training.snapshot import warning_of

T0 = datetime(2024, 1, 1, tzinfo=UTC)


def picture(number: int, quality: int = 95) -> StoredImage:
    """Another quality makes a near copy of another digest."""
    coarse = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return make_stored_image(
        encode_jpeg(np.kron(coarse, np.ones((3, 3, 1), np.uint8)), quality), f"picture {number}"
    )


def post(number: int, author: int | None = None, **fields: Any) -> Post:
    given: dict[str, Any] = {"likes": number, "posted_at": T0 + timedelta(days=number)}
    return Post(
        source="made",
        source_id=f"p{number:04}",
        author_id=f"a{number % 40 if author is None else author}",
        username="someone",
        picture=PictureFile(Path("unused.jpg")),
        **(given | fields),
    )


def fill(store: Store, numbers: range, of_first: int = 0, quality: int = 95) -> None:
    """Posts with the pictures of number - of_first."""
    store.write([], [(post(number), picture(number - of_first, quality)) for number in numbers])


def build(store: Store, root: Path, **choices: Any) -> Snapshot:
    given: dict[str, Any] = {"size": 8, "balance": "none"}
    recipe = Recipe(**(given | choices))
    return Snapshot(build_snapshot(store, recipe, root, keep=9, workers=2))


def sides(snapshot: Snapshot) -> "pd.Series[str]":
    posts = snapshot.posts.set_index("key")
    return posts["split"] + posts["half"]


def pictures_of(keys: "pd.Index[str]") -> "pd.Index[int]":
    return keys.str[-4:].astype(int) % 1000


def test_near_copies_that_come_later_join_and_move_nobody(store: Store, tmp_path: Path) -> None:
    fill(store, range(150))
    before = sides(build(store, tmp_path))
    # Of other digests, half of which are smaller than those of the first ones.
    fill(store, range(1000, 1100), of_first=1000, quality=60)
    snapshot = build(store, tmp_path)
    after = sides(snapshot)
    assert len(after) == 250
    pd.testing.assert_series_equal(after[before.index], before)
    assert (after.groupby(pictures_of(after.index)).nunique() == 1).all()
    assert snapshot.posts["digest"].nunique() == 250
    assert snapshot.manifest["copies"] == {"groups": 100, "posts": 200, "share": 0.8}
    assert "200 posts, 80% of all, lie in 100 groups of near copies" in warning_of(snapshot)
    ignored = sides(build(store, tmp_path, near_copies="ignore"))
    assert (ignored.groupby(pictures_of(ignored.index)).nunique() > 1).any(), "the copies would be apart"


def test_few_near_copies_are_no_warning(store: Store, tmp_path: Path) -> None:
    fill(store, range(150))
    fill(store, range(1000, 1005), of_first=1000, quality=60)
    snapshot = build(store, tmp_path)
    assert snapshot.manifest["copies"] == {"groups": 5, "posts": 10, "share": round(10 / 155, 4)}
    assert warning_of(snapshot) == ""


def test_of_near_copies_the_first_alone_can_be_kept(store: Store, tmp_path: Path) -> None:
    fill(store, range(1000, 1040), of_first=1000)
    fill(store, range(150), quality=60)
    snapshot = build(store, tmp_path, near_copies="first_only")
    assert snapshot.manifest["excluded"] == {"near copy of an earlier post": 40}
    assert set(pictures_of(pd.Index(snapshot.posts["key"]))) == set(range(150))
    assert snapshot.posts["key"].str.startswith("made/p1").sum() >= 40
    assert warning_of(snapshot) == ""


def test_a_picture_between_two_groups_is_left_out_and_both_stay(store: Store, tmp_path: Path) -> None:
    """Each step of the chain is a near copy of its neighbours, and the ends are none of each other."""
    fill(store, range(120))
    one, other = (np.random.default_rng(s).integers(0, 256, (12, 12, 3)).astype(float) for s in (7001, 7002))

    def mixed(share: float) -> StoredImage:
        pixels = np.kron((1 - share) * one + share * other, np.ones((3, 3, 1))).astype(np.uint8)
        return make_stored_image(encode_jpeg(pixels), "mixed")

    store.write([], [(post(500), mixed(0.0)), (post(501), mixed(0.4))])
    before = sides(build(store, tmp_path))
    assert build(store, tmp_path).manifest["copies"]["groups"] == 0
    store.write([], [(post(502), mixed(0.2))])
    # Elsewhere, or it would be found to be the snapshot that is there.
    snapshot = build(store, tmp_path / "after")
    assert snapshot.manifest["excluded"] == {"near copy of pictures in several groups": 1}
    pd.testing.assert_series_equal(sides(snapshot)[before.index], before)


def test_a_store_of_an_earlier_version_gives_the_same_snapshot(store: Store, tmp_path: Path) -> None:
    fill(store, range(120))
    fill(store, range(1000, 1020), of_first=1000, quality=60)
    new = build(store, tmp_path / "new")
    store.collection("posts").update_many({}, {"$unset": {"image.signature": "", "added_at": ""}})
    old = build(store, tmp_path / "old")
    # By key the first ones come first, as they were written.
    assert old.fingerprint == new.fingerprint
    export_store(store, tmp_path / "export", images=True)
    database = store.collection("posts").database
    for name in ("posts", "authors", "observations"):
        database[name].delete_many({})
    ingest_source(Export(tmp_path / "export"), store, workers=1)
    assert all(document["image"]["signature"] for document in store.collection("posts").find())
    assert build(store, tmp_path / "again").fingerprint == new.fingerprint


def test_an_export_read_back_remembers_which_copy_was_first(store: Store, tmp_path: Path) -> None:
    fill(store, range(1000, 1060), of_first=1000)
    fill(store, range(150), quality=60)
    fingerprint = build(store, tmp_path / "one").fingerprint
    export_store(store, tmp_path / "export", images=True)
    database = store.collection("posts").database
    for name in ("posts", "authors", "observations"):
        database[name].delete_many({})
    ingest_source(Export(tmp_path / "export"), store, workers=1)
    assert build(store, tmp_path / "two").fingerprint == fingerprint


def test_unseen_authors_keeps_authors_and_copies_in_one_split(store: Store, tmp_path: Path) -> None:
    fill(store, range(200))
    before = sides(build(store, tmp_path, split="unseen_authors"))
    # Copies by the author themself, and by another one.
    store.write([], [(post(1000 + n, author=n % 40), picture(n, 60)) for n in range(30)])
    store.write([], [(post(2000 + n, author=(n + 1) % 40), picture(n, 50)) for n in range(30)])
    snapshot = build(store, tmp_path, split="unseen_authors")
    after = sides(snapshot)
    assert snapshot.manifest["excluded"] == {"copy of another author's picture": 30}
    pd.testing.assert_series_equal(after[before.index], before)
    parts = snapshot.posts["split"] + snapshot.posts["half"]
    assert parts.nunique() == 4
    for unit in ("author", "group"):
        assert (parts.groupby(snapshot.posts[unit]).nunique() == 1).all()
    views = [FoldSnapshot(Snapshot(snapshot.folder), fold, 2).posts for fold in (1, 2)]
    for view in views:
        assert ((view["split"] + view["half"]).groupby(view["author"]).nunique() == 1).all()
    held_out = np.sum([view["half"] == SELECT for view in views], axis=0)
    assert held_out.tolist() == (snapshot.posts["split"] != "test").astype(int).tolist()


@pytest.mark.parametrize("split", ["later_posts", "later_posts_per_author"])
def test_no_post_is_trained_on_that_is_later_than_a_ranked_one(
    store: Store, tmp_path: Path, split: str
) -> None:
    store.write([], [(post(n, author=n % 4), picture(n)) for n in range(200)])
    # A copy a day later stays with its first; one at the end, or years before, does not stand beside it.
    store.write([], [(post(1000, 0, posted_at=T0 + timedelta(days=11)), picture(10, 60))])
    store.write([], [(post(1001, 1, posted_at=T0 + timedelta(days=300)), picture(11, 60))])
    store.write([], [(post(1002, posted_at=None), picture(1002))])
    snapshot = build(store, tmp_path, split=split)
    assert snapshot.manifest["excluded"] == {"no date": 1, "copy of a post on another side of a date": 1}
    posts = snapshot.posts
    order = (posts["split"] + posts["half"]).map({"train": 0, "valstop": 1, "valselect": 2, "test": 3})
    assert order.is_monotonic_increasing
    assert order.nunique() == 4
    series = posts["author"] if split == "later_posts_per_author" else pd.Series("all", index=posts.index)
    for _, of_one in posts.assign(order=order).groupby(series):
        assert of_one.sort_values("posted_at")["order"].is_monotonic_increasing
    assert (order.groupby(posts["group"]).nunique() == 1).all()
    counts = snapshot.manifest["counts"]["posts"]
    assert counts == {
        TRAIN: pytest.approx(161, abs=3),
        VALIDATION: pytest.approx(20, abs=3),
        "test": pytest.approx(20, abs=3),
    }
    with pytest.raises(LikerankError, match=f"split={split} ranks later posts than it trains on"):
        FoldSnapshot(snapshot, 1, 2)


def test_posts_of_one_time_are_on_one_side(store: Store, tmp_path: Path) -> None:
    store.write([], [(post(n, posted_at=T0 + timedelta(days=n // 12)), picture(n)) for n in range(240)])
    posts = build(store, tmp_path, split="later_posts").posts
    assert ((posts["split"] + posts["half"]).groupby(posts["posted_at"]).nunique() == 1).all()


def test_too_few_authors_are_refused_in_words(store: Store, tmp_path: Path) -> None:
    store.write([], [(post(n, author=n % 2), picture(n)) for n in range(60)])
    with pytest.raises(
        LikerankError, match=r"60 usable posts of 60 are too few.*ingest posts of more authors"
    ):
        build(store, tmp_path, split="unseen_authors")


@pytest.mark.parametrize("choice", [{"split": "past"}, {"near_copies": "drop"}])
def test_an_unknown_choice_names_the_known_ones(choice: dict[str, Any]) -> None:
    with pytest.raises(LikerankError, match=r"snapshot\.\w+ is \w+; it must be one of (random|together), "):
        Recipe(**choice)
