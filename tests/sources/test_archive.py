"""Instaloader's archives give photos with counts, and a reason for all else, without a request."""

import datetime as dt
import json
import lzma
import os
import socket
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import instaloader
import pytest
from PIL import Image

from likerank.errors import LikerankError
from likerank.images import make_stored_image
from likerank.records import NO_PICTURE, Author, Observation, PictureFile, Post, Record, Skipped
from likerank.sources import Archive
from likerank.sources.observations import OBSERVATIONS, ObservationLog

Json = dict[str, Any]
WRITTEN = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
"""The time of all files that `write` writes."""
OWNER: Json = {"id": "77", "username": "Ann"}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("a request was sent")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def node(number: int = 1, **changes: object) -> Json:
    """Returns a post's node in the shape of Instagram's web pages; a field changed to `...` is missing."""
    fields: Json = {
        "__typename": "GraphImage",
        "id": str(10**18 + number),
        "shortcode": f"C{number}",
        "is_video": False,
        "taken_at_timestamp": 1_700_000_000 + number,
        "edge_media_preview_like": {"count": 120, "edges": []},
        "edge_media_to_comment": {"count": 4, "edges": []},
        "owner": OWNER,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def carousel(*is_video: bool) -> Json:
    children = [
        {"node": {"__typename": "GraphVideo" if video else "GraphImage", "is_video": video}}
        for video in is_video
    ]
    return node(__typename="GraphSidecar", edge_sidecar_to_children={"edges": children})


def write(path: Path, content: object, kind: str = "Post") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"node": content, "instaloader": {"version": "4.16", "node_type": kind}})
    path.write_bytes(lzma.compress(text.encode()) if path.suffix == ".xz" else text.encode())
    os.utime(path, (WRITTEN.timestamp(),) * 2)
    return path


def draw(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").convert("RGB").save(path)
    return path


def read(folder: Path) -> list[Record]:
    return list(Archive(folder).records())


def posts(records: Sequence[Record]) -> list[Post]:
    return [record for record in records if isinstance(record, Post)]


def authors(records: Sequence[Record]) -> list[Author]:
    return [record for record in records if isinstance(record, Author)]


def skipped(records: Sequence[Record]) -> list[Skipped]:
    return [record for record in records if isinstance(record, Skipped)]


@pytest.mark.parametrize("ending", [".json", ".json.xz"])
def test_a_photo_becomes_its_author_and_a_post(tmp_path: Path, ending: str) -> None:
    write(tmp_path / f"ann/2023_UTC{ending}", node())
    picture = draw(tmp_path / "ann/2023_UTC.jpg")
    assert read(tmp_path) == [
        Author(source="instagram", author_id="77", username="ann", observed_at=WRITTEN),
        Post(
            source="instagram",
            source_id="1000000000000000001",
            author_id="77",
            username="ann",
            picture=PictureFile(picture),
            likes=120,
            comments=4,
            posted_at=dt.datetime(2023, 11, 14, 22, 13, 21, tzinfo=dt.UTC),
            observed_at=WRITTEN,
        ),
    ]


def test_profiles_come_before_all_posts_with_their_followers(tmp_path: Path) -> None:
    write(tmp_path / "a/2023_UTC.json.xz", node(owner={"id": "77"}))
    draw(tmp_path / "a/2023_UTC.jpg")
    profile = {"id": "77", "username": "ann", "edge_followed_by": {"count": 900}, "media_count": 31}
    write(tmp_path / "z/ann_77.json.xz", profile, "Profile")
    records = read(tmp_path)
    assert [type(record).__name__ for record in records] == ["Author", "Post"]
    assert posts(records)[0].username == "ann"
    assert authors(records)[0] == Author(
        source="instagram", author_id="77", username="ann", followers=900, post_count=31, observed_at=WRITTEN
    )


def test_a_profile_saved_by_instaloader_itself_is_read(tmp_path: Path) -> None:
    context = instaloader.InstaloaderContext()
    profile = instaloader.Profile(
        context, {"id": "77", "username": "ann", "edge_followed_by": {"count": 900}}
    )
    post = instaloader.Post(context, node(owner={"id": "77"}), profile)
    instaloader.save_structure_to_file(post, str(tmp_path / "x_UTC.json.xz"))
    draw(tmp_path / "x_UTC.jpg")
    records = read(tmp_path)
    assert authors(records)[0].followers == 900
    assert posts(records)[0].username == "ann"


def test_a_rename_moves_no_post(tmp_path: Path) -> None:
    for number, name in enumerate(["ann", "ann.lee"]):
        write(tmp_path / f"{name}/p_UTC.json.xz", node(number, owner={"id": 77, "username": name}))
        draw(tmp_path / f"{name}/p_UTC.jpg")
    assert {post.author_key for post in posts(read(tmp_path))} == {"instagram/77"}
    assert [post.username for post in posts(read(tmp_path))] == ["ann", "ann.lee"]


@pytest.mark.parametrize(
    ("children", "number"), [((False, False), 1), ((True, False, False), 2), ((True, True, False), 3)]
)
def test_a_carousel_keeps_its_first_photo(tmp_path: Path, children: tuple[bool, ...], number: int) -> None:
    write(tmp_path / "p_UTC.json.xz", carousel(*children))
    for index in range(1, len(children) + 1):
        draw(tmp_path / f"p_UTC_{index}.jpg")
    assert posts(read(tmp_path))[0].picture == PictureFile(tmp_path / f"p_UTC_{number}.jpg")


@pytest.mark.parametrize(
    "video",
    [
        node(__typename="GraphVideo", is_video=True),
        node(is_video=..., __typename="GraphVideo"),
        carousel(True, True),
    ],
)
def test_videos_are_counted_and_left_out(tmp_path: Path, video: Json) -> None:
    write(tmp_path / "p_UTC.json.xz", video)
    draw(tmp_path / "p_UTC.jpg")
    draw(tmp_path / "p_UTC_1.jpg")
    assert read(tmp_path) == [Skipped("video")]


HIDDEN: dict[str, Json] = {
    "null": {"like_count": None, "edge_media_preview_like": {"count": 0}},
    "null in the app's answer": {
        "iphone_struct": {"like_count": None},
        "edge_media_preview_like": {"count": 0},
    },
    "null on the web page": {"edge_media_preview_like": {"count": None}},
    "minus one": {"edge_media_preview_like": {"count": -1}},
    "three where likes are off": {"like_count": 3, "like_and_view_counts_disabled": True},
    "three where likes are off in the app": {
        "edge_media_preview_like": {"count": 3},
        "iphone_struct": {"like_count": 3, "like_and_view_counts_disabled": True},
    },
}


@pytest.mark.parametrize("case", HIDDEN)
def test_hidden_likes_are_none(tmp_path: Path, case: str) -> None:
    write(tmp_path / "p_UTC.json.xz", node(**HIDDEN[case]))
    draw(tmp_path / "p_UTC.jpg")
    assert posts(read(tmp_path))[0].likes is None


@pytest.mark.parametrize(
    ("changes", "likes"),
    [
        ({"edge_media_preview_like": {"count": 0}}, 0),
        ({"edge_media_preview_like": {"count": 3}}, 3),
        ({"like_count": 3, "like_and_view_counts_disabled": False}, 3),
        ({"like_count": 1436, "like_and_view_counts_disabled": True}, 1436),
        ({"edge_media_preview_like": ..., "edge_liked_by": {"count": 8}}, 8),
        ({"edge_media_preview_like": ..., "likes": {"count": 9}}, 9),
    ],
)
def test_true_likes_are_kept_however_few(tmp_path: Path, changes: Json, likes: int) -> None:
    write(tmp_path / "p_UTC.json.xz", node(**changes))
    draw(tmp_path / "p_UTC.jpg")
    assert posts(read(tmp_path))[0].likes == likes


INCOMPLETE = {
    "likes": node(edge_media_preview_like=...),
    "owner": node(owner=...),
    "owner's id": node(owner={"username": "ann"}),
    "media id": node(id=...),
    "carousel's children": node(__typename="GraphSidecar"),
    "everything but its code": {"shortcode": "C1"},
}


@pytest.mark.parametrize("lacking", INCOMPLETE)
def test_an_incomplete_post_is_named_without_a_request(tmp_path: Path, lacking: str) -> None:
    path = write(tmp_path / "p_UTC.json.xz", INCOMPLETE[lacking])
    draw(tmp_path / "p_UTC.jpg")
    (left_out,) = skipped(read(tmp_path))
    assert left_out.reason == "incomplete post"
    assert left_out.message.startswith(f"{path} ")


def test_a_file_of_instaloader_3_is_left_out_without_a_request(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(node()))
    assert [record.reason for record in skipped(read(tmp_path))] == ["incomplete post"]


def test_unknown_comments_and_dates_stay_unknown(tmp_path: Path) -> None:
    write(tmp_path / "p_UTC.json.xz", node(edge_media_to_comment=..., taken_at_timestamp=10**17))
    draw(tmp_path / "p_UTC.jpg")
    (post,) = posts(read(tmp_path))
    assert (post.comments, post.posted_at) == (None, None)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "p_UTC.json.xz", node())
    (left_out,) = skipped(read(tmp_path))
    assert left_out.reason == "missing picture"
    assert str(path) in left_out.message
    assert "p_UTC.jpg" in left_out.message


def test_a_webp_picture_is_found(tmp_path: Path) -> None:
    write(tmp_path / "p_UTC.json.xz", node())
    draw(tmp_path / "p_UTC.webp")
    assert posts(read(tmp_path))[0].picture == PictureFile(tmp_path / "p_UTC.webp")


def test_damaged_files_are_named_and_the_others_read(tmp_path: Path) -> None:
    good = write(tmp_path / "good_UTC.json.xz", node())
    draw(tmp_path / "good_UTC.jpg")
    (tmp_path / "cut_UTC.json.xz").write_bytes(good.read_bytes()[:-40])
    (tmp_path / "text_UTC.json.xz").write_text("no xz at all")
    (tmp_path / "empty_UTC.json").write_bytes(b"")
    (tmp_path / "binary_UTC.json").write_bytes(b"\xff\xfe\x00")
    records = read(tmp_path)
    assert len(posts(records)) == 1
    assert Counter(record.reason for record in skipped(records)) == {"damaged file": 4}
    for name in ("cut_UTC", "text_UTC", "empty_UTC", "binary_UTC"):
        assert any(name in record.message for record in skipped(records))


def test_other_files_are_counted_by_reason(tmp_path: Path) -> None:
    write(tmp_path / "story_UTC.json.xz", node(), "StoryItem")
    write(tmp_path / "tag.json.xz", {"name": "sun", "id": "1"}, "Hashtag")
    frozen = dict.fromkeys(instaloader.FrozenNodeIterator._fields)
    write(tmp_path / "iterator.json.xz", frozen, "FrozenNodeIterator")
    (tmp_path / "comments.json").write_text("[]")
    (tmp_path / "settings.json").write_text('{"a": 1}')
    (tmp_path / "number.json").write_text("7")
    write(tmp_path / "odd.json", "a text with shortcode", "Post")
    write(tmp_path / "odder.json", {"username": "x"}, "Profile")
    (tmp_path / "notes.txt").write_text("not counted")
    kinds = {
        "story": 1,
        "hashtag": 1,
        "unfinished download": 1,
        "not an Instaloader file": 4,
        "incomplete post": 1,
    }
    assert Counter(record.reason for record in skipped(read(tmp_path))) == kinds


def test_a_second_file_of_a_post_or_profile_is_left_out(tmp_path: Path) -> None:
    for place in ("ann", "#sun"):
        write(tmp_path / place / "p_UTC.json.xz", node())
        draw(tmp_path / place / "p_UTC.jpg")
        write(tmp_path / place / "ann_77.json.xz", OWNER, "Profile")
    records = read(tmp_path)
    assert posts(records)[0].picture == PictureFile(tmp_path / "#sun/p_UTC.jpg")
    assert Counter(type(record).__name__ for record in records) == {"Author": 1, "Post": 1, "Skipped": 2}


def test_a_json_beside_its_xz_twin_is_one_file(tmp_path: Path) -> None:
    write(tmp_path / "ann_77.json", OWNER, "Profile")
    write(tmp_path / "ann_77.json.xz", OWNER, "Profile")
    assert len(read(tmp_path)) == 1
    assert Archive(tmp_path).count() == 1


@pytest.mark.parametrize("odd", [None, 7, "text", [], {}, [None], {"edges": 5}, {"count": {}}, True, 10**40])
@pytest.mark.parametrize("field", [*node(), "edge_sidecar_to_children", "iphone_struct"])
def test_odd_nodes_never_raise(tmp_path: Path, field: str, odd: object) -> None:
    write(tmp_path / "a_UTC.json.xz", carousel(False) | {field: odd})
    write(tmp_path / "b_UTC.json.xz", node(2))
    draw(tmp_path / "a_UTC_1.jpg")
    draw(tmp_path / "b_UTC.jpg")
    assert "1000000000000000002" in {post.source_id for post in posts(read(tmp_path))}


@pytest.mark.parametrize("place", ["nowhere", "file", "bare"])
def test_a_folder_without_an_archive_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "bare").mkdir()
    with pytest.raises(LikerankError, match=place):
        read(tmp_path / place)


def test_a_real_archive_gives_its_photos_and_counts_its_videos(shared_data: Path) -> None:
    archive = Archive(shared_data / "instaloader" / "spacex")
    records = list(archive.records())
    assert len(posts(records)) == 5
    assert Counter(record.reason for record in skipped(records)) == {"video": 4}
    assert [author.key for author in authors(records)] == ["instagram/20311520"]
    assert [author.username for author in authors(records)] == ["spacex"]
    assert {post.likes for post in posts(records)} == {193_601, 380_970, 424_849, 292_245, 428_433}
    assert archive.count() == 9
    for post in posts(records):
        assert make_stored_image(post.picture.read(), post.key).width >= 400


def test_real_profiles_give_authors_and_no_posts(shared_data: Path) -> None:
    records = read(shared_data / "instaloader" / "brand_profiles_2025")
    followers = [author.followers or 0 for author in authors(records)]
    assert (len(followers), min(followers), max(followers)) == (5, 89_947, 686_333_781)
    assert not posts(records)
    assert [record.message.split(" ")[0].endswith("sample.json") for record in skipped(records)] == [True]


def test_older_nodes_of_all_shapes_are_read(shared_data: Path, tmp_path: Path) -> None:
    recorded = sorted(
        (shared_data / "instaloader" / "recorded_json" / "charlieegan3_graphql_nodes").iterdir()
    )
    nodes = [json.loads(path.read_text()) for path in recorded]
    for content in nodes:
        name = f"{content['id']}_UTC"
        write(tmp_path / f"{name}.json.xz", content)
        draw(tmp_path / f"{name}.jpg")
    records = read(tmp_path)
    videos = sum(content["is_video"] for content in nodes)
    assert Counter(record.reason for record in skipped(records)) == {"video": videos}
    expected = {
        content["id"]: content["edge_media_preview_like"]["count"]
        for content in nodes
        if not content["is_video"]
    }
    assert {post.source_id: post.likes for post in posts(records)} == expected
    assert {post.author_id for post in posts(records)} == {"302526752"}
    assert all(post.posted_at is not None and post.comments is not None for post in posts(records))


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("logged_in", [False, True])
def test_a_real_timeline_through_todays_instaloader_is_read(
    shared_data: Path, tmp_path: Path, hidden: bool, logged_in: bool
) -> None:
    recorded = shared_data / "instaloader" / "recorded_json" / "xdt_user_timeline_bbcnews_2025-03.json"
    timeline = json.loads(recorded.read_text())["data"]["xdt_api__v1__feed__user_timeline_graphql_connection"]
    media = timeline["edges"][0]["node"]
    if hidden:
        media |= {"like_and_view_counts_disabled": True, "like_count": 3 if logged_in else None}
    context = instaloader.InstaloaderContext()
    # Logged out, Instaloader keeps its own conversion of the single post.
    post = (
        instaloader.Post.from_iphone_struct(context, media)
        if logged_in
        else instaloader.Post(context, instaloader.Post._normalize_post_data(media))
    )
    instaloader.save_structure_to_file(post, str(tmp_path / "p_UTC.json.xz"))
    first_photo = 1 + [child["media_type"] for child in media["carousel_media"]].index(1)
    for number in range(1, 6):
        draw(tmp_path / f"p_UTC_{number}.jpg")
    (found,) = posts(read(tmp_path))
    assert found == Post(
        source="instagram",
        source_id="3597631270905977008",
        author_id="16278726",
        username="bbcnews",
        picture=PictureFile(tmp_path / f"p_UTC_{first_photo}.jpg"),
        likes=None if hidden else 4564,
        comments=47,
        posted_at=dt.datetime(2025, 3, 27, 15, 58, 9, tzinfo=dt.UTC),
        # When the addresses of its pictures ceased to work, since the file is of today.
        observed_at=dt.datetime(2025, 4, 1, 3, 59, 8, tzinfo=dt.UTC),
    )


def seen(number: int, likes: int | None, day: int, username: str = "ann") -> Post:
    return Post(
        source="instagram",
        source_id=str(10**18 + number),
        author_id="77",
        username=username,
        picture=NO_PICTURE,
        likes=likes,
        comments=0,
        posted_at=None,
        observed_at=dt.datetime(2026, 3, day, tzinfo=dt.UTC),
    )


def test_the_newest_observation_gives_counts_and_time(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / "ann" / f"{number}_UTC.json.xz", node(number))
        draw(tmp_path / "ann" / f"{number}_UTC.jpg")
    log = ObservationLog(tmp_path / OBSERVATIONS)
    observed = [seen(1, 150, 2), seen(1, 200, 4, "ann_now"), seen(1, 170, 3), seen(9, 5, 2)]
    for one in observed:
        log.append(one)
    records = read(tmp_path)
    first, second = posts(records)
    assert (first.likes, first.observed_at, first.username) == (200, observed[1].observed_at, "ann_now")
    assert (second.likes, second.observed_at, second.username) == (120, WRITTEN, "ann")
    # An observation of a post that is not in the archive is left out.
    assert [one for one in records if isinstance(one, Observation)] == list(map(Observation, observed[:3]))
    assert Archive(tmp_path).count() == 6


def test_the_collectors_folder_is_ignored(tmp_path: Path) -> None:
    write(tmp_path / "ann" / "1_UTC.json.xz", node(1))
    draw(tmp_path / "ann" / "1_UTC.jpg")
    write(tmp_path / ".collect" / "77.json", node(2))
    assert [type(record) for record in read(tmp_path)] == [Author, Post]
