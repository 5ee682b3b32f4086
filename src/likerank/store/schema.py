"""The collections: the schema of their documents, derived from `likerank.records`, and the indexes."""

import hashlib
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import CollectionInvalid

from likerank.records import AUTHOR_FIELDS, POST_FIELDS, TRUTH_FIELDS, Author, Post, Truth, required_fields

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
_BINARY: Final = {"bsonType": "binData"}
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
        "master": _BINARY,
        "digest": _TEXT,
        "width": _LENGTH,
        "height": _LENGTH,
        "signature": _BINARY,
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
    "authors": [],
    "observations": ["key", "observed_at"],
}


def slot_of(key: str) -> int:
    """Returns the place of a key's hash among `SLOTS`.

    A range of slots holds a random part of a collection of about the same size as any other range as wide,
    so a scan by ranges is bounded in memory on the embedded server, which puts a query's whole result
    together first.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1


def prepare(database: Database[Document], *, slots: bool) -> None:
    """Makes the collections with their validators and indexes; cheap where they are there.

    Args:
        database: A database of the server.
        slots: Whether posts and authors have slots, as the embedded server needs.
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
        indexes = [[(field, ASCENDING) for field in _INDEXES[name]], [("slot", ASCENDING)] if slotted else []]
        if any(indexes):
            database[name].create_indexes([IndexModel(keys) for keys in indexes if keys])
        if slotted:
            _give_slots(database[name])


def _give_slots(collection: Collection[Document]) -> None:
    """Gives a slot to the documents that came without one, such as those of `mongoimport`."""
    without = [document["_id"] for document in collection.find({"slot": None}, {"_id": 1})]
    if without:
        updates = [UpdateOne({"_id": key}, {"$set": {"slot": slot_of(key)}}) for key in without]
        collection.bulk_write(updates, ordered=False)
