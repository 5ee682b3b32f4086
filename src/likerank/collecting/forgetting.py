"""Deletion of one author's data from a folder that Instaloader wrote."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from likerank.collecting.state import STATE_FOLDER, CollectState, locked_archive
from likerank.files import remove_lines
from likerank.progress import progress_bar
from likerank.sources.archive import read_json_file
from likerank.sources.nodes import Node, author_id_of
from likerank.sources.observations import OBSERVATIONS
from likerank.sources.picture_names import PICTURE_ENDINGS

_PROFILE_FILE: Final = re.compile(r"([\w.]+)_(\d+)\.json(?:\.xz)?")
_POST, _OTHER, _ANOTHERS, _DAMAGED = "the author's post", "the author's", "another's", "damaged"


@dataclass(slots=True)
class ArchiveRemoval:
    """Counts of removed files."""

    posts: int = 0  # Posts, including videos and stories.
    pictures: int = 0  # Pictures, including profile pictures.
    files: int = 0  # All files.
    observations: int = 0  # Lines of `observations.jsonl`.

    def remove(self, file: Path) -> None:
        """Removes a file and counts it."""
        file.unlink(missing_ok=True)
        self.files += 1
        self.pictures += file.suffix.lower() in PICTURE_ENDINGS


def archived_names(folder: Path) -> dict[str, set[str]]:
    """Returns all names, former ones too, of an archive's authors, by their ids."""
    names = CollectState(folder).names()
    for _, _, files in os.walk(folder):
        for match in filter(None, map(_PROFILE_FILE.fullmatch, files)):
            names[match[2]].add(match[1])
    return dict(names)


def remove_from_archive(folder: Path, author_id: str, names: Collection[str]) -> ArchiveRemoval:
    """Removes every file of one author: posts with all that belongs to them, profiles, the collector's state.

    A post's owner is read from its JSON file, whatever the folder's name. A folder with one of the author's
    names (these and those in the archive) also loses all files that belong to no other author's JSON file.
    Interrupted at any moment, it removes the rest on the next call. Memory holds the names of one folder's
    files.

    Raises:
        LikerankError: If a collect is running.
    """
    removed = ArchiveRemoval()
    if not folder.is_dir():
        return removed
    with locked_archive(folder):
        state = CollectState(folder)
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
        for file in state.folder.iterdir():
            if file.name.lstrip(".").split(".")[0] == author_id:  # Temporary files begin with a dot.
                removed.remove(file)
        state.remove_names(author_id, known)
    return removed


def _folders(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    # From the leaves up, so that an emptied folder is removed before its parent is checked.
    for place, _, files in os.walk(folder, topdown=False):
        if STATE_FOLDER not in Path(place).relative_to(folder).parts:
            yield Path(place), files


def _clear(
    place: Path, files: list[str], author_id: str, in_their_name: bool, removed: ArchiveRemoval
) -> None:
    """Removes the author's files from one folder."""
    described = {name.removesuffix(".xz")[: -len(".json")] for name in files if _is_description(name)}
    groups: dict[str, list[str]] = defaultdict(list)
    for name in files:
        groups[_longest(name, described)].append(name)
    for group in groups.values():
        descriptions = sorted(filter(_is_description, group))
        found = {_owned(place / name, author_id) for name in descriptions}
        if not found & {_POST, _OTHER} and (_ANOTHERS in found or not in_their_name):
            continue
        removed.posts += _POST in found
        # Descriptions last: they name the owner of the other files.
        for name in [*(set(group) - set(descriptions)), *descriptions]:
            removed.remove(place / name)


def _is_description(name: str) -> bool:
    # Instaloader writes a post's comments into a file that describes no post.
    return name.endswith((".json", ".json.xz")) and not name.endswith("_comments.json")


def _longest(name: str, stems: Collection[str]) -> str:
    """Returns the longest of the stems that the name continues with a dot or a _; "" if none."""
    for end in range(len(name) - 1, 0, -1):
        if name[end] in "._" and name[:end] in stems:
            return name[:end]
    return ""


def _owned(path: Path, author_id: str) -> str:
    """Returns a JSON file's owner, and its kind where it is the author's."""
    try:
        content = read_json_file(path)
        if author_id not in content:  # Fast, and true for nearly all files.
            return _ANOTHERS
        whole = json.loads(content)
        node, kind = whole["node"], whole["instaloader"]["node_type"]
        if kind == "FrozenNodeIterator":
            return _OTHER if author_id in map(author_id_of, _owners(node)) else _ANOTHERS
        if kind == "Profile":
            return _OTHER if author_id_of(node) == author_id else _ANOTHERS
        return _POST if author_id_of(node.get("owner") or node.get("user")) == author_id else _ANOTHERS
    except Exception:  # A damaged file can cause nearly any error.
        return _DAMAGED


def _owners(node: Node) -> Iterator[Node]:
    """Yields the nodes of owners, at any depth, and the variables of queries."""
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
    """Removes the author's observations and returns the names in them."""
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
            return True  # Cut short, so unreadable.
        except (LookupError, TypeError):
            return False
        if theirs and observation.get("username"):
            names.add(str(observation["username"]).lower())
        return theirs

    removed.observations = remove_lines(file, is_theirs)
    return names
