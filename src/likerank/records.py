"""Post and Author: the records that every source yields and the store keeps.

Their fields are declared here and nowhere else: store schema, scan, export, Parquet and, for fields with
`IN_SNAPSHOT`, the snapshot's table follow from names and types. To add a field, add it here with a default,
and have a source fill it. The types are those of `likerank.store.schema`; a field of type `int | None` is a
count, which every observation holds. Documents of earlier versions lack the field, which reads as None.

An author is (source, platform id) and a post is (source, source_id): names change, these do not.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from types import NoneType
from typing import Any, ClassVar, Final, Literal, Protocol

from likerank.errors import LikerankError

Kind = Literal["post", "author"]
"""A record's kind: it names the collection (with an s) and the observations."""

_LONGEST_MESSAGE: Final = 1000
_LARGEST_PICTURE: Final = 1 << 30  # An uncompressed TIFF of 200 megapixels has 0.6 GB.
LARGEST_COUNT: Final = 2**63 - 1
"""The largest whole number that a database stores."""

IN_SNAPSHOT: Final = {"snapshot": True}
"""Metadata of a field that the snapshot's table has as a column: part of the fingerprint."""


class Picture(Protocol):
    """A post's picture, read only where its bytes are needed; picklable, since worker processes read it."""

    @property
    def name(self) -> str:
        """The name of the picture in messages."""

    @property
    def stored_digest(self) -> str | None:
        """The digest of a stored image that is kept byte for byte; None for any other picture."""

    def read(self) -> bytes:
        """Returns the encoded picture.

        Raises:
            LikerankError: If it cannot be read; the message names the file and the reason.
        """


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture in a file; with a `stored_digest`, the stored image in an export."""

    path: Path
    stored_digest: str | None = None

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    def read(self) -> bytes:
        """Returns the file's bytes."""
        try:
            status = self.path.stat()
            if not S_ISREG(status.st_mode):  # A pipe would be waited for.
                raise LikerankError(f"{self.path} cannot be read: it is no file but a pipe or a device.")
            if status.st_size > _LARGEST_PICTURE:
                raise LikerankError(f"{self.path} has {status.st_size:,} bytes, which is no photo.")
            return self.path.read_bytes()
        except OSError as error:
            advice = "" if self.stored_digest is None else "; export it again with images"
            raise LikerankError(f"{self.path} cannot be read: {error.strerror or error}{advice}.") from error


@dataclass(frozen=True, slots=True)
class _NoPicture:
    name: str = "no picture"
    stored_digest: None = None

    def read(self) -> bytes:
        raise LikerankError("An observation holds counts only; it has no picture.")


NO_PICTURE: Final = _NoPicture()
"""The picture of a post in an `Observation`, which holds counts only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The known causes of a synthetic post's likes; never a model's input.

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
        source: The place that the account is on (`instagram`, `table`, ...), without a slash.
        author_id: The platform's id of the account; its name only where there is no id.
        username: The account's name when observed.
        followers: Followers when observed, or None where not given.
        post_count: Posts on the platform when observed, or None where not given.
        observed_at: Time at which the counts were read (UTC, whole milliseconds), or None where not given.
    """

    kind: ClassVar[Kind] = "author"

    source: str
    author_id: str
    username: str
    followers: int | None = field(default=None, metadata=IN_SNAPSHOT)
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
        source: The place that the post is on (`instagram`, `table`, ...), without a slash.
        source_id: The platform's id of the post; else the author and the picture's relative path.
        author_id: The `Author.author_id` of its author, in the same source.
        username: The author's name when observed.
        picture: Its photo; `NO_PICTURE` in an `Observation`.
        likes: Likes when observed; None where the platform hides them (kept, never trained on).
        comments: Comments when observed, or None where not given.
        posted_at: Time of posting (UTC, whole milliseconds), or None where not given.
        observed_at: Time at which the counts were read (UTC, whole milliseconds), or None where not given.
        truth: The known causes of the likes, for synthetic posts that have them.
        added_at: Time at which it came into the store that a source has it from (UTC, whole milliseconds);
            None where it comes into a store for the first time.
        synthetic: Whether a program made the post: its picture or counts are not a person's.
    """

    kind: ClassVar[Kind] = "post"

    source: str
    source_id: str
    author_id: str
    username: str
    picture: Picture
    likes: int | None = field(metadata=IN_SNAPSHOT)
    comments: int | None = field(default=None, metadata=IN_SNAPSHOT)
    posted_at: datetime | None = field(default=None, metadata=IN_SNAPSHOT)
    observed_at: datetime | None = None
    truth: Truth | None = None
    added_at: datetime | None = None
    synthetic: bool = False

    @property
    def key(self) -> str:
        """The post's identity, `source/source_id`."""
        return f"{self.source}/{self.source_id}"

    @property
    def author_key(self) -> str:
        """The author's identity, `source/author_id`."""
        return f"{self.source}/{self.author_id}"


POST_FIELDS: Final[dict[str, Any]] = {each.name: each.type for each in fields(Post) if each.name != "picture"}
"""The fields of a post that are stored, with their types."""

AUTHOR_FIELDS: Final[dict[str, Any]] = {each.name: each.type for each in fields(Author)}
"""The fields of an author that are stored, with their types."""

COUNTS: Final[dict[Kind, tuple[str, ...]]] = {
    "post": tuple(name for name, kind in POST_FIELDS.items() if kind == int | None),
    "author": tuple(name for name, kind in AUTHOR_FIELDS.items() if kind == int | None),
}
"""The names of the counts, by the kind of record."""
TRUTH_FIELDS: Final = tuple(each.name for each in fields(Truth))


_TYPES: Final[dict[Any, tuple[type, ...]]] = {
    str: (str,),
    str | None: (str, NoneType),
    int | None: (int, NoneType),
    float | None: (float, NoneType),
    bool: (bool,),
    datetime | None: (datetime, NoneType),
    Truth | None: (Truth, NoneType),
}
_WORDS: Final = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "a time",
}


def wrong_field(record: Post | Author) -> str:
    """Returns the rest of a sentence that names the first field with a value of another type; else ""."""
    if isinstance(record, Post) and record.truth is not None:
        for part in TRUTH_FIELDS:
            if not isinstance(value := getattr(record.truth, part), float | int) or isinstance(value, bool):
                return f"has the truth's {part} {shortened(value)}, not a number"
    for name, declared in (POST_FIELDS if isinstance(record, Post) else AUTHOR_FIELDS).items():
        value, types = getattr(record, name), _TYPES[declared]
        # bool is a subclass of int, and numpy's float64 one of float.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            return f"has the {name} {shortened(value)}, not {_WORDS.get(types[0], types[0].__name__)}"
    return ""


def shortened(value: object) -> str:
    """Returns a value's text for a message, of at most 80 characters and without control characters."""
    text = repr(value[:80] if isinstance(value, str | bytes) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def snapshot_fields(record: type[Post] | type[Author]) -> list[str]:
    """Returns the names of the fields that are declared for the snapshot's table."""
    return [each.name for each in fields(record) if "snapshot" in each.metadata]


def required_fields(record: type[Post] | type[Author]) -> list[str]:
    """Returns the names of the stored fields without a default, which no document lacks."""
    return [each.name for each in fields(record) if each.default is MISSING and each.name != "picture"]


def is_synthetic(document: Mapping[str, Any]) -> bool:
    """Returns whether a stored or exported post is synthetic.

    Documents of likerank 0.1 have no flag: its drawn posts have a truth, and its demo of collecting a source.
    """
    if "synthetic" in document:
        return bool(document["synthetic"])
    return document.get("truth") is not None or document.get("source") == "demo_standin"


@dataclass(frozen=True, slots=True)
class Observation:
    """Counts and their time, of an author or a post (without a picture) that the source yielded before."""

    record: Post | Author


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that a source left out.

    Attributes:
        reason: A short phrase that the closing summary counts by, such as `video`.
        message: One sentence that names the culprit and says what to do; empty where nothing is wrong. The
            middle of one with more than 1,000 characters, such as a cell's, is left out.
    """

    reason: str
    message: str = ""

    def __post_init__(self) -> None:
        """Shortens the message."""
        if len(self.message) > _LONGEST_MESSAGE:
            kept = _LONGEST_MESSAGE // 2
            object.__setattr__(self, "message", f"{self.message[:kept]} ... {self.message[-kept:]}")


Record = Author | Post | Observation | Skipped


def utc_milliseconds(moment: datetime) -> datetime:
    """Returns the moment in UTC, cut to milliseconds, as BSON keeps it; a naive one is taken as UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)
