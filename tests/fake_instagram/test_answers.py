"""Answers have the shape of Instagram's real ones."""

import json
import lzma
from itertools import chain
from pathlib import Path
from typing import Any

import instaloader
import pytest

from fake_instagram import Site
from fake_instagram.answers import profile_by_id, web_profile
from fake_instagram.nodes import media

SITE = Site(posts=200, authors=3)
NODES = {
    post.code: media(SITE, account, post, logged_in=True)
    for account in SITE.accounts
    for post in account.posts
}


def compare(made: Any, real: Any, where: str) -> list[str]:
    """Returns where the made answer has another shape than the real one: other keys or other types."""
    if made is None or real is None:
        return []
    if type(made) is not type(real):
        return [f"{where}: {type(made).__name__}, not {type(real).__name__}"]
    if isinstance(made, dict):
        keys = [f"{where}.{key}: in one alone" for key in made.keys() ^ real.keys()]
        return keys + list(
            chain(*(compare(made[k], real[k], f"{where}.{k}") for k in made.keys() & real.keys()))
        )
    if isinstance(made, list) and made and real:
        return compare(made[0], real[0], f"{where}[0]")
    return []


@pytest.fixture
def real_node(shared_data: Path) -> dict[str, Any]:
    answer = json.loads(
        (shared_data / "instaloader/recorded_json/xdt_user_timeline_bbcnews_2025-03.json").read_text()
    )
    connection = answer["data"]["xdt_api__v1__feed__user_timeline_graphql_connection"]
    node: dict[str, Any] = connection["edges"][0]["node"]
    return node


@pytest.mark.parametrize("kind", [1, 2, 8])
def test_a_timelines_node_has_the_keys_and_types_of_the_real_one(
    kind: int, real_node: dict[str, Any]
) -> None:
    nodes = [node for node in NODES.values() if node["media_type"] == kind]
    assert nodes
    for node in nodes:
        assert compare(node, real_node, "node") == []


def test_a_part_of_a_carousel_too(real_node: dict[str, Any]) -> None:
    parts = [part for node in NODES.values() for part in node["carousel_media"] or []]
    kinds = {part["media_type"] for part in parts}
    assert kinds == {1, 2}
    for part in parts:
        assert compare(part, real_node["carousel_media"][0], "part") == []


def test_instaloader_reads_the_same_of_both(real_node: dict[str, Any]) -> None:
    def read(node: dict[str, Any]) -> dict[str, type]:
        post = instaloader.Post.from_iphone_struct(instaloader.InstaloaderContext(), node)
        what = (
            "mediaid",
            "shortcode",
            "date_utc",
            "likes",
            "typename",
            "caption",
            "owner_id",
            "owner_username",
        )
        return {name: type(getattr(post, name)) for name in what} | {
            f"{name} of a part": type(value)
            for part in post.get_sidecar_nodes()
            for name, value in part._asdict().items()
            if value is not None
        }

    carousels = [
        node
        for node in NODES.values()
        if node["caption"] and any(p["video_versions"] for p in node["carousel_media"] or [])
    ]
    assert carousels
    for node in carousels:
        assert read(node) == read(real_node)


def test_the_older_profile_has_only_what_the_real_one_has(shared_data: Path) -> None:
    made = web_profile(SITE, SITE.accounts[0])["data"]["user"]
    files = list((shared_data / "instaloader/brand_profiles_2025").rglob("*_*.json.xz"))
    assert files
    for file in files:
        real = json.loads(lzma.decompress(file.read_bytes()))["node"]
        # Instaloader leaves the posts out of what it writes; the picture's second address is today's alone.
        shared = made.keys() & real.keys()
        left_out = {"edge_owner_to_timeline_media", "edge_felix_video_timeline", "hd_profile_pic_url_info"}
        assert made.keys() - shared <= left_out
        assert compare({k: made[k] for k in shared}, {k: real[k] for k in shared}, "user") == []


def test_hidden_likes_are_null_for_strangers_and_a_stand_in_for_visitors() -> None:
    hidden = [(a, p) for a in SITE.accounts for p in a.posts if p.hidden is not None]
    assert {p.hidden for _, p in hidden} == {-1, 3}
    for account, post in hidden:
        for logged_in, likes in ((True, post.hidden), (False, None)):
            node = media(SITE, account, post, logged_in)
            assert node["like_count"] == likes
            assert node["like_and_view_counts_disabled"] is True
            assert node["comment_count"] == SITE.comments(post)


def test_a_profile_that_is_not_there_is_null() -> None:
    assert profile_by_id(SITE, None)["data"]["user"] is None
