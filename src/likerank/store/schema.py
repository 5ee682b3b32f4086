"""The collections: what their documents look like, and the indexes."""

import hashlib
from contextlib import suppress
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import CollectionInvalid

Document = dict[str, Any]

SLOTS: Final = 1 << 31

_TEXT: Final = {"bsonType": "string"}
_COUNT: Final = {"bsonType": ["int", "long", "null"]}
_TIME: Final = {"bsonType": ["date", "null"]}
_SLOT: Final = {"bsonType": "int", "minimum": 0}


def _record(properties: Document, later: Document | None = None) -> Document:
    """Returns a validator; what came `later` is missing in documents of earlier versions."""
    required = ["_id", *properties]
    return {
        "$jsonSchema": {"bsonType": "object", "required": required, "properties": properties | (later or {})}
    }


VALIDATORS: Final[dict[str, Document]] = {
    "posts": _record(
        {
            "slot": _SLOT,
            "source": _TEXT,
            "source_id": _TEXT,
            "author_id": _TEXT,
            "username": _TEXT,
            "likes": _COUNT,
            "comments": _COUNT,
            "posted_at": _TIME,
            "observed_at": {"bsonType": "date"},
            "truth": {
                "bsonType": ["object", "null"],
                "required": ["appeal", "audience"],
                "properties": {"appeal": {"bsonType": "double"}, "audience": {"bsonType": "double"}},
            },
            "image": {
                "bsonType": ["object", "null"],
                "required": ["master", "digest", "width", "height"],
                "properties": {
                    "master": {"bsonType": "binData"},
                    "digest": _TEXT,
                    "width": {"bsonType": "int", "minimum": 1},
                    "height": {"bsonType": "int", "minimum": 1},
                    "signature": {"bsonType": "binData"},
                },
            },
        },
        later={"added_at": {"bsonType": "date"}},
    ),
    "authors": _record(
        {
            "slot": _SLOT,
            "source": _TEXT,
            "author_id": _TEXT,
            "username": _TEXT,
            "usernames": {"bsonType": "array", "items": _TEXT},
            "followers": _COUNT,
            "post_count": _COUNT,
            "observed_at": _TIME,
        }
    ),
    "observations": _record(
        {"kind": {"enum": ["post", "author"]}, "key": _TEXT, "observed_at": {"bsonType": "date"}}
    ),
}

INDEXES: Final[dict[str, list[IndexModel]]] = {
    "posts": [
        IndexModel([("slot", ASCENDING)]),
        IndexModel([("source", ASCENDING), ("author_id", ASCENDING)]),
    ],
    "authors": [IndexModel([("slot", ASCENDING)])],
    "observations": [IndexModel([("key", ASCENDING), ("observed_at", ASCENDING)])],
}


def slot_of(key: str) -> int:
    """Returns where a key's hash falls among `SLOTS`.

    A range of slots holds a random part of a collection of about the same size as any other range as wide,
    so a scan by ranges is bounded in memory on the server too, whatever it does with a query's result.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1


def prepare(database: Database[Document]) -> None:
    """Makes the collections with their validators and indexes; cheap where they are there."""
    there = {entry["name"]: entry for entry in database.list_collections()}
    for name, validator in VALIDATORS.items():
        if name not in there:
            with suppress(CollectionInvalid):  # another command made it just now
                database.create_collection(name, validator=validator)
        elif there[name].get("options", {}).get("validator") != validator:
            database.command("collMod", name, validator=validator)
        database[name].create_indexes(INDEXES[name])
