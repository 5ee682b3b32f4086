"""Snapshots built from a real store: complete, stable, reproducible, never half-written."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.dataset import Recipe, Snapshot, build_snapshot, find_snapshot
from likerank.dataset.splits import Balance
from likerank.errors import LikerankError
from likerank.images import StoredImage, encode_jpeg, make_stored_image, to_pixels
from likerank.records import Author, PictureFile, Post, Truth
from likerank.store import Store
from tests.forking import start_code

SIZE = 8
RECIPE = Recipe(size=SIZE, balance="none")


def picture(number: int) -> StoredImage:
    shade = np.random.default_rng(number).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    return make_stored_image(encode_jpeg(np.kron(shade, np.ones((2, 2, 1), np.uint8))), f"picture {number}")


def post(number: int, author: str = "", likes: int | None = 5, source: str = "made") -> Post:
    return Post(
        source=source,
        source_id=f"p{number}",
        author_id=author or f"a{number % 5}",
        username="someone",
        picture=PictureFile(Path("unused.jpg")),
        likes=likes,
        truth=Truth(appeal=0.5, audience=2.0),
    )


def fill(store: Store, numbers: Sequence[int]) -> None:
    authors = [
        Author(source="made", author_id=f"a{a}", username=f"name {a}", followers=10 * a) for a in range(5)
    ]
    store.write(authors, [(post(n, likes=n), picture(n)) for n in numbers])


def build(store: Store, root: Path, recipe: Recipe = RECIPE, keep: int = 5) -> Snapshot:
    return Snapshot(build_snapshot(store, recipe, root, keep=keep, workers=2))


def test_every_post_has_its_own_pixels_likes_and_author(store: Store, tmp_path: Path) -> None:
    fill(store, range(150))
    snapshot = build(store, tmp_path)
    assert len(snapshot.posts) == 150
    for row, entry in enumerate(snapshot.posts.to_dict("records")):
        number = int(entry["key"].removeprefix("made/p"))
        assert entry["likes"] == number
        assert (entry["author"], entry["username"]) == (f"made/a{number % 5}", f"name {number % 5}")
        assert entry["followers"] == 10 * (number % 5)
        np.testing.assert_array_equal(snapshot.pixels[row], to_pixels(picture(number).jpeg, SIZE))


def test_a_post_knows_the_followers_that_its_author_had_then(store: Store, tmp_path: Path) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    fill(store, range(50))
    for day, followers in ((0, 99), (100, 9999)):
        seen = Author(source="made", author_id="grows", username="g", followers=followers)
        store.write([replace(seen, observed_at=start + timedelta(days=day))], [])
    dated = [
        (replace(post(n, "grows"), posted_at=start + timedelta(days=n - 100)), picture(n))
        for n in range(100, 201)
    ]
    store.write([], dated)
    posts = build(store, tmp_path).posts.set_index("key")
    assert posts.loc["made/p150", "followers_then"] == 999
    assert posts["followers_then"].isna().sum() == 50, "no date, no followers then"
    assert posts["followers"].notna().all()


def test_an_unobserved_author_has_no_followers_then(store: Store, tmp_path: Path) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    store.write([], [(replace(post(n, likes=n), posted_at=moment), picture(n)) for n in range(60)])
    assert build(store, tmp_path).posts["followers_then"].isna().all()


def test_the_day_of_ingest_does_not_reach_the_fingerprint(store: Store, tmp_path: Path) -> None:
    authors = [Author(source="made", author_id=f"a{a}", username="someone", followers=900) for a in range(5)]
    posts = [
        (
            replace(post(n, likes=n), posted_at=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=n)),
            picture(n),
        )
        for n in range(100)
    ]
    store.write(authors, posts)
    one = build(store, tmp_path / "one").fingerprint
    store.write(authors, posts)
    assert build(store, tmp_path / "again").fingerprint == one
    ages_ago = {"$set": {"observed_at": datetime(2021, 5, 5, tzinfo=UTC)}}
    for name in ("authors", "observations"):
        store.collection(name).update_many({}, ages_ago)
    assert build(store, tmp_path / "other").fingerprint == one


def test_a_flag_makes_a_snapshot_synthetic_not_a_name(store: Store, tmp_path: Path) -> None:
    posts = [replace(post(n, likes=n, source="demo_day"), truth=None) for n in range(100)]
    store.write([], [(each, picture(n)) for n, each in enumerate(posts)])
    named = build(store, tmp_path)
    assert not named.synthetic
    database = store.collection("posts").database
    for name in ("posts", "observations"):
        database[name].delete_many({})
    store.write([], [(replace(each, synthetic=True), picture(n)) for n, each in enumerate(posts)])
    flagged = build(store, tmp_path)
    assert flagged.synthetic
    assert flagged.fingerprint == named.fingerprint, "not part of what is learned from"


def test_the_flag_of_older_snapshots_is_read(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    snapshot = build(store, tmp_path)
    manifest = snapshot.manifest
    del manifest["synthetic"]
    (snapshot.folder / "snapshot.json").write_text(json.dumps(manifest | {"made": True}))
    assert Snapshot(snapshot.folder).synthetic


def test_a_snapshot_that_lacks_a_column_is_not_the_latest(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    manifest_file = build(store, tmp_path).folder / "snapshot.json"
    manifest = json.loads(manifest_file.read_text())
    columns = manifest.pop("columns")
    assert "followers_then" in columns
    old = manifest_file.parent.rename(tmp_path / "s0123456789abcdef")
    (old / "snapshot.json").write_text(json.dumps(manifest))
    assert build(store, tmp_path).fingerprint == manifest["fingerprint"]
    assert {folder.name for folder in tmp_path.glob("s*")} == {old.name, manifest["fingerprint"]}


def test_splits_lie_one_after_the_other_and_are_shuffled_within(store: Store, tmp_path: Path) -> None:
    fill(store, range(150))
    posts = build(store, tmp_path).posts
    order = (posts["split"] + posts["half"]).drop_duplicates().tolist()
    assert order == ["train", "valstop", "valselect", "test"]
    numbers = posts["key"].str.removeprefix("made/p").astype(int)
    assert abs(np.corrcoef(np.arange(150), numbers)[0, 1]) < 0.3
    counts = json.loads((build(store, tmp_path).folder / "snapshot.json").read_text())["counts"]
    assert counts["posts"] == posts["split"].value_counts().to_dict()
    assert sum(sum(c.values()) for c in counts["authors"].values()) == 150


def test_the_order_of_ingest_does_not_reach_the_fingerprint(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    one = build(store, tmp_path / "one").fingerprint
    database = store.collection("posts").database
    for name in ("posts", "authors", "observations"):
        database[name].delete_many({})
    fill(store, range(50, 100))
    fill(store, range(50)[::-1])
    assert build(store, tmp_path / "two").fingerprint == one


def test_more_posts_move_nobody(store: Store, tmp_path: Path) -> None:
    fill(store, range(120))
    before = build(store, tmp_path).posts.set_index("key")[["split", "half"]]
    fill(store, range(120, 200))
    after = build(store, tmp_path).posts.set_index("key")[["split", "half"]]
    assert len(after) == 200
    pd.testing.assert_frame_equal(after.loc[before.index], before)


def test_copies_of_one_picture_stand_on_one_side(store: Store, tmp_path: Path) -> None:
    copies = [(post(1000 + n), picture(n % 10)) for n in range(60)]
    fill(store, range(100))
    store.write([], copies)
    posts = build(store, tmp_path).posts
    assert (posts.groupby("digest")["half"].nunique() == 1).all()
    assert (posts.groupby("digest")["split"].nunique() == 1).all()
    assert posts["digest"].nunique() == 100


def test_posts_without_likes_or_picture_are_counted_out(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    store.write([], [(post(200, likes=None), picture(200)), (post(201), None)])
    snapshot = build(store, tmp_path)
    assert len(snapshot.posts) == 100
    assert snapshot.manifest["excluded"] == {"no picture": 1, "no like count": 1}


@pytest.mark.parametrize(("balance", "limit"), [("none", 999), ("median", 30), ("minimum", 18), (20, 20)])
def test_balance_limits_the_posts_of_an_author(
    store: Store, tmp_path: Path, balance: Balance, limit: int
) -> None:
    counts = {"a0": 30, "a1": 30, "a2": 18, "a3": 56, "a4": 56}
    posters = [author for author, count in counts.items() for _ in range(count)]
    store.write([], [(post(number, author), picture(number)) for number, author in enumerate(posters)])
    snapshot = build(store, tmp_path, Recipe(size=SIZE, balance=balance))
    expected = {f"made/{author}": min(count, limit) for author, count in counts.items()}
    assert snapshot.posts["author"].value_counts().to_dict() == expected


def test_rare_authors_leave_before_balancing(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    store.write([], [(post(300 + n, "rare"), picture(300 + n)) for n in range(3)])
    snapshot = build(store, tmp_path, Recipe(size=SIZE, balance="minimum", min_posts_per_author=10))
    assert snapshot.posts["author"].value_counts().to_dict() == {f"made/a{a}": 20 for a in range(5)}
    assert snapshot.manifest["excluded"] == {"author below min_posts_per_author": 3}


def test_sources_choose_what_enters(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    store.write([], [(post(n, source="other"), picture(n)) for n in range(500, 540)])
    assert set(build(store, tmp_path, Recipe(size=SIZE, sources=("made",))).posts["source"]) == {"made"}


def test_an_unchanged_store_gives_the_same_folder_unbuilt(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    first = build(store, tmp_path)
    built = (first.folder / "pixels.npy").stat().st_mtime_ns
    fill(store, range(100))
    assert build(store, tmp_path).folder == first.folder
    assert (first.folder / "pixels.npy").stat().st_mtime_ns == built


@pytest.mark.parametrize("change", ["likes", "size", "seed"])
def test_what_a_training_could_see_changes_the_fingerprint(store: Store, tmp_path: Path, change: str) -> None:
    fill(store, range(100))
    before = build(store, tmp_path).fingerprint
    recipe = RECIPE
    if change == "likes":
        store.write([], [(post(7, likes=12345), None)])
    elif change == "size":
        recipe = Recipe(size=SIZE + 1, balance="none")
    else:
        recipe = Recipe(size=SIZE, balance="none", seed=1)
    assert build(store, tmp_path, recipe).fingerprint != before


def test_old_snapshots_are_removed_and_what_a_kill_left_too(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    (tmp_path / ".building-abandoned").mkdir()
    folders = [build(store, tmp_path, Recipe(size=SIZE + n, balance="none"), keep=2).folder for n in range(4)]
    assert sorted(p for p in tmp_path.iterdir() if p.is_dir()) == sorted(folders[2:])


def test_a_spared_snapshot_is_kept_whatever_its_age(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    recipes = [Recipe(size=SIZE + n, balance="none") for n in range(3)]
    spared = build_snapshot(store, recipes[0], tmp_path, keep=1)
    build_snapshot(store, recipes[1], tmp_path, keep=1, spare=[spared.name])
    newest = build_snapshot(store, recipes[2], tmp_path, keep=1, spare=[spared.name])
    assert sorted(p for p in tmp_path.iterdir() if p.is_dir()) == sorted([spared, newest])


def test_an_empty_store_says_what_to_run(store: Store, tmp_path: Path) -> None:
    with pytest.raises(LikerankError, match=r"holds no posts; run likerank ingest"):
        build(store, tmp_path)


def test_too_few_posts_are_refused_and_nothing_is_left(store: Store, tmp_path: Path) -> None:
    fill(store, range(2))
    with pytest.raises(LikerankError, match="2 usable posts of 2 are too few"):
        build(store, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_an_unknown_fingerprint_lists_those_that_exist(store: Store, tmp_path: Path) -> None:
    fill(store, range(100))
    snapshot = build(store, tmp_path)
    assert find_snapshot(tmp_path, snapshot.fingerprint[:6]) == snapshot.folder
    with pytest.raises(LikerankError, match=snapshot.fingerprint):
        find_snapshot(tmp_path, "ffffffffffffffff")


@pytest.mark.slow
def test_two_builds_at_once_make_one_snapshot(store: Store, embedded_folder: Path, tmp_path: Path) -> None:
    fill(store, range(150))
    snapshots = tmp_path / "snapshots"
    code = f"""
from pathlib import Path
from likerank.dataset import Recipe, build_snapshot
from likerank.store import open_store
with open_store("embedded", {store.database_name!r}, Path({str(embedded_folder)!r})) as store:
    print(build_snapshot(store, Recipe(size=16), Path({str(snapshots)!r}), keep=5).name)
"""
    processes = [start_code(code, tmp_path) for _ in range(2)]
    (one, errors), (other, _) = [process.communicate() for process in processes]
    assert one == other, errors
    assert [path.name for path in snapshots.iterdir() if path.is_dir()] == [one.strip()]
