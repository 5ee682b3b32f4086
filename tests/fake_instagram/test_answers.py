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


def compare(fake: Any, real: Any, where: str) -> list[str]:
    """Returns where two answers differ in keys or types."""
    if fake is None or real is None:
        return []
    if type(fake) is not type(real):
        return [f"{where}: {type(fake).__name__}, not {type(real).__name__}"]
    if isinstance(fake, dict):
        keys = [f"{where}.{key}: in one only" for key in fake.keys() ^ real.keys()]
        return keys + list(
            chain(*(compare(fake[k], real[k], f"{where}.{k}") for k in fake.keys() & real.keys()))
        )
    if isinstance(fake, list) and fake and real:
        return compare(fake[0], real[0], f"{where}[0]")
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
def test_timeline_nodes_have_real_keys_and_types(kind: int, real_node: dict[str, Any]) -> None:
    nodes = [node for node in NODES.values() if node["media_type"] == kind]
    assert nodes
    for node in nodes:
        assert compare(node, real_node, "node") == []


def test_carousel_parts_have_real_keys_and_types(real_node: dict[str, Any]) -> None:
    parts = [part for node in NODES.values() for part in node["carousel_media"] or []]
    kinds = {part["media_type"] for part in parts}
    assert kinds == {1, 2}
    for part in parts:
        assert compare(part, real_node["carousel_media"][0], "part") == []


def test_instaloader_reads_the_same_fields_of_both(real_node: dict[str, Any]) -> None:
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


def test_the_older_profile_has_only_real_keys(shared_data: Path) -> None:
    fake = web_profile(SITE, SITE.accounts[0])["data"]["user"]
    files = list((shared_data / "instaloader/brand_profiles_2025").rglob("*_*.json.xz"))
    assert files
    for file in files:
        real = json.loads(lzma.decompress(file.read_bytes()))["node"]
        # Instaloader leaves the posts out of what it writes; the picture's second address is new.
        shared = fake.keys() & real.keys()
        left_out = {"edge_owner_to_timeline_media", "edge_felix_video_timeline", "hd_profile_pic_url_info"}
        assert fake.keys() - shared <= left_out
        assert compare({k: fake[k] for k in shared}, {k: real[k] for k in shared}, "user") == []


def test_hidden_likes_are_null_or_a_placeholder() -> None:
    hidden = [(a, p) for a in SITE.accounts for p in a.posts if p.hidden is not None]
    assert {p.hidden for _, p in hidden} == {-1, 3}
    for account, post in hidden:
        for logged_in, likes in ((True, post.hidden), (False, None)):
            node = media(SITE, account, post, logged_in)
            assert node["like_count"] == likes
            assert node["like_and_view_counts_disabled"] is True
            assert node["comment_count"] == SITE.comments(post)


def test_a_missing_profile_is_null() -> None:
    assert profile_by_id(SITE, None)["data"]["user"] is None
