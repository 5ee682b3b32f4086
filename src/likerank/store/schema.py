"""The collections: the schema of their documents, derived from `likerank.records`, and the indexes."""

import hashlib
import re
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from pymongo import IndexModel, UpdateOne
from pymongo.database import Database
from pymongo.errors import CollectionInvalid

from likerank.images import StoredImage
from likerank.records import (
    AUTHOR_FIELDS,
    LARGEST_COUNT,
    POST_FIELDS,
    TRUTH_FIELDS,
    Author,
    Post,
    Truth,
    required_fields,
    shortened,
    utc_milliseconds,
    wrong_field,
)

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LONGEST_TEXT: Final = 1 << 16
_LARGEST_IMAGE: Final = 15 << 20  # A document of MongoDB has at most 16 MiB.

Document = dict[str, Any]

SLOTS: Final = 1 << 31

TIME: Final = pa.timestamp("ms", tz="UTC")
ARROW_TYPES: Final[dict[Any, pa.DataType]] = {
    str: pa.string(),
    str | None: pa.string(),
    int | None: pa.int64(),
    float | None: pa.float64(),
    bool: pa.bool_(),
    datetime | None: TIME,
    Truth | None: pa.struct([(name, pa.float64()) for name in TRUTH_FIELDS]),
}
"""Parquet and scan: the Arrow type of each type that a record's field may have."""

_TEXT: Final = {"bsonType": "string"}
_LENGTH: Final = {"bsonType": "int", "minimum": 1}
_BSON_TYPES: Final[dict[Any, Document]] = {
    str: _TEXT,
    str | None: {"bsonType": ["string", "null"]},
    int | None: {"bsonType": ["int", "long", "null"]},
    float | None: {"bsonType": ["double", "null"]},
    bool: {"bsonType": "bool"},
    datetime | None: {"bsonType": ["date", "null"]},
    Truth | None: {
        "bsonType": ["object", "null"],
        "required": list(TRUTH_FIELDS),
        "properties": {name: {"bsonType": "double"} for name in TRUTH_FIELDS},
    },
}
# The stored image's bytes are called `image.master`, the name of the first version's documents.
_IMAGE: Final = {
    "bsonType": ["object", "null"],
    "required": ["master", "digest", "width", "height"],
    "properties": {
        "master": {"bsonType": "binData"},
        "digest": _TEXT,
        "width": _LENGTH,
        "height": _LENGTH,
        "signature": {"bsonType": "binData"},
    },
}
_DATE: Final = {"bsonType": "date"}
_KEPT: Final[dict[str, tuple[list[str], Document]]] = {
    "posts": (
        [*required_fields(Post), "observed_at", "image"],
        {name: _BSON_TYPES[kind] for name, kind in POST_FIELDS.items()}
        | {"observed_at": _DATE, "image": _IMAGE},
    ),
    "authors": (
        [*required_fields(Author), "observed_at", "usernames"],
        {name: _BSON_TYPES[kind] for name, kind in AUTHOR_FIELDS.items()}
        | {"usernames": {"bsonType": "array", "items": _TEXT}},
    ),
    "observations": (
        ["kind", "key", "observed_at"],
        {"kind": {"enum": ["post", "author"]}, "key": _TEXT, "observed_at": _DATE},
    ),
}
"""By collection: the fields that no document lacks, and the schema of all fields."""

_INDEXES: Final[dict[str, list[str]]] = {
    "posts": ["source", "author_id"],
    "observations": ["key", "observed_at"],
}


def why_unstorable(record: Post | Author, image: StoredImage | None = None) -> str:
    """Returns a sentence that says which type or limit the record breaks; empty if none.

    Checked before a record is sent, since one bad record must not cost its batch.
    """
    this = f"The {record.kind} {shortened(record.key)}"
    if wrong := wrong_field(record):
        return f"{this} {wrong}; correct it."
    for name in ("key", *(POST_FIELDS if isinstance(record, Post) else AUTHOR_FIELDS)):
        value = getattr(record, name)
        if isinstance(value, str) and "\0" in value:
            return f"{this} has a NUL character in {shortened(value)}; remove it."
        if isinstance(value, str) and not is_encodable(value):
            return f"{this} has half a character (a lone surrogate) in it; mend its encoding."
        if isinstance(value, str) and len(value) > _LONGEST_TEXT:
            return f"{this} has {len(value):,} characters in its {name}; shorten it to {_LONGEST_TEXT:,}."
        if isinstance(value, int) and abs(value) > LARGEST_COUNT:
            return f"{this} has the count {shortened(value)}, which is beyond 64 bits; correct it."
        if isinstance(value, datetime) and not _is_storable(value):
            return f"{this} has the {name} {value}, which is beyond the years 1 to 9999; correct it."
    if image is not None and len(image.jpeg) > _LARGEST_IMAGE:
        return (
            f"{this} has a stored image of {len(image.jpeg):,} bytes, more than MongoDB holds; leave it out."
        )
    return ""


def is_encodable(text: str) -> bool:
    """Returns whether a text is one that MongoDB can hold, or be asked for: without half a character."""
    return _LONE_SURROGATE.search(text) is None


def _is_storable(moment: datetime) -> bool:
    try:
        return utc_milliseconds(moment).year >= 1
    except (OverflowError, ValueError):
        return False


def slot_of(key: str) -> int:
    """Returns the place of a key's hash among `SLOTS`.

    A range of slots holds a random part of a collection of about the same size as any other range as wide,
    so a scan by ranges is bounded in memory on the embedded server, which puts a query's whole result
    together first.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1


def prepare(database: Database[Document], *, slots: bool) -> None:
    """Makes the collections with their validators and indexes; cheap where they are there.

    With `slots` posts and authors have slots, as the embedded server needs.
    """
    there = {entry["name"]: entry for entry in database.list_collections()}
    for name, (required, properties) in _KEPT.items():
        slotted = slots and name != "observations"
        slot: Document = {"slot": {"bsonType": "int", "minimum": 0}} if slotted else {}
        schema = {
            "bsonType": "object",
            "required": ["_id", *slot, *required],
            "properties": slot | properties,
        }
        validator = {"$jsonSchema": schema}
        if name not in there:
            with suppress(CollectionInvalid):  # another command made it just now
                database.create_collection(name, validator=validator)
        elif there[name].get("options", {}).get("validator") != validator:
            database.command("collMod", name, validator=validator)
        if indexes := [fields for fields in (_INDEXES.get(name), ["slot"] if slotted else None) if fields]:
            database[name].create_indexes([IndexModel(fields) for fields in indexes])
        if slotted:
            # Documents that came without a slot, such as those of `mongoimport`.
            keys = [found["_id"] for found in database[name].find({"slot": None}, {"_id": 1})]
            if updates := [UpdateOne({"_id": key}, {"$set": {"slot": slot_of(key)}}) for key in keys]:
                database[name].bulk_write(updates, ordered=False)
