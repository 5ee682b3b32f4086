"""Fields of a post or a profile in Instaloader's nodes, in all past and present shapes of Instagram's."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from likerank.records import utc_milliseconds
from likerank.sources.source import LARGEST_COUNT, LeftOutError

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


def at(node: Node, *keys: str) -> Node:
    """Returns the value at a path of keys; None if missing."""
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def post_fields(node: Node) -> dict[str, Any]:
    """Returns a post's `likes`, `comments` and `posted_at`, None where missing.

    Likes are None where they are hidden: null, -1, or 3 on a post whose owner hides them.

    Raises:
        LeftOutError: If the node has no likes.
    """
    for *path, key in _LIKES:
        holder = at(node, *path)
        if isinstance(holder, dict) and key in holder:
            likes = holder[key]
            break
    else:
        raise LeftOutError("incomplete post", "does not say how many likes it has")
    off = "like_and_view_counts_disabled"
    # Instagram's app gets 3 where the owner hides the likes.
    hidden = likes == 3 and (at(node, off) or at(node, "iphone_struct", off))
    posted_at, seconds = None, _count(node, _POSTED_AT)
    if seconds is not None:
        with suppress(ValueError, OverflowError, OSError):
            posted_at = utc_milliseconds(datetime.fromtimestamp(seconds, UTC))
    return {
        "likes": likes if _is_count(likes) and not hidden else None,
        "comments": _count(node, _COMMENTS),
        "posted_at": posted_at,
    }


def profile_fields(node: Node) -> dict[str, Any]:
    """Returns a profile's `followers` and `post_count`, None where missing."""
    return {"followers": _count(node, _FOLLOWERS), "post_count": _count(node, _POST_COUNT)}


def author_id_of(node: Node) -> str:
    """Returns the id in the node of a profile or of a post's owner; "" if missing."""
    return str(at(node, "id") or at(node, "pk") or "")


def media_id_of(node: Node) -> str:
    """Returns a post's id without its owner's.

    Raises:
        LeftOutError: If it is missing.
    """
    if not (media_id := at(node, "id")):
        raise LeftOutError("incomplete post", "has no media id")
    return str(media_id).partition("_")[0]


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
    return next((value for path in paths if _is_count(value := at(node, *path))), None)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= LARGEST_COUNT
