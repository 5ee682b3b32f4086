"""Observations of counts, one line each, in a file beside an archive.

Instaloader overwrites a post's file at each visit; this file keeps every observation. A line is one JSON
object: `kind` (post or author), `author_id`, `username`, `observed_at`, for a post `source_id`, `posted_at`,
`likes` (null where hidden) and `comments`, for an author `followers` and `posts`.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from likerank.files import bounded_lines
from likerank.records import NO_PICTURE, Author, Observation, Post, Skipped, shortened, utc_milliseconds
from likerank.sources.source import whole_number

OBSERVATIONS: Final = "observations.jsonl"
"""The file's name."""


class ObservationLog:
    """Adds observations to the end of a file; a killed process loses none of them.

    Args:
        path: The file; created with its folder if missing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+", buffering=0)
        if self._file.seek(0, 2):
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":  # A killed process left half a line.
                self._file.write(b"\n")

    def append(self, observed: Post | Author) -> None:
        """Writes an observation, which must have a time."""
        assert observed.observed_at is not None  # noqa: S101
        fields: dict[str, Any] = {"kind": observed.kind}
        fields |= {"author_id": observed.author_id, "username": observed.username}
        fields["observed_at"] = observed.observed_at.isoformat(timespec="milliseconds")
        if isinstance(observed, Post):
            posted_at = observed.posted_at
            fields["source_id"] = observed.source_id
            fields["posted_at"] = None if posted_at is None else posted_at.isoformat(timespec="milliseconds")
            fields |= {"likes": observed.likes, "comments": observed.comments}
        else:
            fields |= {"followers": observed.followers, "posts": observed.post_count}
        self._file.write(json.dumps(fields, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def read_observations(path: Path, source: str) -> Iterator[Observation | Skipped]:
    """Yields the observations in the order of a file, which may be missing, as records of a source.

    An unreadable line gives a `Skipped`, with a message unless a killed process left it.
    """
    if not path.is_file():
        return
    for number, line in enumerate(bounded_lines(path), start=1):
        try:
            yield Observation(_record(json.loads(line), source))
        except json.JSONDecodeError:
            yield Skipped("observation cut short")
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            why = shortened(error)
            yield Skipped("damaged observation", f"{path}, line {number} is no observation ({why}).")


def _record(fields: dict[str, Any], source: str) -> Post | Author:
    who: dict[str, Any] = {
        "source": source,
        "author_id": str(fields["author_id"]),
        "username": str(fields["username"]),
        "observed_at": utc_milliseconds(datetime.fromisoformat(fields["observed_at"])),
    }
    if fields["kind"] == "author":
        return Author(**who, followers=_count(fields["followers"]), post_count=_count(fields["posts"]))
    posted_at = fields.get("posted_at")
    return Post(
        **who,
        source_id=str(fields["source_id"]),
        picture=NO_PICTURE,
        likes=_count(fields["likes"]),
        comments=_count(fields["comments"]),
        posted_at=None if posted_at is None else utc_milliseconds(datetime.fromisoformat(posted_at)),
    )


def _count(value: object) -> int | None:
    if value is not None and (number := whole_number(value)) is None:
        raise ValueError(f"{shortened(value)} is no count")
    return None if value is None else number
