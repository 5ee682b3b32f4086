"""Fields of a post or a profile in Instaloader's nodes, in all past and present shapes of Instagram's."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from likerank.records import shortened
from likerank.sources.source import LeftOutError, whole_number

Node = Any
"""Decoded JSON: a post's or a profile's node, or a part of one."""

# The most reliable first: Instaloader turns a null `like_count` into a 0 in the later ones.
_LIKES: Final = (
    ("like_count",),
    ("iphone_struct", "like_count"),
    ("edge_media_preview_like", "count"),
    ("edge_liked_by", "count"),
    ("likes", "count"),
)
_COMMENTS: Final = (
    ("comment_count",),
    ("iphone_struct", "comment_count"),
    ("edge_media_to_comment", "count"),
    ("edge_media_to_parent_comment", "count"),
    ("comments",),
    ("comments", "count"),
)
_FOLLOWERS: Final = (("edge_followed_by", "count"), ("follower_count",), ("iphone_struct", "follower_count"))
_POST_COUNT: Final = (
    ("media_count",),
    ("all_media_count",),
    ("iphone_struct", "media_count"),
    ("edge_owner_to_timeline_media", "count"),
)
_POSTED_AT: Final = (("taken_at_timestamp",), ("taken_at",), ("date",))
_INSTAGRAM_BEGAN: Final = datetime(2010, 7, 1, tzinfo=UTC)
_PICTURE_ADDRESSES: Final = (
    ("display_url",),
    ("display_src",),
    ("thumbnail_src",),
    ("image_versions2", "candidates", "0", "url"),
)
_EXPIRES: Final = re.compile(r"[?&]oe=([0-9A-Fa-f]{8})(?:&|$)")


def at(node: Node, *keys: str) -> Node:
    """Returns the value at a path of keys; None if missing."""
    for key in keys:
        if isinstance(node, list) and key.isdecimal():
            node = node[int(key)] if int(key) < len(node) else None
        else:
            node = node.get(key) if isinstance(node, dict) else None
    return node


def post_fields(node: Node) -> dict[str, Any]:
    """Returns a post's `likes`, `comments` and `posted_at`, None where missing.

    Likes are None where they are hidden: null, -1, 0 or 3 on a post whose owner hides them, and 0 where the
    app's own part of the node leaves them out, since Instaloader then writes 0.

    Raises:
        LeftOutError: If the node has no likes, or likes that are no count.
    """
    for *path, key in _LIKES:
        holder = at(node, *path)
        if isinstance(holder, dict) and key in holder:
            likes = holder[key]
            break
    else:
        raise LeftOutError("incomplete post", "does not say how many likes it has")
    off = "like_and_view_counts_disabled"
    number = whole_number(likes)
    if number is None and likes not in (None, -1):
        raise LeftOutError(
            "invalid likes", f"has the likes {shortened(likes)}, not a whole number of 0 or more"
        )
    # Instagram's app gets 3 where the owner hides the likes.
    if number in (0, 3) and (at(node, off) is True or at(node, "iphone_struct", off) is True):
        number = None
    if number == 0 and any(map(_leaves_out_likes, (node, at(node, "iphone_struct")))):
        number = None
    return {"likes": number, "comments": _count(node, _COMMENTS), "posted_at": _posted_at(node)}


def _leaves_out_likes(media: Node) -> bool:
    """Returns whether this is the app's or a present web page's own media, without likes."""
    is_media = isinstance(media, dict) and "media_type" in media and ("pk" in media or "code" in media)
    return is_media and "like_count" not in media


def _posted_at(node: Node) -> datetime | None:
    """Returns the time of posting, None where it cannot be Instagram's."""
    seconds = _count(node, _POSTED_AT)
    if seconds is None or not 0 <= seconds < 1 << 32:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment if _INSTAGRAM_BEGAN <= moment < datetime.now(UTC) + timedelta(days=1) else None


def address_expires_at(node: Node) -> float | None:
    """Returns when the address of a picture in the node ceases to work, in seconds since 1970.

    That is some days or weeks after the node was received, whatever became of the file's own time.
    """
    nodes = (node, at(node, "iphone_struct"))
    paths = (*_PICTURE_ADDRESSES, ("profile_pic_url_hd",), ("profile_pic_url",))
    addresses = (at(each, *path) for each in nodes for path in paths)
    found = (_EXPIRES.search(address) for address in addresses if isinstance(address, str))
    return next((float(int(match[1], 16)) for match in found if match), None)


def picture_name(node: Node, photo: int | None) -> str | None:
    """Returns the name of the post's picture in its address, without an ending; None where not known.

    Args:
        node: The post.
        photo: The number of the carousel's photo, from 1; None for a post that is a photo itself.
    """
    place = None if photo is None else str(photo - 1)
    for part in (
        node if place is None else at(node, "edge_sidecar_to_children", "edges", place, "node"),
        at(node, "iphone_struct") if place is None else at(node, "iphone_struct", "carousel_media", place),
    ):
        for path in _PICTURE_ADDRESSES:
            if isinstance(address := at(part, *path), str):
                try:
                    return PurePosixPath(unquote(urlsplit(address).path)).stem or None
                except ValueError:
                    continue
    return None


def profile_fields(node: Node) -> dict[str, Any]:
    """Returns a profile's `followers` and `post_count`, None where missing."""
    return {"followers": _count(node, _FOLLOWERS), "post_count": _count(node, _POST_COUNT)}


def author_id_of(node: Node) -> str:
    """Returns the id in the node of a profile or of a post's owner; "" if missing."""
    return _id(at(node, "id")) or _id(at(node, "pk"))


def media_id_of(node: Node) -> str:
    """Returns a post's id without its owner's.

    Raises:
        LeftOutError: If it is missing.
    """
    if not (media_id := _id(at(node, "id"))):
        raise LeftOutError("incomplete post", "has no media id")
    return media_id.partition("_")[0]


def first_photo(node: Node) -> int | None:
    """Returns the number of a carousel's first photo, from 1; None for a post that is a photo itself.

    Raises:
        LeftOutError: If the post is a video or a carousel without a photo.
    """
    if _is_video(node):
        raise LeftOutError("video")
    if not str(at(node, "__typename")).endswith("Sidecar"):
        return None
    edges = at(node, "edge_sidecar_to_children", "edges")
    children = [at(edge, "node") for edge in edges] if isinstance(edges, list) else []
    if not children:
        raise LeftOutError("incomplete post", "does not say what its carousel holds")
    photos = [number for number, child in enumerate(children, start=1) if not _is_video(child)]
    if not photos:
        raise LeftOutError("video")
    return photos[0]


def _is_video(node: Node) -> bool:
    return bool(
        at(node, "is_video") or at(node, "media_type") == 2 or str(at(node, "__typename")).endswith("Video")
    )


def _count(node: Node, paths: tuple[tuple[str, ...], ...]) -> int | None:
    numbers = (whole_number(at(node, *path)) for path in paths)
    return next((number for number in numbers if number is not None), None)


def _id(value: Node) -> str:
    """Returns an id as text; "" where it is none: a float has lost digits."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
