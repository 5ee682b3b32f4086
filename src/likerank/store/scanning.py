"""Reads whole collections in parts of bounded size.

A MongoDB gives a collection by an ordinary cursor. The embedded server puts a query's whole result together
before it sends the first batch, and compares a document with every key of an `$in` list. So its collections
are read by ranges of slots, and either's single documents by short lists of keys.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from operator import itemgetter
from typing import Any, Final, TypeVar, cast

import bson
import pyarrow as pa
from bson.codec_options import CodecOptions
from pymongo.collection import Collection

from likerank.images import SIGNATURE_SIDE
from likerank.prefetch import prefetch
from likerank.records import AUTHOR_FIELDS, POST_FIELDS, TRUTH_FIELDS, Author, is_synthetic, snapshot_fields
from likerank.store.schema import ARROW_TYPES, SLOTS, TIME, Document, is_encodable

T = TypeVar("T")

KEYS_AT_ONCE: Final = 50

_JOINED: Final = ("username", *snapshot_fields(Author))
"""The fields of a post's author that the post table has."""

# An author is named by one key; the name, that of a later time than the post's, comes with the author.
_OWN: Final = [name for name in POST_FIELDS if name not in ("source_id", "author_id", "username", "truth")]
POST_TABLE: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("author", pa.string(), nullable=False),
        *((name, ARROW_TYPES[POST_FIELDS[name]]) for name in _OWN),
        *((name, ARROW_TYPES[AUTHOR_FIELDS[name]]) for name in _JOINED),
        *((name, pa.float64()) for name in TRUTH_FIELDS),
        pa.field("has_image", pa.bool_(), nullable=False),
        ("digest", pa.string()),
        ("signature", pa.binary(SIGNATURE_SIDE**2)),
    ]
)

_UTC: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True)


def scan(
    collection: Collection[Document],
    part_size: int,
    projection: dict[str, int] | None = None,
    *,
    slots: bool,
) -> Iterator[list[Document]]:
    """Yields every document, in parts of about `part_size` and in no order that means anything.

    Args:
        collection: The collection.
        part_size: About how many documents a part has.
        projection: Which fields, as of MongoDB's `find`; all unless given.
        slots: Whether the documents have slots, as those of the embedded server do.
    """
    if slots:
        parts = _by_slots(collection, part_size, projection)
    else:
        batches = collection.find_raw_batches({}, projection, batch_size=part_size)
        parts = ([batch] for batch in cast("Iterator[bytes]", batches) if batch)
    yield from map(_decode, _read_ahead(parts))


def estimated_number(collection: Collection[Document], *, slots: bool) -> int:
    """Returns about how many documents there are; the embedded server is slow at counting all of them."""
    if not slots:
        return collection.estimated_document_count()
    return 128 * collection.count_documents({"slot": {"$lt": SLOTS // 128}})


def _by_slots(
    collection: Collection[Document], part_size: int, projection: dict[str, int] | None
) -> Iterator[list[bytes]]:
    start, width = 0, SLOTS >> 17
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
            for future in prefetch((reader.submit(next, parts, None) for _ in count()), 2):
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
    for part in chunks([key for key in keys if is_encodable(key)], KEYS_AT_ONCE):
        yield from _decode(_raw(collection, {field: {"$in": list(part)}}, projection))


def chunks(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cuts a sequence into parts of this size, the last one shorter."""
    return (keys[start : start + size] for start in range(0, len(keys), size))


def post_table(
    posts: Iterator[list[Document]], authors: Iterator[list[Document]]
) -> Iterator[pa.RecordBatch]:
    """Yields the post table, a batch for each part of the posts, which come without the images' bytes.

    A post of an author who is not among the documents of authors has its own name for its author.
    """
    known = {author["_id"]: tuple(map(author.get, _JOINED)) for part in authors for author in part}
    unknown = (None,) * (len(_JOINED) - 1)
    for documents in posts:
        keys = [f"{post['source']}/{post['author_id']}" for post in documents]
        joined = [
            known.get(key) or (post["username"], *unknown) for key, post in zip(keys, documents, strict=True)
        ]
        truths = [post["truth"] or {} for post in documents]
        images = [post["image"] or {} for post in documents]
        columns: dict[str, list[Any]] = {
            "key": [post["_id"] for post in documents],
            "author": keys,
            **{name: [post.get(name) for post in documents] for name in _OWN if name != "synthetic"},
            **{name: list(values) for name, values in zip(_JOINED, zip(*joined, strict=True), strict=True)},
            **{name: [truth.get(name) for truth in truths] for name in TRUTH_FIELDS},
            "has_image": [bool(image) for image in images],
            "digest": [image.get("digest") for image in images],
            "signature": [image.get("signature") for image in images],
            "synthetic": [is_synthetic(post) for post in documents],
        }
        yield pa.RecordBatch.from_pydict(columns, schema=POST_TABLE)


def count_table(
    observations: Collection[Document], kind: str, name: str, keys: Sequence[str]
) -> pa.RecordBatch:
    """Returns all values of a count that were observed of some records, by key and time."""
    found = fetch(observations, "key", keys, {"kind": 1, "key": 1, "observed_at": 1, name: 1})
    rows = [seen for seen in found if seen["kind"] == kind and seen.get(name) is not None]
    rows.sort(key=itemgetter("key", "observed_at"))
    schema = pa.schema([("key", pa.string()), ("observed_at", TIME), (name, pa.int64())])
    return pa.RecordBatch.from_pylist(rows, schema=schema)


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
