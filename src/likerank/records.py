"""Post and Author: what every source yields and the store keeps.

An author is (source, platform id) and a post is (source, source_id): names change, these do not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from likerank.errors import LikerankError


class Picture(Protocol):
    """Where a post's picture can be had; read only by whoever needs its bytes.

    Picklable, so that worker processes can read (or draw) it.
    """

    @property
    def name(self) -> str:
        """What a sentence about the picture calls it."""
        ...

    @property
    def master_digest(self) -> str | None:
        """The digest of a master image of likerank's own, to be stored as it is; None for any other."""
        ...

    def read(self) -> bytes:
        """Returns the encoded picture.

        Raises:
            LikerankError: If it cannot be read; the message names the file and why.
        """
        ...


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture in a file of the user's."""

    path: Path
    master_digest: None = None

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    def read(self) -> bytes:
        """Returns the file's bytes."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise LikerankError(f"{self.path} cannot be read: {error.strerror or error}.") from error


@dataclass(frozen=True, slots=True)
class _NoPicture:
    name: str = "no picture"
    master_digest: None = None

    def read(self) -> bytes:
        raise LikerankError("Counts alone were observed; there is no picture with them.")


NO_PICTURE: Final = _NoPicture()
"""Stands where counts alone were observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a made post's likes were made of; known for made posts alone, never a model's input.

    Attributes:
        appeal: The part of log likes that the picture decides.
        audience: The part of log likes that the author decides, whatever the picture.
    """

    appeal: float
    audience: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """An account as observed once.

    Attributes:
        source: Which place the account is on (`instagram`, `table`, ...), without a slash.
        author_id: The platform's id of the account; its name only where there is no id.
        username: The name it went by when observed.
        followers: Followers when observed, or None where not given.
        post_count: Posts on the platform when observed, or None where not given.
        observed_at: When the counts were read (UTC, whole milliseconds), or None where not given.
    """

    source: str
    author_id: str
    username: str
    followers: int | None = None
    post_count: int | None = None
    observed_at: datetime | None = None

    @property
    def key(self) -> str:
        """The author's identity, `source/author_id`."""
        return f"{self.source}/{self.author_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post with one photo, as observed once.

    Attributes:
        source: Which place the post is on (`instagram`, `table`, ...), without a slash.
        source_id: The platform's id of the post; else the author and the picture's relative path.
        author_id: The `Author.author_id` of who posted it, in the same source.
        username: The name the author went by.
        picture: Where its photo can be had; `NO_PICTURE` in an `Observation`.
        likes: Likes when observed; None where the platform hides them (kept, never trained on).
        comments: Comments when observed, or None where not given.
        posted_at: When it was posted (UTC, whole milliseconds), or None where not given.
        observed_at: When the counts were read (UTC, whole milliseconds), or None where not given.
        truth: What the likes were made of, for made posts.
        added_at: When it came into the store that a source has it from (UTC, whole milliseconds); None where
            it comes into a store for the first time.
    """

    source: str
    source_id: str
    author_id: str
    username: str
    picture: Picture
    likes: int | None
    comments: int | None = None
    posted_at: datetime | None = None
    observed_at: datetime | None = None
    truth: Truth | None = None
    added_at: datetime | None = None

    @property
    def key(self) -> str:
        """The post's identity, `source/source_id`."""
        return f"{self.source}/{self.source_id}"

    @property
    def author_key(self) -> str:
        """The identity of who posted it, `source/author_id`."""
        return f"{self.source}/{self.author_id}"


@dataclass(frozen=True, slots=True)
class Observation:
    """Counts alone, of a post or an author that the source yielded before.

    Attributes:
        record: What was counted, with its time; a post without a picture.
    """

    record: "Post | Author"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something a source met and left out.

    Attributes:
        reason: A short phrase that the closing summary counts by, such as `video`.
        message: One sentence that names the culprit and says what to do; empty where nothing is wrong.
    """

    reason: str
    message: str = ""


Record = Author | Post | Observation | Skipped


def utc_milliseconds(moment: datetime) -> datetime:
    """Returns the moment in UTC, cut to milliseconds, as BSON keeps it; a naive one is taken as UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)
