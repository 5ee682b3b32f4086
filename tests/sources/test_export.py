"""An export comes back whole: every observation, the images byte for byte; bad lines are left out."""

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from likerank.errors import LikerankError
from likerank.records import Author, PictureFile, Post, Skipped, Truth
from likerank.sources.export import Export

OLDER, NEWER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)
OLDER_RELAXED = {"$date": "2020-01-01T00:00:00.000Z"}
NEWER_RELAXED = {"$date": "2021-05-06T07:08:09.123Z"}
NEWER_CANONICAL = {"$date": {"$numberLong": "1620284889123"}}


def author_line(author_id: str = "ann", **changes: Any) -> dict[str, Any]:
    line = {
        "_id": f"somewhere/{author_id}",
        "source": "somewhere",
        "author_id": author_id,
        "username": author_id.title(),
        "followers": 100,
        "post_count": 7,
        "observed_at": NEWER_RELAXED,
    }
    return line | changes


def post_line(source_id: str = "p1", **changes: Any) -> dict[str, Any]:
    line = {
        "_id": f"somewhere/{source_id}",
        "source": "somewhere",
        "source_id": source_id,
        "author_id": "ann",
        "username": "Ann",
        "likes": 10,
        "comments": 2,
        "posted_at": OLDER_RELAXED,
        "observed_at": NEWER_RELAXED,
        "truth": None,
        "image": {"file": f"masters/{source_id}.jpg", "digest": "ab12", "width": 9, "height": 8},
    }
    return line | changes


def observation(kind: str, key: str, observed_at: dict[str, Any], **counts: Any) -> dict[str, Any]:
    nothing = {"likes": None, "comments": None, "followers": None, "post_count": None}
    return {"kind": kind, "key": f"somewhere/{key}", "observed_at": observed_at} | nothing | counts


def write(folder: Path, **files: list[Any]) -> Export:
    for name, lines in files.items():
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        (folder / f"{name}.jsonl").write_text(text + "\n", encoding="utf-8")
    return Export(str(folder))


def posts(export: Export) -> list[Post]:
    return [record for record in export.records() if isinstance(record, Post)]


def skipped(export: Export) -> list[Skipped]:
    return [record for record in export.records() if isinstance(record, Skipped)]


def test_an_author_and_a_post_come_back_with_every_field(tmp_path: Path) -> None:
    export = write(tmp_path, authors=[author_line()], posts=[post_line(truth={"appeal": 0.5, "audience": 7})])
    author, post = export.records()
    assert author == Author(
        source="somewhere", author_id="ann", username="Ann", followers=100, post_count=7, observed_at=NEWER
    )
    assert post == Post(
        source="somewhere",
        source_id="p1",
        author_id="ann",
        username="Ann",
        picture=PictureFile((tmp_path / "masters" / "p1.jpg").resolve(), "ab12"),
        likes=10,
        comments=2,
        posted_at=OLDER,
        observed_at=NEWER,
        truth=Truth(appeal=0.5, audience=7),
        # Of an export that has neither: before all others, and synthetic since its truth is known.
        added_at=datetime(1970, 1, 1, tzinfo=UTC),
        synthetic=True,
    )


def test_an_image_travels_byte_for_byte_and_to_other_processes(tmp_path: Path) -> None:
    export = write(tmp_path, posts=[post_line()])
    (tmp_path / "masters").mkdir()
    (tmp_path / "masters" / "p1.jpg").write_bytes(b"any bytes")
    picture = pickle.loads(pickle.dumps(posts(export)[0].picture))  # noqa: S301
    assert picture.stored_digest is not None
    assert picture.read() == b"any bytes"


def test_a_missing_image_is_named_when_it_is_read(tmp_path: Path) -> None:
    (post,) = posts(write(tmp_path, posts=[post_line()]))
    with pytest.raises(LikerankError, match=r"p1\.jpg cannot be read: .*export it again"):
        post.picture.read()


def test_canonical_extended_json_reads_as_relaxed_does(tmp_path: Path) -> None:
    canonical = post_line(
        likes={"$numberInt": "10"},
        comments={"$numberLong": "2"},
        observed_at=NEWER_CANONICAL,
        truth={"appeal": {"$numberDouble": "0.5"}, "audience": {"$numberDouble": "7.0"}},
    )
    (tmp_path / "relaxed").mkdir()
    relaxed = write(tmp_path / "relaxed", posts=[post_line(truth={"appeal": 0.5, "audience": 7.0})])
    (read,), (expected,) = posts(write(tmp_path, posts=[canonical])), posts(relaxed)
    assert (read.likes, read.comments, read.observed_at, read.truth) == (
        expected.likes,
        expected.comments,
        expected.observed_at,
        expected.truth,
    )


def test_each_observation_is_yielded_once_oldest_first(tmp_path: Path) -> None:
    export = write(
        tmp_path,
        authors=[author_line("ann"), author_line("bob")],
        posts=[post_line("p1"), post_line("p2"), post_line("p3")],
        observations=[
            observation("author", "bob", OLDER_RELAXED, followers=50, post_count=3),
            observation("author", "bob", NEWER_CANONICAL, followers=100, post_count=7),
            observation("post", "p0", OLDER_RELAXED, likes=99),
            observation("post", "p2", NEWER_RELAXED, likes=10, comments=2),
            observation("post", "p2", OLDER_RELAXED, likes=4, comments=None),
            observation("post", "p3", OLDER_RELAXED, likes=None, comments=1),
        ],
    )
    seen = [
        (record.author_id, record.followers, record.post_count, record.observed_at)
        if isinstance(record, Author)
        else (record.source_id, record.likes, record.comments, record.observed_at)
        for record in export.records()
        if isinstance(record, Author | Post)
    ]
    assert seen == [
        ("ann", 100, 7, NEWER),
        ("bob", 50, 3, OLDER),
        ("bob", 100, 7, NEWER),
        ("p1", 10, 2, NEWER),
        ("p2", 4, None, OLDER),
        ("p2", 10, 2, NEWER),
        ("p3", None, 1, OLDER),
        ("p3", 10, 2, NEWER),
    ]


@pytest.mark.parametrize("image", [None, {"digest": "ab12", "width": 9, "height": 8}])
def test_a_post_without_image_is_counted_and_its_author_kept(tmp_path: Path, image: Any) -> None:
    author, post = write(tmp_path, authors=[author_line()], posts=[post_line(image=image)]).records()
    assert isinstance(author, Author)
    assert post == Skipped("exported without images")


@pytest.mark.parametrize("damaged", ["{not json", "[1, 2]", '{"source": "somewhere"}', "", '{"$date": []}'])
def test_a_damaged_line_is_named_and_the_others_go_through(tmp_path: Path, damaged: str) -> None:
    export = write(tmp_path, posts=[post_line("p1"), damaged, post_line("p2")])
    assert [post.source_id for post in posts(export)] == ["p1", "p2"]
    (skip,) = skipped(export)
    assert skip.reason == "damaged line"
    assert "posts.jsonl, line 2" in skip.message


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd"])
def test_an_image_outside_the_folder_is_never_read(tmp_path: Path, file: str) -> None:
    export = write(tmp_path, posts=[post_line(image={"file": file, "digest": "ab12"})])
    (skip,) = skipped(export)
    assert skip.reason == "image outside the export"
    assert file in skip.message
    assert not posts(export)


def test_unsorted_lines_are_refused_rather_than_losing_history(tmp_path: Path) -> None:
    with pytest.raises(LikerankError, match=r"posts\.jsonl, line 2, somewhere/p1, should come before"):
        list(write(tmp_path, posts=[post_line("p2"), post_line("p1")]).records())
    unsorted = [observation("post", "p2", OLDER_RELAXED), observation("post", "p1", OLDER_RELAXED)]
    with pytest.raises(LikerankError, match=r"observations\.jsonl, line 2"):
        list(write(tmp_path, posts=[post_line("p1"), post_line("p2")], observations=unsorted).records())


def test_a_folder_that_is_no_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(LikerankError, match=r"nowhere holds neither authors\.jsonl nor posts\.jsonl"):
        list(Export(tmp_path / "nowhere").records())


def test_a_damaged_observation_costs_no_other(tmp_path: Path) -> None:
    good = [observation("post", key, OLDER_RELAXED, likes=1) for key in ("p1", "p2")]
    lines = [{"kind": "author"}, good[0], "{", {"kind": "post", "key": "somewhere/p1"}, good[1]]
    export = write(
        tmp_path, authors=[author_line()], posts=[post_line("p1"), post_line("p2")], observations=lines
    )
    assert [post.likes for post in posts(export)] == [1, 10, 1, 10]
    named = [skip.message.partition(" is ")[0][-6:] for skip in skipped(export)]
    assert named == ["line 1", "line 3", "line 4"]


def test_the_count_foretells_the_records(tmp_path: Path) -> None:
    without_history = write(tmp_path, authors=[author_line()], posts=[post_line("p1"), post_line("p2")])
    assert without_history.count() == 3
    write(
        tmp_path,
        observations=[observation("post", "p1", moment) for moment in (OLDER_RELAXED, NEWER_RELAXED)],
    )
    assert without_history.count() == 2


def test_whole_numbers_that_became_floats_are_counts(tmp_path: Path) -> None:
    history = [observation("post", "p1", OLDER_RELAXED, likes=3.0)]
    export = write(tmp_path, posts=[post_line(likes=12.0, comments=2.0)], observations=history)
    found = [(post.likes, post.comments) for post in posts(export)]
    assert found == [(3, None), (12, 2)]
    assert {type(likes) for likes, _ in found} == {int}


ODD_LINES: dict[str, Any] = {
    "a fraction": post_line("p2", likes=12.5),
    "true": post_line("p2", likes=True),
    "text": post_line("p2", comments="7"),
    "a list": post_line("p2", likes=[1]),
    "a date in words": post_line("p2", posted_at="yesterday"),
    "a date beyond all": post_line("p2", posted_at={"$date": 1e300}),
    "a date of a list": post_line("p2", posted_at={"$date": [1]}),
    "a number as a name": post_line("p2", username=7),
    "an image of another depth": post_line("p2", image=["masters/p2.jpg"])
    | {"image": {"file": 7, "digest": 1}},
    "an image with a NUL": post_line("p2", image={"file": "a\0b", "digest": "x"}),
    "a truth in words": post_line("p2", truth={"appeal": "x", "audience": 1}),
    "nothing of a post": {"a": 1},
    "a list of posts": [post_line("p2")],
    "a nested line": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a line of megabytes": '{"_id": "' + "x" * (2 << 20) + '"}',
    "a number of 5,000 digits": '{"likes": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("case", ODD_LINES)
def test_an_odd_line_costs_one_record(tmp_path: Path, case: str) -> None:
    export = write(tmp_path, posts=[post_line("p1"), ODD_LINES[case], post_line("p3")])
    assert [post.source_id for post in posts(export)] == ["p1", "p3"]
    (left_out,) = skipped(export)
    assert left_out.message.startswith(f"{tmp_path / 'posts.jsonl'}, line 2 ")
    assert len(left_out.message) < 500


@pytest.mark.parametrize(
    "odd",
    [
        {"key": 7},
        {"key": None},
        {"observed_at": "2020"},
        {"observed_at": None},
        {"likes": True},
        {"likes": [1]},
    ],
)
def test_an_odd_observation_costs_one(tmp_path: Path, odd: dict[str, Any]) -> None:
    good = observation("post", "p1", OLDER_RELAXED, likes=3)
    export = write(tmp_path, posts=[post_line("p1")], observations=[good | odd, good])
    assert [post.likes for post in posts(export)] == [3, 10]
    assert [each.reason for each in skipped(export)] == ["damaged line"]
