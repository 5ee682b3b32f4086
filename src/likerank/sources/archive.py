"""The source archive: a folder that Instaloader wrote, posts and profiles as JSON beside their pictures."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from lzma import LZMAError
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, cast

import instaloader

from likerank.errors import LikerankError
from likerank.files import count_lines
from likerank.records import Author, PictureFile, Post, Record, Skipped
from likerank.sources import nodes
from likerank.sources.nodes import Node
from likerank.sources.observations import OBSERVATIONS, read_observations
from likerank.sources.source import LeftOutError

INSTAGRAM: Final = "instagram"
"""The source of posts from Instagram."""
_PROFILE_FILE: Final = re.compile(r"[\w.]+_\d+\.json(\.xz)?")
PICTURE_ENDINGS: Final = (".jpg", ".webp", ".png")  # Instaloader's, by content type.
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
    folders, if there are any, replace the counts and times in the files. Memory holds the names of one
    folder's files, and the ids and newest counts of posts and authors.

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

        Of several files for one post or profile, the first in the order of their paths is used. Observations
        of left-out posts are left out.

        Raises:
            LikerankError: If the folder is missing or has no JSON file.
        """
        usernames: dict[str, str] = {}
        seen: set[str] = set()
        newest = self._newest_observations()
        empty = True
        for path in self._files():
            empty = False
            try:
                is_profile, node = _load(path)
                if is_profile:
                    author, post = self._author(node, usernames), None
                    if author.author_id in usernames:
                        raise LeftOutError("second file of a profile", f"repeats {author.username}")
                else:
                    author = self._author(nodes.at(node, "owner") or nodes.at(node, "user"), usernames)
                    post = self._post(path, node, author)
                    if post.source_id in seen:
                        raise LeftOutError("second file of a post", f"repeats post {post.source_id}")
            except LeftOutError as error:
                yield Skipped(error.reason, f"{path} {error}." if str(error) else "")
                continue
            if author.author_id not in usernames:
                usernames[author.author_id] = author.username
                yield _as_observed(author, newest)
            if post is not None:
                seen.add(post.source_id)
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

    def _files(self) -> Iterator[Path]:
        if not self.folder.is_dir():
            raise LikerankError(f"The archive {self.folder} is not a folder.")
        # Profiles first: their followers are needed before the posts.
        for profiles in (True, False):
            for folder, folders, names in os.walk(self.folder):
                # Folders that begin with a dot are the collector's.
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in sorted(names):
                    if (
                        name.endswith((".json", ".json.xz"))
                        and (_PROFILE_FILE.fullmatch(name) is not None) == profiles
                        and not (name.endswith(".json") and Path(folder, f"{name}.xz").exists())
                    ):
                        yield Path(folder, name)

    def _author(self, node: Node, usernames: dict[str, str]) -> Author:
        author_id = nodes.author_id_of(node)
        if not author_id:
            raise LeftOutError("incomplete post", "does not name its author")
        return Author(
            source=self.name,
            author_id=author_id,
            username=str(nodes.at(node, "username") or usernames.get(author_id, author_id)).lower(),
            **nodes.profile_fields(node),
        )

    def _post(self, path: Path, node: Node, author: Author) -> Post:
        return Post(
            source=self.name,
            source_id=nodes.media_id_of(node),
            author_id=author.author_id,
            username=author.username,
            picture=PictureFile(_picture(path, node)),
            synthetic=self.synthetic,
            **nodes.post_fields(node),
        )


def _as_observed(record: R, newest: dict[str, tuple[Any, ...]]) -> R:
    if (values := newest.get(record.key)) is None:
        return record
    return replace(record, **dict(zip(_OBSERVED[type(record)], values, strict=True)))


def _load(path: Path) -> tuple[bool, Node]:
    try:
        structure = instaloader.load_structure_from_file(_NO_NETWORK, str(path))
        node = instaloader.get_json_structure(structure)["node"]
    except (OSError, EOFError, LZMAError, ValueError, RecursionError) as error:
        raise LeftOutError("damaged file", f"cannot be read ({error}); download it again") from error
    except (instaloader.InstaloaderException, AssertionError, AttributeError, KeyError, TypeError) as error:
        raise LeftOutError("not an Instaloader file") from error
    if type(structure) in _OTHER_KINDS:
        raise LeftOutError(_OTHER_KINDS[type(structure)])
    return isinstance(structure, instaloader.Profile), node


def _picture(path: Path, node: Node) -> Path:
    stem = path.name.removesuffix(".xz").removesuffix(".json")
    if (photo := nodes.first_photo(node)) is not None:
        stem = f"{stem}_{photo}"
    if (picture := picture_beside(path.with_name(stem))) is None:
        raise LeftOutError("missing picture", f"has no picture {stem}.jpg beside it; download it again")
    return picture


def picture_beside(stem: Path) -> Path | None:
    """Returns the picture with this path, which is without an ending; None if missing."""
    pictures = (stem.with_name(stem.name + ending) for ending in PICTURE_ENDINGS)
    return next((picture for picture in pictures if picture.is_file()), None)
