"""What a batch of records changes in what is stored: pure functions, no database.

An observation is (record, observed_at). The newest one decides a record's counts, likes that the platform
hides (None) included; an older one that comes late is kept but decides nothing. One that comes without a
time was made now, unless the newest has the same counts: then it is that one again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from bson.binary import Binary

from likerank.images import Master
from likerank.records import Author, Post, utc_milliseconds
from likerank.store.schema import Document, slot_of

Counts = dict[str, int | None]
Kind = Literal["post", "author"]

POST_COUNTS: Final = ("likes", "comments")
AUTHOR_COUNTS: Final = ("followers", "post_count")
_TICK: Final = timedelta(milliseconds=1)


@dataclass(slots=True)
class Change:
    """What one collection's part of a batch changes.

    Attributes:
        observations: Documents to add.
        inserts: Documents to add, by key.
        updates: Fields to set in stored documents, by key.
        unchanged: How many records changed no document.
    """

    observations: list[Document] = field(default_factory=list)
    inserts: dict[str, Document] = field(default_factory=dict)
    updates: dict[str, Document] = field(default_factory=dict)
    unchanged: int = 0

    def __bool__(self) -> bool:
        return bool(self.observations or self.inserts or self.updates)


def counts_of(record: Post | Author | Document, names: Iterable[str]) -> Counts:
    """Returns the record's or document's counts by name."""
    if isinstance(record, dict):
        return {name: record.get(name) for name in names}
    return {name: getattr(record, name) for name in names}


def is_settled(record: Post | Author, stored: Document | None) -> bool:
    """Returns whether the record repeats what is stored as the newest, so that no history need be read."""
    names = POST_COUNTS if isinstance(record, Post) else AUTHOR_COUNTS
    if isinstance(record, Author) and not _has_counts(record):
        return True
    if stored is None or stored["observed_at"] is None:
        return False
    if record.observed_at is not None:
        return bool(utc_milliseconds(record.observed_at) == stored["observed_at"])
    return counts_of(record, names) == counts_of(stored, names)


def id_of_observation(record: Post | Author) -> str:
    """Returns the `_id` under which an observation with its time is stored."""
    assert record.observed_at is not None  # noqa: S101
    kind = "post" if isinstance(record, Post) else "author"
    return f"{kind}:{record.key}@{_iso(utc_milliseconds(record.observed_at))}"


class History:
    """The times at which each record was observed, and what was seen."""

    def __init__(self, kind: Kind, names: tuple[str, ...], now: datetime) -> None:
        self._kind = kind
        self._names = names
        self.now = now
        self._seen: dict[str, dict[datetime, Counts]] = {}

    def remember(self, key: str, at: datetime, counts: Counts) -> None:
        """Adds what is stored already."""
        self._seen.setdefault(key, {})[at] = counts

    def observe(self, key: str, given: datetime | None, counts: Counts) -> tuple[datetime, Document | None]:
        """Returns when the observation was made, and its document where it is a new one."""
        seen = self._seen.setdefault(key, {})
        at = self._time_of(seen, given, counts)
        if at in seen:
            return at, None
        # Without a time it is what came next, whoever saw it: of two commands at once one adds it.
        place = _iso(at) if given is not None else f"after {_iso(max(seen))}" if seen else "first"
        seen[at] = counts
        observation = {"_id": f"{self._kind}:{key}@{place}"}
        return at, observation | {"kind": self._kind, "key": key, "observed_at": at} | counts

    def _time_of(self, seen: dict[datetime, Counts], given: datetime | None, counts: Counts) -> datetime:
        if given is not None:
            return utc_milliseconds(given)
        if not seen:
            return self.now
        newest = max(seen)
        # What a killed ingest observed but did not bring into the record is found here and taken up again.
        return newest if seen[newest] == counts else max(self.now, newest + _TICK)


def plan_posts(
    posts: Iterable[tuple[Post, Master | None]], stored: dict[str, Document], history: History
) -> Change:
    """Plans a batch of posts.

    Args:
        posts: Each with its master, or None to keep what is stored.
        stored: The documents of those keys that are stored, without the masters' bytes; updated in place.
        history: Knows the stored observations of every post that `is_settled` does not settle.
    """
    change = Change()
    for post, master in posts:
        counts = counts_of(post, POST_COUNTS)
        document = stored.get(post.key)
        if document is not None:
            history.remember(post.key, document["observed_at"], counts_of(document, POST_COUNTS))
        at, observation = history.observe(post.key, post.observed_at, counts)
        if observation is not None:
            change.observations.append(observation)
        if document is None:
            stored[post.key] = change.inserts[post.key] = _new_post(post, master, counts, at, history.now)
            continue
        fields: Document = {}
        if at > document["observed_at"]:
            fields |= counts | {"observed_at": at, "author_id": post.author_id, "username": post.username}
            # These are no observations: not given is not known, never taken back.
            fields |= {"posted_at": _posted_at(post)} if post.posted_at is not None else {}
            fields |= {"truth": _truth(post)} if post.truth is not None else {}
        if master is not None and (document["image"] or {}).get("digest") != master.digest:
            fields["image"] = _image(master)
        _merge(change, document, fields)
    return change


def plan_authors(authors: Iterable[Author], stored: dict[str, Document], history: History) -> Change:
    """Plans a batch of authors, like `plan_posts`.

    An author without counts is no observation: it makes the author known, and a name of theirs that was
    not known. So sources that name an author once a post and count once a profile do not contradict
    themselves, and a rename that comes without a time is not undone by the next old post.
    """
    change = Change()
    for author in authors:
        counts = counts_of(author, AUTHOR_COUNTS)
        document = stored.get(author.key)
        known_at: datetime | None = document["observed_at"] if document is not None else None
        if document is not None and known_at is not None:
            history.remember(author.key, known_at, counts_of(document, AUTHOR_COUNTS))
        at: datetime | None = None
        if _has_counts(author):
            at, observation = history.observe(author.key, author.observed_at, counts)
            if observation is not None:
                change.observations.append(observation)
        if document is None:
            stored[author.key] = change.inserts[author.key] = _new_author(author, counts, at)
            continue
        fields: Document = {}
        is_newest = at is not None and (known_at is None or at > known_at)
        if is_newest:
            fields |= counts | {"observed_at": at}
        new_name = author.username not in document["usernames"]
        if new_name:
            fields["usernames"] = [*document["usernames"], author.username]
        is_older = at is not None and known_at is not None and at < known_at
        if is_newest or (new_name and not is_older):
            fields["username"] = author.username
        _merge(change, document, fields)
    return change


def _merge(change: Change, document: Document, fields: Document) -> None:
    """Brings the fields that differ into the document and into what is to be written of it."""
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
    return author.followers is not None or author.post_count is not None


def _new_post(post: Post, master: Master | None, counts: Counts, at: datetime, now: datetime) -> Document:
    return {
        "_id": post.key,
        "slot": slot_of(post.key),
        "source": post.source,
        "source_id": post.source_id,
        "author_id": post.author_id,
        "username": post.username,
        **counts,
        "posted_at": _posted_at(post),
        "observed_at": at,
        "truth": _truth(post),
        "image": _image(master),
        "added_at": utc_milliseconds(post.added_at or now),
    }


def _new_author(author: Author, counts: Counts, at: datetime | None) -> Document:
    return {
        "_id": author.key,
        "slot": slot_of(author.key),
        "source": author.source,
        "author_id": author.author_id,
        "username": author.username,
        "usernames": [author.username],
        **counts,
        "observed_at": at,
    }


def _posted_at(post: Post) -> datetime | None:
    return None if post.posted_at is None else utc_milliseconds(post.posted_at)


def _truth(post: Post) -> dict[str, float] | None:
    if post.truth is None:
        return None
    return {"appeal": float(post.truth.appeal), "audience": float(post.truth.audience)}


def _image(master: Master | None) -> dict[str, Any] | None:
    if master is None:
        return None
    return {
        "master": Binary(master.jpeg),
        "digest": master.digest,
        "width": master.width,
        "height": master.height,
        "signature": Binary(master.signature),
    }
