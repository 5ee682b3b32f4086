"""The changes that a batch of records makes to the stored documents: pure functions, no database.

An observation is (record, observed_at). The newest one decides a record's counts, likes that the platform
hides (None) included; an older one that comes late is kept but decides nothing. An observation without a
time was made now, unless the newest has the same counts: then it is the newest one again.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bson.binary import Binary

from likerank.images import StoredImage
from likerank.records import (
    AUTHOR_FIELDS,
    COUNTS,
    POST_FIELDS,
    Author,
    Kind,
    Post,
    Truth,
    utc_milliseconds,
)
from likerank.store.schema import Document

Counts = dict[str, int | None]


@dataclass(slots=True)
class Change:
    """The changes of a batch to one collection."""

    observations: list[Document] = field(default_factory=list)  # Documents to add.
    inserts: dict[str, Document] = field(default_factory=dict)  # Documents to add, by key.
    updates: dict[str, Document] = field(default_factory=dict)  # Fields to set in stored documents, by key.
    unchanged: int = 0  # How many records changed no document.

    def __bool__(self) -> bool:
        return bool(self.observations or self.inserts or self.updates)


def counts_of(document: Document, kind: Kind) -> Counts:
    """Returns a document's counts by name; None for those that earlier versions did not know."""
    return {name: document.get(name) for name in COUNTS[kind]}


def _counts(record: Post | Author) -> Counts:
    return {name: getattr(record, name) for name in COUNTS[record.kind]}


def is_settled(record: Post | Author, stored: Document | None) -> bool:
    """Returns whether the record repeats what is stored as the newest, so that no history need be read."""
    if isinstance(record, Author) and not _has_counts(record):
        return True
    if stored is None or stored["observed_at"] is None:
        return False
    if record.observed_at is not None:
        return bool(utc_milliseconds(record.observed_at) == stored["observed_at"])
    return _counts(record) == counts_of(stored, record.kind)


def id_of_observation(record: Post | Author) -> str:
    """Returns the `_id` under which an observation with its time is stored."""
    assert record.observed_at is not None  # noqa: S101
    return f"{record.kind}:{record.key}@{_iso(utc_milliseconds(record.observed_at))}"


class History:
    """The times and counts of each record's observations; one that comes without a time is of `now`."""

    def __init__(self, kind: Kind, now: datetime) -> None:
        self._kind = kind
        self.now = now
        self._seen: dict[str, dict[datetime, Counts]] = {}

    def remember(self, key: str, stored: Document) -> None:
        """Adds the counts of a stored document."""
        self._seen.setdefault(key, {})[stored["observed_at"]] = counts_of(stored, self._kind)

    def observe(self, key: str, given: datetime | None, counts: Counts) -> tuple[datetime, Document | None]:
        """Returns when the observation was made, and its document where it is a new one."""
        seen = self._seen.setdefault(key, {})
        if given is not None:
            at = utc_milliseconds(given)
        elif not seen:
            at = self.now
        else:
            newest = max(seen)
            # An observation of a killed ingest that did not reach the record is found and taken up again.
            at = newest if seen[newest] == counts else max(self.now, newest + timedelta(milliseconds=1))
        if at in seen:
            return at, None
        # Without a time it is the next observation: of two commands at once, one adds it.
        place = _iso(at) if given is not None else f"after {_iso(max(seen))}" if seen else "first"
        seen[at] = counts
        identity = {"_id": f"{self._kind}:{key}@{place}", "kind": self._kind, "key": key}
        return at, identity | {"observed_at": at} | counts


def plan(
    records: Iterable[tuple[Post | Author, StoredImage | None]], stored: dict[str, Document], history: History
) -> Change:
    """Plans one kind's part of a batch.

    An author without counts is no observation: it makes the author known, and a name that was not known.
    So sources that name an author once a post and count once a profile do not contradict themselves, and a
    rename that comes without a time is not undone by the next old post.

    Args:
        records: Each with its image; authors, and posts that keep the stored image, with None.
        stored: The stored documents of those keys, without the images' bytes; updated in place.
        history: Knows the stored observations of every record that `is_settled` does not settle.
    """
    change = Change()
    for record, image in records:
        document = stored.get(record.key)
        known_at: datetime | None = document["observed_at"] if document is not None else None
        if document is not None and known_at is not None:
            history.remember(record.key, document)
        at: datetime | None = None
        if isinstance(record, Post) or _has_counts(record):
            at, observation = history.observe(record.key, record.observed_at, _counts(record))
            if observation is not None:
                change.observations.append(observation)
        if document is None:
            new = _document(record) | {"observed_at": at}
            if isinstance(record, Post):
                new |= {"image": _image(image), "added_at": utc_milliseconds(record.added_at or history.now)}
            else:
                new["usernames"] = [record.username]
            stored[record.key] = change.inserts[record.key] = new
            continue
        fields: Document = {}
        if at is not None and (known_at is None or at > known_at):
            fields |= _given(record) | _counts(record) | {"observed_at": at}
        if image is not None and (document["image"] or {}).get("digest") != image.digest:
            fields["image"] = _image(image)
        if isinstance(record, Author) and record.username not in document["usernames"]:
            fields["usernames"] = [*document["usernames"], record.username]
            if at is None or known_at is None or at >= known_at:
                fields["username"] = record.username
        _merge(change, document, fields)
    return change


def _merge(change: Change, document: Document, fields: Document) -> None:
    """Brings the fields that differ into the document and into its part of the change."""
    fields = {name: value for name, value in fields.items() if document.get(name) != value}
    if not fields:
        change.unchanged += 1
        return
    document |= fields
    if document["_id"] not in change.inserts:
        change.updates.setdefault(document["_id"], {}).update(fields)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _has_counts(author: Author) -> bool:
    return any(count is not None for count in _counts(author).values())


def _document(record: Post | Author) -> Document:
    names = POST_FIELDS if isinstance(record, Post) else AUTHOR_FIELDS
    return {"_id": record.key} | {name: _bson(getattr(record, name)) for name in names}


def _given(record: Post | Author) -> Document:
    """Returns the fields that a newer observation replaces: one that is not given keeps its stored value."""
    given = {name: value for name, value in _document(record).items() if value not in (None, False)}
    return {name: value for name, value in given.items() if name not in ("_id", "added_at")}


def _bson(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, datetime):
        return utc_milliseconds(value)
    if isinstance(value, Truth):
        return {name: float(part) for name, part in asdict(value).items()}
    return value


def _image(image: StoredImage | None) -> Document | None:
    return (
        None
        if image is None
        else {
            "master": Binary(image.jpeg),
            "digest": image.digest,
            "width": image.width,
            "height": image.height,
            "signature": Binary(image.signature),
        }
    )
