"""Archives as years, renames and other tools leave them: no count is wrong, one bad file costs one."""

import json
import lzma
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from likerank.records import Author, PictureFile, Post, Skipped
from likerank.sources import Archive
from tests.sources.test_archive import (
    OWNER,
    WRITTEN,
    authors,
    carousel,
    draw,
    node,
    posts,
    read,
    skipped,
    write,
)

MEDIA: dict[str, Any] = {"pk": "1", "code": "C1", "media_type": 1}


def age(path: Path, days: int) -> Path:
    os.utime(path, ((WRITTEN - timedelta(days=days)).timestamp(),) * 2)
    return path


@pytest.mark.parametrize(
    ("changes", "likes"),
    [
        (MEDIA | {"edge_media_preview_like": {"count": 0}}, None),
        (MEDIA | {"edge_media_preview_like": {"count": 5}}, 5),
        (MEDIA | {"like_count": 0, "edge_media_preview_like": {"count": 0}}, 0),
        ({"iphone_struct": MEDIA, "edge_media_preview_like": {"count": 0}}, None),
        ({"like_count": 0, "like_and_view_counts_disabled": True}, None),
        ({"edge_media_preview_like": {"count": 12.0}}, 12),
        ({"edge_media_preview_like": {"count": "12"}}, 12),
    ],
)
def test_only_likes_that_are_given_are_counts(tmp_path: Path, changes: dict[str, Any], likes: object) -> None:
    write(tmp_path / "p_UTC.json.xz", node(**changes))
    draw(tmp_path / "p_UTC.jpg")
    assert [post.likes for post in posts(read(tmp_path))] == [likes]


@pytest.mark.parametrize("likes", [True, 3.5, "many", [], {}, -7, 1 << 63, float("inf")])
def test_likes_of_another_type_are_named(tmp_path: Path, likes: object) -> None:
    path = write(tmp_path / "a_UTC.json.xz", node(edge_media_preview_like={"count": likes}))
    write(tmp_path / "b_UTC.json.xz", node(2))
    draw(tmp_path / "a_UTC.jpg")
    draw(tmp_path / "b_UTC.jpg")
    records = read(tmp_path)
    assert [post.source_id[-1] for post in posts(records)] == ["2"]
    assert skipped(records)[0].message.startswith(f"{path} has the likes ")


@pytest.mark.parametrize("seconds", [0, -1, 1_000_000_000, 2**31, 1_700_000_000_000, True])
def test_a_date_that_is_not_instagrams_is_unknown(tmp_path: Path, seconds: int) -> None:
    write(tmp_path / "p_UTC.json.xz", node(taken_at_timestamp=seconds))
    draw(tmp_path / "p_UTC.jpg")
    assert [post.posted_at for post in posts(read(tmp_path))] == [None]


def test_a_post_named_like_a_profile_hides_no_followers(tmp_path: Path) -> None:
    write(tmp_path / "ann_100.json.xz", node())
    draw(tmp_path / "ann_100.jpg")
    write(tmp_path / "ann_77.json.xz", OWNER | {"edge_followed_by": {"count": 900}}, "Profile")
    records = read(tmp_path)
    assert [author.followers for author in authors(records)] == [900]
    assert (len(posts(records)), skipped(records)) == (1, [])


def test_a_profile_of_any_file_name_is_found(tmp_path: Path) -> None:
    write(tmp_path / "a.json", node())
    draw(tmp_path / "a.jpg")
    write(tmp_path / "who.json", OWNER | {"edge_followed_by": {"count": 900}}, "Profile")
    assert authors(read(tmp_path))[-1].followers == 900


@pytest.mark.parametrize("newest", ["ann", "zoe"])
def test_the_newest_profile_of_an_account_wins(tmp_path: Path, newest: str) -> None:
    for name in ("ann", "zoe"):
        profile = {"id": "77", "username": name, "edge_followed_by": {"count": 9 if name == newest else 1}}
        path = write(tmp_path / f"{name}_77.json.xz", profile, "Profile")
        age(path, 0 if name == newest else 500)
    records = read(tmp_path)
    last = max(authors(records), key=lambda author: author.observed_at or datetime.min.replace(tzinfo=UTC))
    assert (last.username, last.followers) == (newest, 9)
    assert all(not record.message for record in skipped(records))


def test_addresses_tell_which_of_two_copied_files_is_newer(tmp_path: Path) -> None:
    for name, expires, likes in (("a", 0x66FB69EF, 6550), ("b", 0x6628E5AF, 6350)):
        address = f"https://cdn.example/v/p.jpg?oe={expires:X}"
        write(
            tmp_path / f"{name}_UTC.json",
            node(display_url=address, edge_media_preview_like={"count": likes}),
        )
        draw(tmp_path / f"{name}_UTC.jpg")
    newest = max(posts(read(tmp_path)), key=lambda post: post.observed_at or WRITTEN)
    assert newest.likes == 6550


def test_a_file_older_than_its_post_tells_no_time(tmp_path: Path) -> None:
    age(write(tmp_path / "p_UTC.json", node()), 20_000)
    draw(tmp_path / "p_UTC.jpg")
    assert [post.observed_at for post in posts(read(tmp_path))] == [None]


def test_pictures_under_the_names_of_their_addresses_are_found(tmp_path: Path) -> None:
    content = carousel(True, False)
    content["edge_sidecar_to_children"]["edges"][1]["node"]["display_url"] = "https://c.example/v/3_n.jpg?a=1"
    write(tmp_path / "2_n.json.xz", content)
    picture = draw(tmp_path / "3_n.jpg")
    assert posts(read(tmp_path))[0].picture == PictureFile(picture)


@pytest.mark.parametrize("ending", [".JPG", ".jpeg", ".Heic", ".jfif", ".jpe", ".PNG", ".avif"])
def test_a_picture_of_any_ending_is_found(tmp_path: Path, ending: str) -> None:
    write(tmp_path / "p_UTC.json", node())
    picture = tmp_path / f"p_UTC{ending}"
    picture.write_bytes(b"read later")
    assert posts(read(tmp_path))[0].picture == PictureFile(picture)


def _nested(depth: int) -> str:
    return '{"node":' + "[" * depth + "]" * depth + "}"


DAMAGED: dict[str, tuple[str, bytes]] = {
    "deep": ("x.json", _nested(100_000).encode()),
    "long number": ("x.json", b'{"node": ' + b"9" * 10_000 + b"}"),
    "bomb": ("x.json.xz", lzma.compress(bytes(32 << 20), preset=0)),
    "large": ("x.json", b" " * (17 << 20)),
    "list": ("x.json", b"[]"),
    "text for a kind": ("x.json", b'{"node": {}, "instaloader": "x"}'),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_hostile_file_costs_one_record(tmp_path: Path, case: str) -> None:
    name, content = DAMAGED[case]
    (tmp_path / name).write_bytes(content)
    write(tmp_path / "y.json", node())
    draw(tmp_path / "y.jpg")
    records = read(tmp_path)
    assert (len(posts(records)), len(skipped(records))) == (1, 1)
    assert len(skipped(records)[0].message) < 500


def test_pipes_and_devices_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    os.mkfifo(tmp_path / "p_1.json.xz")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    os.mkfifo(tmp_path / "y.jpg")
    write(tmp_path / "y.json", node())
    reasons = sorted(record.reason for record in skipped(read(tmp_path)))
    assert reasons == ["damaged file", "missing picture", "not a file", "not a file", "not a file"]


def test_a_mark_at_the_beginning_is_no_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", node())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    draw(tmp_path / "p.jpg")
    assert len(posts(read(tmp_path))) == 1


@pytest.mark.parametrize("odd", [7.5, True, [], {}, None])
def test_an_id_that_is_none_costs_its_post(tmp_path: Path, odd: object) -> None:
    write(tmp_path / "p.json", node(id=odd))
    draw(tmp_path / "p.jpg")
    assert [record.reason for record in skipped(read(tmp_path))] == ["incomplete post"]


def test_a_damaged_line_of_observations_costs_one(tmp_path: Path) -> None:
    write(tmp_path / "p.json", node())
    draw(tmp_path / "p.jpg")
    line = {"kind": "post", "author_id": "77", "username": "ann", "source_id": str(10**18 + 1), "comments": 1}
    odd = [
        line | {"likes": True, "observed_at": "2026-03-01T00:00:00Z"},
        line | {"likes": 5, "observed_at": 7},
        line | {"likes": 5, "observed_at": "0001-01-01T00:00:00+09:00"},
        line | {"likes": "many", "observed_at": "2026-03-01"},
        [1],
        line | {"likes": 300, "observed_at": "2026-03-02"},
        line | {"likes": 200, "observed_at": "2026-03-01T00:00:00Z"},
    ]
    text = "\n".join(map(json.dumps, odd)) + "\n" + "[" * 100_000 + "\n" + "x" * (2 << 20) + "\n"
    (tmp_path / "observations.jsonl").write_text(text)
    records = list(Archive(tmp_path).records())
    assert [post.likes for post in posts(records)] == [300]
    assert len([record for record in records if isinstance(record, Skipped)]) == 7
    assert not [
        record for record in records if isinstance(record, Author | Post) and record.observed_at is None
    ]
