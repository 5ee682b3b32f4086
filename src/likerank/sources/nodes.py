"""What Instaloader's nodes say of a post or a profile, in any of the shapes that Instagram gave them."""

from datetime import UTC, datetime
from typing import Any, Final

from likerank.records import utc_milliseconds

Node = Any
"""Decoded JSON: a post's or a profile's node, or a part of one."""

# In the order of trust: Instaloader turns a null `like_count` into a 0 further down.
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
# What Instagram's app is told where the owner hides the likes.
_LIKES_STAND_IN: Final = 3
_LARGEST_COUNT: Final = 2**63 - 1  # What a database keeps as a whole number.


class LeftOutError(Exception):
    """A post or profile that cannot be used.

    Args:
        reason: A short phrase to count it by.
        message: What is wrong with the file, to be put behind its name; empty where nothing is.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def at(node: Node, *keys: str) -> Node:
    """Returns what lies at a path of keys; None where there is nothing."""
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def likes_of(node: Node) -> int | None:
    """Returns a post's likes; None where Instagram hides them: null, -1, or 3 on a post whose owner does.

    Raises:
        LeftOutError: If the node says nothing about likes.
    """
    for *path, key in _LIKES:
        holder = at(node, *path)
        if isinstance(holder, dict) and key in holder:
            likes = holder[key]
            break
    else:
        raise LeftOutError("incomplete post", "does not say how many likes it has")
    off = "like_and_view_counts_disabled"
    stand_in = likes == _LIKES_STAND_IN and (at(node, off) or at(node, "iphone_struct", off))
    return likes if _is_count(likes) and not stand_in else None


def comments_of(node: Node) -> int | None:
    """Returns a post's comments, where the node says."""
    return _count(node, _COMMENTS)


def author_id_of(node: Node) -> str:
    """Returns the id of a profile, or of the owner of a post by the owner's node; "" where there is none."""
    return str(at(node, "id") or at(node, "pk") or "")


def followers_of(node: Node) -> int | None:
    """Returns a profile's followers, where the node says."""
    return _count(node, _FOLLOWERS)


def post_count_of(node: Node) -> int | None:
    """Returns how many posts a profile has, where the node says."""
    return _count(node, _POST_COUNT)


def posted_at_of(node: Node) -> datetime | None:
    """Returns when a post was made, in UTC, where the node says."""
    seconds = _count(node, _POSTED_AT)
    try:
        return None if seconds is None else utc_milliseconds(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def media_id_of(node: Node) -> str:
    """Returns a post's id without its owner's.

    Raises:
        LeftOutError: If there is none.
    """
    if not (media_id := at(node, "id")):
        raise LeftOutError("incomplete post", "has no media id")
    return str(media_id).partition("_")[0]


def first_photo(node: Node) -> int | None:
    """Returns which child of a carousel is its first photo, from 1; None where a post is a photo itself.

    Raises:
        LeftOutError: If it is a video, or a carousel of nothing else.
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
    return isinstance(value, int) and 0 <= value <= _LARGEST_COUNT
