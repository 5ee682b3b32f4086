"""A folder that Instaloader wrote: posts and profiles as JSON beside their pictures."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from lzma import LZMAError
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import instaloader

from likerank.errors import LikerankError
from likerank.records import Author, PictureFile, Post, Record, Skipped, utc_milliseconds

_PROFILE_FILE: Final = re.compile(r"[\w.]+_\d+\.json(\.xz)?")
_PICTURE_ENDINGS: Final = (".jpg", ".webp", ".png")  # What Instaloader names pictures after, by content type.
_OTHER_KINDS: Final = {
    instaloader.StoryItem: "story",
    instaloader.Hashtag: "hashtag",
    instaloader.FrozenNodeIterator: "unfinished download",
}

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
_POST_COUNT: Final = (("media_count",), ("all_media_count",), ("iphone_struct", "media_count"))
_POSTED_AT: Final = (("taken_at_timestamp",), ("taken_at",), ("date",))
# What Instagram's app is told where the owner hides the likes.
_LIKES_STAND_IN: Final = 3
_LARGEST_COUNT: Final = 2**63 - 1  # What a database keeps as a whole number.

_Json = Any


class _LeftOutError(Exception):
    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class _NoNetwork:
    """Stands where Instaloader expects its context, and has none of what a request is made with."""

    def __getattr__(self, name: str) -> NoReturn:
        raise _LeftOutError("incomplete post", "lacks what only Instagram could add")


_NO_NETWORK: Final = cast("instaloader.InstaloaderContext", _NoNetwork())


class Archive:
    """Posts and profiles that Instaloader downloaded, in any number of folders below one.

    Nothing is asked of Instagram: what a file lacks stays unknown. A carousel is known by its first photo;
    videos, stories and hashtags are left out. Likes that Instagram hides are None. Memory holds the names of
    one folder's files and the ids of the posts and authors so far.
    """

    def __init__(self, folder: str | Path, name: str = "instagram") -> None:
        """Takes where to read; nothing is opened yet.

        Args:
            folder: The folder that Instaloader wrote, or one above several.
            name: The `source` of the records.
        """
        self.folder = Path(folder)
        self.name = name

    def records(self) -> Iterator[Record]:
        """Yields the profiles, then the posts; an author without a profile file comes before the first post.

        Of two files for one post or profile the first in the order of their paths counts.

        Raises:
            LikerankError: If the folder is missing or holds no JSON file.
        """
        usernames: dict[str, str] = {}
        seen: set[str] = set()
        empty = True
        for path in self._files():
            empty = False
            try:
                is_profile, node = _load(path)
                if is_profile:
                    author, post = self._author(node, usernames), None
                    if author.author_id in usernames:
                        raise _LeftOutError("second file of a profile", f"is one more of {author.username}")
                else:
                    author = self._author(_at(node, "owner") or _at(node, "user"), usernames)
                    post = self._post(path, node, author)
                    if post.source_id in seen:
                        raise _LeftOutError("second file of a post", f"is one more of post {post.source_id}")
            except _LeftOutError as error:
                yield Skipped(error.reason, f"{path} {error}." if str(error) else "")
                continue
            if author.author_id not in usernames:
                usernames[author.author_id] = author.username
                yield author
            if post is not None:
                seen.add(post.source_id)
                yield post
        if empty:
            raise LikerankError(f"The archive {self.folder} holds no JSON file.")

    def count(self) -> int:
        """Returns how many JSON files there are; authors without a profile file come on top.

        Raises:
            LikerankError: If the folder is missing.
        """
        return sum(1 for _ in self._files())

    def _files(self) -> Iterator[Path]:
        if not self.folder.is_dir():
            raise LikerankError(f"The archive {self.folder} is not a folder.")
        # Profiles first, so that their followers are known by the time of the posts.
        for profiles in (True, False):
            for folder, folders, names in os.walk(self.folder):
                folders.sort()
                for name in sorted(names):
                    if (
                        name.endswith((".json", ".json.xz"))
                        and (_PROFILE_FILE.fullmatch(name) is not None) == profiles
                        and not (name.endswith(".json") and Path(folder, f"{name}.xz").exists())
                    ):
                        yield Path(folder, name)

    def _author(self, node: _Json, usernames: dict[str, str]) -> Author:
        author_id = str(_at(node, "id") or _at(node, "pk") or "")
        if not author_id:
            raise _LeftOutError("incomplete post", "does not say who posted it")
        return Author(
            source=self.name,
            author_id=author_id,
            username=str(_at(node, "username") or usernames.get(author_id, author_id)).lower(),
            followers=_count(node, _FOLLOWERS),
            post_count=_count(node, _POST_COUNT),
        )

    def _post(self, path: Path, node: _Json, author: Author) -> Post:
        media_id = _at(node, "id")
        if not media_id:
            raise _LeftOutError("incomplete post", "has no media id")
        return Post(
            source=self.name,
            source_id=str(media_id).partition("_")[0],
            author_id=author.author_id,
            username=author.username,
            picture=PictureFile(_picture(path, node)),
            likes=_likes(node),
            comments=_count(node, _COMMENTS),
            posted_at=_moment(_count(node, _POSTED_AT)),
        )


def _load(path: Path) -> tuple[bool, _Json]:
    try:
        structure = instaloader.load_structure_from_file(_NO_NETWORK, str(path))
        node = instaloader.get_json_structure(structure)["node"]
    except (OSError, EOFError, LZMAError, ValueError, RecursionError) as error:
        raise _LeftOutError("damaged file", f"cannot be read ({error}); download it again") from error
    except (instaloader.InstaloaderException, AssertionError, AttributeError, KeyError, TypeError) as error:
        raise _LeftOutError("not an Instaloader file") from error
    if type(structure) in _OTHER_KINDS:
        raise _LeftOutError(_OTHER_KINDS[type(structure)])
    return isinstance(structure, instaloader.Profile), node


def _picture(path: Path, node: _Json) -> Path:
    if _is_video(node):
        raise _LeftOutError("video")
    stem = path.name.removesuffix(".xz").removesuffix(".json")
    if str(_at(node, "__typename")).endswith("Sidecar"):
        edges = _at(node, "edge_sidecar_to_children", "edges")
        children = [_at(edge, "node") for edge in edges] if isinstance(edges, list) else []
        if not children:
            raise _LeftOutError("incomplete post", "does not say what its carousel holds")
        photos = [number for number, child in enumerate(children, start=1) if not _is_video(child)]
        if not photos:
            raise _LeftOutError("video")
        stem = f"{stem}_{photos[0]}"
    for ending in _PICTURE_ENDINGS:
        picture = path.with_name(stem + ending)
        if picture.is_file():
            return picture
    raise _LeftOutError("missing picture", f"has no picture {stem}.jpg beside it; download it again")


def _is_video(node: _Json) -> bool:
    return bool(
        _at(node, "is_video")
        or _at(node, "media_type") == 2
        or str(_at(node, "__typename")).endswith("Video")
    )


def _likes(node: _Json) -> int | None:
    for *path, key in _LIKES:
        holder = _at(node, *path)
        if isinstance(holder, dict) and key in holder:
            likes = holder[key]
            break
    else:
        raise _LeftOutError("incomplete post", "does not say how many likes it has")
    off = "like_and_view_counts_disabled"
    stand_in = likes == _LIKES_STAND_IN and (_at(node, off) or _at(node, "iphone_struct", off))
    return likes if _is_count(likes) and not stand_in else None


def _count(node: _Json, paths: tuple[tuple[str, ...], ...]) -> int | None:
    return next((value for path in paths if _is_count(value := _at(node, *path))), None)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= _LARGEST_COUNT


def _moment(seconds: int | None) -> datetime | None:
    try:
        return None if seconds is None else utc_milliseconds(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _at(node: _Json, *keys: str) -> _Json:
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node
