"""Reading whole collections in parts of bounded size.

The embedded server puts a query's whole result together before it sends the first batch, and compares a
document with every key of an `$in` list. So nothing here asks for more than a part at a time, whatever the
server: ranges of slots, or short lists of keys.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from operator import itemgetter
from typing import Any, Final, TypeVar, cast

import bson
import pyarrow as pa
from bson.codec_options import CodecOptions
from pymongo.collection import Collection

from likerank.images import SIGNATURE_SIDE
from likerank.prefetch import lookahead
from likerank.store.schema import SLOTS, Document

T = TypeVar("T")

KEYS_AT_ONCE: Final = 50

POST_TABLE: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("author", pa.string(), nullable=False),
        pa.field("username", pa.string(), nullable=False),
        pa.field("likes", pa.int64()),
        pa.field("comments", pa.int64()),
        pa.field("posted_at", pa.timestamp("ms", tz="UTC")),
        pa.field("observed_at", pa.timestamp("ms", tz="UTC")),
        pa.field("followers", pa.int64()),
        pa.field("digest", pa.string()),
        pa.field("appeal", pa.float64()),
        pa.field("audience", pa.float64()),
        pa.field("has_image", pa.bool_(), nullable=False),
        pa.field("added_at", pa.timestamp("ms", tz="UTC")),
        pa.field("signature", pa.binary(SIGNATURE_SIDE**2)),
    ]
)

LIKE_COUNTS: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("observed_at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("likes", pa.int64(), nullable=False),
    ]
)

FOLLOWER_TABLE: Final = pa.schema(
    [
        pa.field("author", pa.string(), nullable=False),
        pa.field("observed_at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("followers", pa.int64(), nullable=False),
    ]
)

_FIRST_WIDTH: Final = SLOTS >> 17
_SAMPLED: Final = 128
_UTC: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True)


def scan(
    collection: Collection[Document], part_size: int, projection: dict[str, int] | None = None
) -> Iterator[list[Document]]:
    """Yields every document, in parts of about `part_size` and in no order that means anything."""
    for raw in _read_ahead(_parts(collection, part_size, projection)):
        yield _decode(raw)


def estimated_number(collection: Collection[Document]) -> int:
    """Returns about how many documents there are, from a part of the slots: counting them all is slow."""
    return _SAMPLED * collection.count_documents({"slot": {"$lt": SLOTS // _SAMPLED}})


def _parts(
    collection: Collection[Document], part_size: int, projection: dict[str, int] | None
) -> Iterator[list[bytes]]:
    start, width = 0, _FIRST_WIDTH
    while start < SLOTS:
        raw = _raw(collection, {"slot": {"$gte": start, "$lt": start + width}}, projection)
        start += width
        # The part just read tells how wide the next must be.
        width = max(1, min(width * 8, width * part_size // max(1, _number_in(raw))))
        if raw:
            yield raw


def _read_ahead(parts: Iterator[T]) -> Iterator[T]:
    """Yields the parts, which a thread reads meanwhile.

    Two are asked for ahead: with one the thread would not ask for the next before this one is decoded, which
    keeps the interpreter's lock.
    """
    with ThreadPoolExecutor(1) as reader:
        try:
            for future in lookahead((reader.submit(next, parts, None) for _ in count()), 2):
                if (part := future.result()) is None:
                    return
                yield part
        finally:
            reader.shutdown(cancel_futures=True)


def fetch(
    collection: Collection[Document],
    field: str,
    keys: Sequence[str],
    projection: dict[str, int] | None = None,
) -> Iterator[Document]:
    """Yields the documents whose field is one of the keys, in any order."""
    for part in chunks(keys, KEYS_AT_ONCE):
        yield from _decode(_raw(collection, {field: {"$in": list(part)}}, projection))


def chunks(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cuts a sequence into parts of this size, the last one shorter."""
    for start, stop in pairwise([*range(0, len(keys), size), len(keys)]):
        yield keys[start:stop]


def scan_post_table(
    posts: Collection[Document], followers: dict[str, tuple[str, int | None]], batch_size: int
) -> Iterator[pa.RecordBatch]:
    """Yields the post table.

    Args:
        posts: The collection.
        followers: Each known author's newest name and followers, by author key.
        batch_size: About how many rows a batch has.
    """
    for documents in scan(posts, batch_size, {"image.master": 0}):
        authors = [f"{post['source']}/{post['author_id']}" for post in documents]
        known = [
            followers.get(author, (post["username"], None))
            for author, post in zip(authors, documents, strict=True)
        ]
        truths = [post["truth"] or {} for post in documents]
        images = [post["image"] or {} for post in documents]
        columns: dict[str, list[Any]] = {
            "key": [post["_id"] for post in documents],
            "source": [post["source"] for post in documents],
            "author": authors,
            "username": [name for name, _ in known],
            "likes": [post["likes"] for post in documents],
            "comments": [post["comments"] for post in documents],
            "posted_at": [post["posted_at"] for post in documents],
            "observed_at": [post["observed_at"] for post in documents],
            "followers": [number for _, number in known],
            "digest": [image.get("digest") for image in images],
            "appeal": [truth.get("appeal") for truth in truths],
            "audience": [truth.get("audience") for truth in truths],
            "has_image": [bool(image) for image in images],
            "added_at": [post.get("added_at") for post in documents],
            "signature": [image.get("signature") for image in images],
        }
        yield pa.RecordBatch.from_pydict(columns, schema=POST_TABLE)


def scan_follower_table(
    observations: Collection[Document], authors: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yields what was observed of authors' followers, a few authors at a time, in the order of time."""
    for part in chunks(authors, KEYS_AT_ONCE):
        rows = [
            {"author": seen["key"], "observed_at": seen["observed_at"], "followers": seen["followers"]}
            for seen in fetch(observations, "key", part)
            if seen["kind"] == "author" and seen.get("followers") is not None
        ]
        if rows:
            rows.sort(key=itemgetter("author", "observed_at"))
            yield pa.RecordBatch.from_pylist(rows, schema=FOLLOWER_TABLE)


def _raw(collection: Collection[Document], query: Document, projection: dict[str, int] | None) -> list[bytes]:
    # One message a part: each further one costs the server a copy of what is left.
    batches = collection.find_raw_batches(query, projection, batch_size=10_000)
    return [batch for batch in cast("Iterator[bytes]", batches) if batch]


def _decode(raw: list[bytes]) -> list[Document]:
    return [document for batch in raw for document in bson.decode_all(batch, _UTC)]


def _number_in(raw: list[bytes]) -> int:
    """Counts documents by the length that each begins with."""
    number = 0
    for batch in raw:
        position = 0
        while position < len(batch):
            position += int.from_bytes(batch[position : position + 4], "little")
            number += 1
    return number
