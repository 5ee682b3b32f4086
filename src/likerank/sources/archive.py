"""The source archive: a folder that Instaloader wrote, posts and profiles as JSON beside their pictures."""

import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from lzma import LZMADecompressor, LZMAError
from math import inf
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, cast

import instaloader

from likerank.errors import LikerankError
from likerank.files import count_lines
from likerank.records import Author, PictureFile, Post, Record, Skipped, utc_milliseconds
from likerank.sources import nodes
from likerank.sources.nodes import Node
from likerank.sources.observations import OBSERVATIONS, read_observations
from likerank.sources.picture_names import picture_beside
from likerank.sources.source import LeftOutError

INSTAGRAM: Final = "instagram"
"""The source of posts from Instagram."""
_PROFILE_FILE: Final = re.compile(r"[\w.]+_\d+\.json(\.xz)?")
_LARGEST_JSON: Final = 16 << 20  # A post with thousands of comments has two megabytes.
_MOST_MEMORY: Final = 256 << 20  # Of the decompressor.
_OTHER_KINDS: Final = {
    instaloader.StoryItem: "story",
    instaloader.Hashtag: "hashtag",
    instaloader.FrozenNodeIterator: "unfinished download",
}

_OBSERVED: Final = {
    Post: ("observed_at", "username", "likes", "comments"),
    Author: ("observed_at", "username", "followers", "post_count"),
}
"""The fields that an observation replaces, its time first."""
R = TypeVar("R", Post, Author)


class _NoNetwork:
    """A context for Instaloader that cannot send requests."""

    def __getattr__(self, name: str) -> NoReturn:
        raise LeftOutError("incomplete post", "lacks what only Instagram could add")


_NO_NETWORK: Final = cast("instaloader.InstaloaderContext", _NoNetwork())


class Archive:
    """Posts and profiles that Instaloader downloaded, in any number of folders below one.

    No request is sent: values that a file lacks stay unknown. A carousel is represented by its first photo;
    videos, stories and hashtags are left out. Hidden likes are None. The collector's observations beside the
    folders, if there are any, replace the counts and times in the files. Else counts were read when their
    file was written, as far as its own time and the addresses in it say. Memory holds the names of one
    folder's files, the paths of profiles, and the ids and newest counts of posts and authors.

    Args:
        folder: The folder that Instaloader wrote, or one above several.
        name: The `source` of the records.
        synthetic: Whether its posts are a program's, such as those of the fake Instagram.
    """

    def __init__(self, folder: str | Path, name: str = INSTAGRAM, *, synthetic: bool = False) -> None:
        self.folder = Path(folder)
        self.name = name
        self.synthetic = synthetic

    def records(self) -> Iterator[Record]:
        """Yields profiles, posts and observations; an author without a profile comes before the first post.

        Several files of one post are observations of it, and of several with an author's followers the
        newest are used. Observations of left-out posts are left out.

        Raises:
            LikerankError: If the folder is missing or has no JSON file.
        """
        usernames: dict[str, str] = {}
        followers_at: dict[str, datetime] = {}
        seen: dict[str, tuple[int | None, int | None]] = {}
        newest = self._newest_observations()
        empty = True
        for path, kind, node in self._nodes():
            empty = False
            post = None
            try:
                if isinstance(node, LeftOutError):
                    raise node
                written_at = _written_at(path, node)
                if kind is Author:
                    author = self._author(node, usernames, written_at)
                else:
                    owner = nodes.at(node, "owner") or nodes.at(node, "user")
                    author = self._author(owner, usernames, written_at)
                    post = self._post(path, node, author)
                    if seen.get(post.source_id) == (post.likes, post.comments):
                        raise LeftOutError("second file of a post")
            except LeftOutError as error:
                yield Skipped(error.reason, f"{path} {error}." if str(error) else "")
                continue
            is_newer = author.followers is not None and _is_newer(
                author.observed_at, followers_at.get(author.author_id)
            )
            if author.author_id not in usernames or is_newer:
                usernames[author.author_id] = author.username
                if is_newer and author.observed_at is not None:
                    followers_at[author.author_id] = author.observed_at
                yield _as_observed(author, newest)
            elif kind is Author:
                yield Skipped("older file of a profile")
            if post is not None:
                seen.setdefault(post.source_id, (post.likes, post.comments))
                yield _as_observed(post, newest)
        for observed in read_observations(self.folder / OBSERVATIONS, self.name):
            if isinstance(observed, Skipped):
                yield observed
                continue
            record = observed.record
            if record.source_id in seen if isinstance(record, Post) else record.author_id in usernames:
                yield observed
        if empty:
            raise LikerankError(f"The archive {self.folder} has no JSON file.")

    def count(self) -> int:
        """Returns the number of JSON files and observations, without authors that have no file."""
        return sum(1 for _ in self._files()) + count_lines(self.folder / OBSERVATIONS)

    def _newest_observations(self) -> dict[str, tuple[Any, ...]]:
        """Returns the newest values of the fields in `_OBSERVED`, by the record's key."""
        newest: dict[str, tuple[Any, ...]] = {}
        for observation in read_observations(self.folder / OBSERVATIONS, self.name):
            if not isinstance(observation, Skipped):
                record = observation.record
                values = tuple(getattr(record, name) for name in _OBSERVED[type(record)])
                newest[record.key] = max(values, newest.get(record.key, values), key=itemgetter(0))
        return newest

    def _nodes(self) -> Iterator[tuple[Path, type[Post | Author], Node | LeftOutError]]:
        """Yields the node of each file, profiles first: their followers are needed before the posts.

        A file's name may be a profile's or a post's, as both begin as the user wants.
        """
        done: set[Path] = set()
        for path in self._files(lambda name: _PROFILE_FILE.fullmatch(name) is not None):
            with suppress(LeftOutError):
                is_profile, node = _load(path)
                if is_profile:
                    done.add(path)
                    yield path, Author, node
        unreadable: list[OSError] = []
        for path in self._files(onerror=unreadable.append):
            if path not in done:
                try:
                    is_profile, node = _load(path)
                except LeftOutError as error:
                    yield path, Post, error
                else:
                    yield path, Author if is_profile else Post, node
        for problem in unreadable:
            yield (
                Path(problem.filename),
                Post,
                LeftOutError("unreadable folder", f"is not read ({problem.strerror})"),
            )

    def _files(
        self,
        is_wanted: Callable[[str], bool] = lambda _: True,
        onerror: Callable[[OSError], object] | None = None,
    ) -> Iterator[Path]:
        if not self.folder.is_dir():
            raise LikerankError(f"The archive {self.folder} is not a folder.")
        for folder, folders, names in os.walk(self.folder, onerror=onerror):
            # Folders that begin with a dot are the collector's.
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if (
                    name.endswith((".json", ".json.xz"))
                    and is_wanted(name)
                    and not (name.endswith(".json") and Path(folder, f"{name}.xz").exists())
                ):
                    yield Path(folder, name)

    def _author(self, node: Node, usernames: dict[str, str], written_at: datetime | None) -> Author:
        author_id = nodes.author_id_of(node)
        if not author_id:
            raise LeftOutError("incomplete post", "does not name its author")
        return Author(
            source=self.name,
            author_id=author_id,
            username=_name(nodes.at(node, "username")) or usernames.get(author_id, author_id),
            observed_at=written_at,
            **nodes.profile_fields(node),
        )

    def _post(self, path: Path, node: Node, author: Author) -> Post:
        fields = nodes.post_fields(node)
        posted_at, written_at = fields["posted_at"], author.observed_at
        if posted_at is not None and written_at is not None and written_at < posted_at:
            written_at = None  # The file has the time of something else.
        return Post(
            source=self.name,
            source_id=nodes.media_id_of(node),
            author_id=author.author_id,
            username=author.username,
            picture=PictureFile(_picture(path, node)),
            observed_at=written_at,
            synthetic=self.synthetic,
            **fields,
        )


def _as_observed(record: R, newest: dict[str, tuple[Any, ...]]) -> R:
    if (values := newest.get(record.key)) is None:
        return record
    return replace(record, **dict(zip(_OBSERVED[type(record)], values, strict=True)))


def _is_newer(moment: datetime | None, other: datetime | None) -> bool:
    return other is None or (moment is not None and moment > other)


def _name(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""


def _written_at(path: Path, node: Node) -> datetime | None:
    """Returns when the node was received, at the latest; None where neither file nor addresses say.

    A copied file has a later time than the node, and an address is valid for some time after it.
    """
    try:
        seconds = min(path.stat().st_mtime, nodes.address_expires_at(node) or inf, time.time())
        return utc_milliseconds(datetime.fromtimestamp(seconds, UTC))
    except (OSError, ValueError, OverflowError):
        return None


def _load(path: Path) -> tuple[bool, Node]:
    try:
        content = json.loads(read_json_file(path))
        structure = instaloader.load_structure(_NO_NETWORK, content)
        node = instaloader.get_json_structure(structure)["node"]
    except MemoryError:
        raise
    except (OSError, EOFError, LZMAError, ValueError, RecursionError) as error:
        why = "its brackets are nested too deep" if isinstance(error, RecursionError) else error
        raise LeftOutError("damaged file", f"cannot be read ({why}); download it again") from error
    except LeftOutError:
        raise
    except Exception as error:  # Instaloader takes a node apart, and any part of it may be another thing.
        raise LeftOutError("not an Instaloader file") from error
    if type(structure) in _OTHER_KINDS:
        raise LeftOutError(_OTHER_KINDS[type(structure)])
    return isinstance(structure, instaloader.Profile), node


def read_json_file(path: Path) -> str:
    """Returns the text of a JSON file, of bounded length also where it is compressed.

    Raises:
        LeftOutError: If it is too large, or a pipe or a device, which would be waited for.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise LeftOutError("not a file", "is a pipe, a device or a folder, and is not read")
    too_large = LeftOutError(
        "too large", f"has more than {_LARGEST_JSON >> 20} MiB, and is no post; move it away"
    )
    if status.st_size > _LARGEST_JSON:
        raise too_large
    data = path.read_bytes()
    if path.suffix == ".xz":
        decompressor = LZMADecompressor(memlimit=_MOST_MEMORY)
        data = decompressor.decompress(data, _LARGEST_JSON + 1)
        if len(data) > _LARGEST_JSON:
            raise too_large
        if not decompressor.eof:
            raise EOFError("it ends early")
    return data.decode("utf-8-sig")


def _picture(path: Path, node: Node) -> Path:
    """Returns a post's picture, which has its file's name or that of the picture's address."""
    stem = path.name.removesuffix(".xz").removesuffix(".json")
    photo = nodes.first_photo(node)
    expected = stem if photo is None else f"{stem}_{photo}"
    for name in (expected, nodes.picture_name(node, photo)):
        if name and (picture := picture_beside(path.with_name(name))) is not None:
            return picture
    raise LeftOutError("missing picture", f"has no picture {expected}.jpg beside it; download it again")
