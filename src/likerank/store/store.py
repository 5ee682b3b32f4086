"""Posts and authors in MongoDB."""

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import pyarrow as pa
from pymongo import InsertOne, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from pymongo.write_concern import WriteConcern

from likerank.errors import LikerankError
from likerank.images import StoredImage
from likerank.records import Author, Kind, Post, shortened, utc_milliseconds
from likerank.store.forgetting import ForgetCounts, find_authors, remove_author
from likerank.store.mongo_errors import speaking_of
from likerank.store.observing import Change, History, id_of_observation, is_settled, plan
from likerank.store.scanning import chunks, count_table, estimated_number, fetch, post_table, scan
from likerank.store.schema import Document, is_encodable, slot_of, why_unstorable

_REVISION: Final = "revision"
R = TypeVar("R", Post, Author)
# An author may have been observed more often than a post.
_COUNTED_AT_ONCE: Final[dict[Kind, int]] = {"post": 1000, "author": 50}


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """The effect of one or more batches on the store."""

    new_posts: int = 0  # Posts that were not stored before.
    updated_posts: int = 0  # Posts of which the counts, another field or the picture changed.
    unchanged_posts: int = 0  # Posts of which nothing changed.
    new_authors: int = 0  # Authors that were not stored before.
    updated_authors: int = 0  # Authors of whom the counts or the name changed.
    unchanged_authors: int = 0  # Authors of whom nothing changed.
    new_observations: int = 0  # Observations that were not stored before, of posts and authors.
    refused: tuple[str, ...] = ()  # A sentence for each record that MongoDB cannot hold, so not written.

    @property
    def posts(self) -> int:
        """All posts that are stored now."""
        return self.new_posts + self.updated_posts + self.unchanged_posts

    @property
    def authors(self) -> int:
        """All authors who are stored now."""
        return self.new_authors + self.updated_authors + self.unchanged_authors

    def __add__(self, other: "WriteCounts") -> "WriteCounts":
        return WriteCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        return (
            f"posts {self.new_posts} new, {self.updated_posts} updated, {self.unchanged_posts} unchanged; "
            f"authors {self.new_authors} new, {self.updated_authors} updated, "
            f"{self.unchanged_authors} unchanged; "
            f"{self.new_observations} new observations"
        )


class Store:
    """Posts, authors and their observations in one MongoDB database.

    Every method raises LikerankError where the server stops answering. A store belongs to the process that
    opened it.

    Args:
        database: A prepared database whose client decodes times as UTC.
        place: The server and its address in words, without user or password.
        slots: Whether posts and authors have slots, as the embedded server needs.
    """

    def __init__(self, database: Database[Document], place: str, *, slots: bool) -> None:
        self._database = database
        self.place = place
        self._slots = slots
        self._process = os.getpid()

    @property
    def database_name(self) -> str:
        """The database's name."""
        return self._database.name

    def collection(self, name: str) -> Collection[Document]:
        """Returns a collection by its name."""
        if os.getpid() != self._process:
            raise RuntimeError("a store is used in a process that did not open it")
        return self._database[name]

    def scan(
        self, name: str, part_size: int, projection: dict[str, int] | None = None
    ) -> Iterator[list[Document]]:
        """Yields every document of a collection in parts; see `scanning.scan`."""
        with speaking_of(self.place):
            yield from scan(self.collection(name), part_size, projection, slots=self._slots)

    def write(
        self, authors: Sequence[Author], posts: Sequence[tuple[Post, StoredImage | None]]
    ) -> WriteCounts:
        """Writes one batch; written again, it changes nothing.

        Killed at any moment, it loses and doubles nothing once the same records are written again:
        observations go first, and records that are behind their observations are brought up to them.

        Args:
            authors: Authors as observed.
            posts: Posts as observed, each with its image, or with None to keep the stored one.

        Returns:
            The changes; while another command writes the same records, those that this one planned.
        """
        refused: list[str] = []

        def storable(records: Sequence[tuple[R, StoredImage | None]]) -> list[tuple[R, StoredImage | None]]:
            reasons = [why_unstorable(record, image) for record, image in records]
            refused.extend(filter(None, reasons))
            return [each for each, why in zip(records, reasons, strict=True) if not why]

        kept_authors, posts = storable([(author, None) for author in authors]), storable(posts)
        author_change = self._write_kind("author", kept_authors, refused)
        self._correct_hidden_likes([post.key for post, _ in posts if post.likes is None])
        post_change = self._write_kind("post", posts, refused)
        return WriteCounts(
            new_posts=len(post_change.inserts),
            updated_posts=len(posts) - len(post_change.inserts) - post_change.unchanged,
            unchanged_posts=post_change.unchanged,
            new_authors=len(author_change.inserts),
            updated_authors=len(kept_authors) - len(author_change.inserts) - author_change.unchanged,
            unchanged_authors=author_change.unchanged,
            new_observations=len(post_change.observations) + len(author_change.observations),
            refused=tuple(refused),
        )

    def find_authors(self, name: str) -> dict[str, set[str]]:
        """Returns all names of the authors with this name, present or former, or this id, by author key."""
        if not is_encodable(name):
            return {}
        with speaking_of(self.place):
            return find_authors(self.collection("authors").database, name)

    def forget(self, author_key: str) -> ForgetCounts:
        """Removes an author, their posts and every observation of both; again, it finds nothing.

        Killed at any moment, it removes the rest when it is called again.
        """
        if not is_encodable(author_key):
            return ForgetCounts()
        with speaking_of(self.place):
            self._renew_revision()
            counts = remove_author(self.collection("authors").database, author_key)
            self._renew_revision()
            return counts

    def posts_with_image(self, keys: Sequence[str]) -> set[str]:
        """Returns those of the posts' keys that have a stored image.

        Not one of a single pixel, which an older likerank kept for master_size=0: it is to be made anew.
        """
        with speaking_of(self.place):
            found = fetch(self.collection("posts"), "_id", keys, {"image.width": 1, "image.height": 1})
            images = {post["_id"]: post.get("image") for post in found}
            return {
                key for key, image in images.items() if image and max(image["width"], image["height"]) > 1
            }

    def new_observations(self, records: Sequence[Post | Author]) -> list[Post | Author]:
        """Returns those observations, each with its time, that are not stored, of records that are.

        This is cheaper than planning: a source that kept its observations offers all of them again.
        """
        ids = {id_of_observation(record): record for record in records}
        posts = [record.key for record in records if isinstance(record, Post)]
        authors = [record.key for record in records if isinstance(record, Author)]

        def stored(collection: str, keys: Sequence[str]) -> set[str]:
            found = fetch(self.collection(collection), "_id", list(dict.fromkeys(keys)), {"_id": 1})
            return {document["_id"] for document in found}

        with speaking_of(self.place):
            known = stored("posts", posts) | stored("authors", authors)
            seen = stored("observations", list(ids))
        return [record for name, record in ids.items() if name not in seen and record.key in known]

    def revision(self) -> str:
        """Returns a token that changes with every change of posts or authors; "" at first.

        It changes before and after each batch: a reader that asks first and reads then holds a token that
        no later state has, even if it read in the middle of a write.
        """
        with speaking_of(self.place):
            document = self.collection("meta").find_one({"_id": _REVISION})
            return str(document["token"]) if document else ""

    def count_posts(self, sources: Sequence[str] | None = None) -> int:
        """Returns how many posts there are, of some sources or of all."""
        posts = self.collection("posts")
        with speaking_of(self.place):
            if sources is None:
                return posts.estimated_document_count()
            parts = self.scan("posts", 1000, {"source": 1})
            return sum(post["source"] in sources for part in parts for post in part)

    def is_empty(self) -> bool:
        """Returns whether there is neither a post nor an author."""
        with speaking_of(self.place):
            return all(
                self.collection(name).find_one({}, {"_id": 1}) is None for name in ("posts", "authors")
            )

    def scan_posts(
        self, sources: Sequence[str] | None = None, batch_size: int = 1000
    ) -> Iterator[pa.RecordBatch]:
        """Yields the post table: everything but the picture, in any order and bounded memory.

        Args:
            sources: The sources of the posts; all unless given.
            batch_size: About how many rows to read at once.

        Yields:
            Batches of at least one row: key, author (its key), the declared fields of a post (see
            `likerank.records`; times in ms, UTC), username and the snapshot fields of the author (its
            newest), appeal, audience, has_image, digest and signature. Fields that earlier versions did not
            store are null.
        """
        wanted = None if sources is None else pa.array(sources, pa.string())
        authors = self.scan("authors", 1000, {"source": 0, "author_id": 0, "usernames": 0})
        for batch in post_table(self.scan("posts", batch_size, {"image.master": 0}), authors):
            kept = batch if wanted is None else batch.filter(pa.compute.is_in(batch["source"], wanted))
            if kept.num_rows:
                yield kept

    def scan_counts(self, kind: Kind, name: str, keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yields every observed value of a count, such as `likes`, of the records of these keys.

        Yields:
            Batches of at least one row: key, observed_at (ms, UTC) and the count where it is known; by key
            and time, all rows of a record in one batch.
        """
        observations = self.collection("observations")
        with speaking_of(self.place):
            for part in chunks(keys, _COUNTED_AT_ONCE[kind]):
                if (counts := count_table(observations, kind, name, part)).num_rows:
                    yield counts

    def scan_images(self, keys: Sequence[str], batch_size: int = 100) -> Iterator[list[tuple[str, bytes]]]:
        """Yields (key, JPEG) of the posts with a stored image, about `batch_size` at once, in any order."""
        posts = self.collection("posts")
        wanted = set(keys)
        with speaking_of(self.place):
            # Of less than half of the posts, fetching by key is faster than reading all.
            if len(wanted) > 0.5 * estimated_number(posts, slots=self._slots):
                parts = self.scan("posts", batch_size)
            else:
                parts = (list(fetch(posts, "_id", part)) for part in chunks(list(wanted), batch_size))
            for part in parts:
                images = [
                    (post["_id"], bytes(post["image"]["master"]))
                    for post in part
                    if post["image"] and post["_id"] in wanted
                ]
                if images:
                    yield images

    def _correct_hidden_likes(self, keys: list[str]) -> None:
        """Makes stored likes of 0 unknown where the source says that the likes are hidden.

        Earlier versions kept the 0 that Instaloader writes for hidden likes.
        """
        if not keys:
            return
        observations, none = self.collection("observations"), {"$set": {"likes": None}}
        with speaking_of(self.place):
            found = fetch(self.collection("posts"), "_id", keys, {"likes": 1})
            known = [post["_id"] for post in found]
            zeros = [each["_id"] for each in fetch(observations, "key", known) if each.get("likes") == 0]
            if zeros:
                self._renew_revision()
                # The posts first: a correction that is killed in between is begun again by its observations.
                self.collection("posts").update_many({"_id": {"$in": known}, "likes": 0}, none)
                observations.update_many({"_id": {"$in": zeros}}, none)
                self._renew_revision()

    def _write_kind(
        self, kind: Kind, records: Sequence[tuple[Post | Author, StoredImage | None]], refused: list[str]
    ) -> Change:
        """Plans against what is stored and applies; again where another command came in between.

        A record that MongoDB refuses gives a sentence in `refused`; all others are written.
        """
        seen_first: Change | None = None
        now = utc_milliseconds(datetime.now(UTC))
        with speaking_of(self.place):
            for _ in range(10):
                unwritten: dict[str, str] = {}
                stored = self._stored(kind, [record.key for record, _ in records])
                history = self._history(kind, [record for record, _ in records], stored, now)
                observed_at = {key: document["observed_at"] for key, document in stored.items()}
                change = plan(records, stored, history)
                seen_first = seen_first or change
                if not change or self._apply(kind, change, observed_at, unwritten):
                    refused += unwritten.values()
                    return seen_first
        raise LikerankError(
            f"Another command keeps writing the same {kind}s to {self.place}; run this one again after it."
        )

    def _stored(self, kind: Kind, keys: list[str]) -> dict[str, Document]:
        image = {"image.master": 0, "image.signature": 0}
        found = fetch(self.collection(f"{kind}s"), "_id", list(dict.fromkeys(keys)), image)
        return {document["_id"]: document for document in found}

    def _history(
        self, kind: Kind, records: Sequence[Post | Author], stored: dict[str, Document], now: datetime
    ) -> History:
        history = History(kind, now)
        open_keys = dict.fromkeys(r.key for r in records if not is_settled(r, stored.get(r.key)))
        for observation in fetch(self.collection("observations"), "key", list(open_keys)):
            if observation["kind"] == kind:
                history.remember(observation["key"], observation)
        return history

    def _apply(
        self, kind: Kind, change: Change, observed_at: dict[str, datetime | None], unwritten: dict[str, str]
    ) -> bool:
        """Writes a change; returns False where another command has changed a record since the planning."""
        self._renew_revision()
        if not _insert(self.collection("observations"), change.observations, unwritten):
            return False
        records = self.collection(f"{kind}s")
        inserts = list(change.inserts.values())
        if self._slots:
            inserts = [{"_id": new["_id"], "slot": slot_of(new["_id"])} | new for new in inserts]
        inserted = _insert(records, inserts, unwritten)
        # The time in the filter: a record that another command has just updated is planned anew.
        updates: list[Any] = [
            UpdateOne({"_id": key, "observed_at": observed_at[key]}, {"$set": changed})
            for key, changed in change.updates.items()
        ]
        updated = records.bulk_write(updates, ordered=False).matched_count if updates else 0
        self._renew_revision()
        return inserted and updated == len(updates)

    def _renew_revision(self) -> None:
        # On disk when this returns, and with it what was written before: a batch once done stays done.
        meta = self.collection("meta").with_options(write_concern=WriteConcern(j=True))
        meta.update_one({"_id": _REVISION}, {"$set": {"token": uuid.uuid4().hex}}, upsert=True)


def _insert(collection: Collection[Document], documents: list[Document], unwritten: dict[str, str]) -> bool:
    """Inserts the documents; returns whether none of them was there.

    Inserting and passing over those that are there does what an upsert does, four times as fast.

    Args:
        collection: Their destination.
        documents: New documents.
        unwritten: Gets a sentence for each document that the server refuses, such as by a rule of its own.
    """
    if not documents:
        return True
    try:
        collection.bulk_write([InsertOne(each) for each in documents], ordered=False)
    except BulkWriteError as error:
        problems = error.details["writeErrors"]
        if error.details.get("writeConcernErrors"):
            raise
        duplicate_key = 11000
        for problem in problems:
            if problem["code"] != duplicate_key:
                name = documents[problem["index"]]["_id"]
                why = str(problem.get("errmsg", problem["code"])).partition("\n")[0][:200]
                unwritten[name] = (
                    f"MongoDB refuses {shortened(name)} of {collection.name} ({why}); correct it."
                )
        return all(problem["code"] != duplicate_key for problem in problems)
    return True
