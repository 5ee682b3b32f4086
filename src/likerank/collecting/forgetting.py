"""Taking one author out of a folder that Instaloader wrote."""

import configparser
import io
import json
import lzma
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from likerank.collecting import LOCK, STAMPS, STATE_FOLDER
from likerank.errors import LikerankError
from likerank.files import remove_lines, write_whole
from likerank.progress import progress_bar
from likerank.sources.archive import PICTURE_ENDINGS
from likerank.sources.nodes import Node, author_id_of
from likerank.sources.observations import OBSERVATIONS

_PROFILE_FILE: Final = re.compile(r"([\w.]+)_(\d+)\.json(?:\.xz)?")
# Instaloader's own, and no post: a list of comments beside one.
_COMMENTS_FILE: Final = "_comments.json"

_POST, _OTHER, _SOMEBODYS, _DAMAGED = "their post", "theirs", "somebody's", "damaged"


@dataclass(slots=True)
class ArchiveRemoval:
    """What was removed from an archive.

    Attributes:
        posts: Posts, videos and stories too.
        pictures: Pictures, profile pictures too.
        files: Files in all, those of posts and pictures included.
        observations: Lines of `observations.jsonl`.
    """

    posts: int = 0
    pictures: int = 0
    files: int = 0
    observations: int = 0

    def remove(self, file: Path) -> None:
        """Removes a file and counts it."""
        file.unlink(missing_ok=True)
        self.files += 1
        self.pictures += file.suffix in PICTURE_ENDINGS


def archived_names(folder: Path) -> dict[str, set[str]]:
    """Returns all names, former ones too, that an archive's profiles go or went by, by their ids."""
    names: dict[str, set[str]] = defaultdict(set)
    for _, _, files in os.walk(folder):
        for match in filter(None, map(_PROFILE_FILE.fullmatch, files)):
            names[match[2]].add(match[1])
    stamps = _stamps(folder)
    for name in stamps.sections():
        if author_id := stamps.get(name, "profile-id", fallback=""):
            names[author_id].add(name)
    return dict(names)


def remove_from_archive(folder: Path, author_id: str, names: Collection[str]) -> ArchiveRemoval:
    """Removes every file of one author's: posts with all that belongs to them, profiles, a collector's state.

    Who owns a post is read from its JSON file, whatever the folder is called. In a folder that is called as
    the author is or was, whatever belongs to no other's JSON file goes as well. Killed at any moment, it
    removes the rest when it is called again. Memory holds the names of one folder's files.

    Args:
        folder: The archive; it may be missing.
        author_id: The platform's id of the account.
        names: Names that the account is known by from elsewhere.

    Raises:
        LikerankError: If a collect is running.
    """
    removed = ArchiveRemoval()
    if not folder.is_dir():
        return removed
    (folder / STATE_FOLDER).mkdir(exist_ok=True)
    try:
        with FileLock(folder / STATE_FOLDER / LOCK, timeout=0):
            known = {name.lower() for name in (*names, *archived_names(folder).get(author_id, ()))}
            known |= _remove_observations(folder / OBSERVATIONS, author_id, removed)
            with progress_bar() as bar:
                task = bar.add_task("Archive", total=sum(len(files) for _, files in _folders(folder)))
                for place, files in _folders(folder):
                    is_theirs = place != folder and place.name.lower() in known
                    _clear(place, files, author_id, is_theirs, removed)
                    if place != folder and not any(place.iterdir()):
                        place.rmdir()
                    bar.advance(task, len(files))
            _remove_state(folder, author_id, known, removed)
    except Timeout:
        raise LikerankError(
            f"A collect is writing to the archive {folder}; run this again when it has ended."
        ) from None
    return removed


def _folders(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    # From the leaves up, so that a folder that was emptied can go before the one above it is looked at.
    for place, _, files in os.walk(folder, topdown=False):
        if STATE_FOLDER not in Path(place).relative_to(folder).parts:
            yield Path(place), files


def _clear(
    place: Path, files: list[str], author_id: str, in_their_name: bool, removed: ArchiveRemoval
) -> None:
    """Removes from one folder what is the author's."""
    described = {_stem(name) for name in files if _is_description(name)}
    groups: dict[str, list[str]] = defaultdict(list)
    for name in files:
        groups[_longest(name, described)].append(name)
    for group in groups.values():
        descriptions = sorted(filter(_is_description, group))
        found = {_owned(place / name, author_id) for name in descriptions}
        if not found & {_POST, _OTHER} and (_SOMEBODYS in found or not in_their_name):
            continue
        removed.posts += _POST in found
        # Descriptions last: they say whose the rest is.
        for name in [*(set(group) - set(descriptions)), *descriptions]:
            removed.remove(place / name)


def _is_description(name: str) -> bool:
    return name.endswith((".json", ".json.xz")) and not name.endswith(_COMMENTS_FILE)


def _stem(name: str) -> str:
    return name.removesuffix(".xz").removesuffix(".json")


def _longest(name: str, stems: Collection[str]) -> str:
    """Returns the longest of the stems that the name continues with a dot or a _; "" if none."""
    for end in range(len(name) - 1, 0, -1):
        if name[end] in "._" and name[:end] in stems:
            return name[:end]
    return ""


def _owned(path: Path, author_id: str) -> str:
    """Returns whose a JSON file is, and what, where it is the author's."""
    try:
        content = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        if author_id.encode() not in content:  # a fast answer for nearly all
            return _SOMEBODYS
        whole = json.loads(content)
        node, kind = whole["node"], whole["instaloader"]["node_type"]
        if kind == "FrozenNodeIterator":
            return _OTHER if author_id in map(author_id_of, _owners(node)) else _SOMEBODYS
        if kind == "Profile":
            return _OTHER if author_id_of(node) == author_id else _SOMEBODYS
        return _POST if author_id_of(node.get("owner") or node.get("user")) == author_id else _SOMEBODYS
    except (
        OSError,
        EOFError,
        lzma.LZMAError,
        ValueError,
        RecursionError,
        LookupError,
        AttributeError,
        TypeError,
    ):
        return _DAMAGED


def _owners(node: Node) -> Iterator[Node]:
    """Yields who is named as an owner, at any depth, and whom a query was about."""
    if isinstance(node, list):
        for child in node:
            yield from _owners(child)
    elif isinstance(node, dict):
        for key, child in node.items():
            if key in ("owner", "user", "query_variables") and child:
                yield child
            else:
                yield from _owners(child)


def _remove_observations(file: Path, author_id: str, removed: ArchiveRemoval) -> set[str]:
    """Rewrites the observations without the author's and returns the names that stood there."""
    names: set[str] = set()
    if not file.is_file():
        return names

    def is_theirs(line: bytes) -> bool:
        if author_id.encode() not in line:
            return False
        try:
            observation = json.loads(line)
            theirs = str(observation["author_id"]) == author_id
        except ValueError:
            return True  # Cut short: nobody can read it.
        except (LookupError, TypeError):
            return False
        if theirs:
            names.add(str(observation.get("username", "")).lower())
        return theirs

    removed.observations = remove_lines(file, is_theirs)
    return names - {""}


def _remove_state(folder: Path, author_id: str, known: Collection[str], removed: ArchiveRemoval) -> None:
    for file in (folder / STATE_FOLDER).iterdir():
        if file.name.lstrip(".").split(".")[0] == author_id:  # What a kill left begins with a dot.
            removed.remove(file)
    stamps = _stamps(folder)
    theirs = [
        name
        for name in stamps.sections()
        if stamps.get(name, "profile-id", fallback=author_id if name.lower() in known else "") == author_id
    ]
    if theirs:
        for name in theirs:
            stamps.remove_section(name)
        text = io.StringIO()
        stamps.write(text)
        write_whole(folder / STATE_FOLDER / STAMPS, text.getvalue())


def _stamps(folder: Path) -> configparser.ConfigParser:
    stamps = configparser.ConfigParser(interpolation=None)
    stamps.read(folder / STATE_FOLDER / STAMPS)
    return stamps
