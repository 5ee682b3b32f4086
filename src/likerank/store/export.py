"""The store as files: JSON Lines that `mongoimport` reads, Parquet, and the stored images."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from bson.json_util import RELAXED_JSON_OPTIONS, dumps

from likerank.errors import LikerankError
from likerank.progress import track
from likerank.records import AUTHOR_COUNTS, AUTHOR_FIELDS, POST_COUNTS, POST_FIELDS, is_synthetic
from likerank.store.mongo_errors import speaking_of
from likerank.store.scanning import chunks, fetch
from likerank.store.schema import ARROW_TYPES, TIME, Document
from likerank.store.store import Store

IMAGES_FOLDER: Final = "masters"
"""The stored images' folder, by the name that exports have had from the first."""

_KEYS_AT_ONCE: Final = 500
_ROW_GROUP: Final = 20_000
_IMAGE: Final = pa.struct(
    [("file", pa.string()), ("digest", pa.string()), ("width", pa.int32()), ("height", pa.int32())]
)
_KEY: Final = ("_id", pa.string())
_POST: Final = [(name, ARROW_TYPES[kind]) for name, kind in POST_FIELDS.items()]
_AUTHOR: Final = [(name, ARROW_TYPES[kind]) for name, kind in AUTHOR_FIELDS.items()]
_OBSERVED: Final = [("kind", pa.string()), ("key", pa.string()), ("observed_at", TIME)]
_SCHEMAS: Final = {
    "posts": pa.schema([_KEY, *_POST, ("image", _IMAGE)]),
    "authors": pa.schema([_KEY, *_AUTHOR, ("usernames", pa.list_(pa.string()))]),
    "observations": pa.schema(
        [_KEY, *_OBSERVED, *((name, pa.int64()) for name in (*POST_COUNTS, *AUTHOR_COUNTS))]
    ),
}


@dataclass(frozen=True, slots=True)
class ExportCounts:
    """The numbers of what was exported.

    Attributes:
        posts: Posts.
        authors: Authors.
        observations: Observations of both.
        images: Stored images; 0 where they were not asked for.
    """

    posts: int
    authors: int
    observations: int
    images: int

    def __str__(self) -> str:
        return (
            f"{self.posts} posts, {self.authors} authors, {self.observations} observations "
            f"and {self.images} pictures"
        )


def export_store(store: Store, folder: Path, *, images: bool) -> ExportCounts:
    """Writes a store into a new folder, under another name first, so that the folder is complete once there.

    The folder has `posts`, `authors` and `observations`, each as `.jsonl` (a document a line in relaxed
    MongoDB extended JSON) and as `.parquet`; posts and authors sorted by key, observations of both by key and
    time. With images the stored images lie, byte for byte, in `masters/`, and a post's `image.file` names
    its file.

    Args:
        store: The store; nothing else should write to it meanwhile.
        folder: The folder to make; it must be missing or empty.
        images: Whether to write the stored images.

    Raises:
        LikerankError: If the folder has something in it or cannot be written.
    """
    folder = Path(folder).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LikerankError(
            f"{folder} is there already and not an empty folder; name a new folder for the export."
        )
    aside = folder.parent / f".{folder.name}.{os.getpid()}"
    try:
        aside.mkdir(parents=True)
        try:
            with speaking_of(store.place):
                counts = _write(store, aside, images)
            aside.replace(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise LikerankError(f"The export to {folder} failed: {error.strerror or error}.") from error
    return counts


def _write(store: Store, folder: Path, images: bool) -> ExportCounts:
    post_keys = _sorted_keys(store, "posts")
    author_keys = _sorted_keys(store, "authors")
    posts = (
        _exported(post, folder if images else None) for post in _documents(store, "posts", post_keys, images)
    )
    image_count = 0
    with _Files(folder, "posts") as files:
        for post in track(posts, "Exporting posts", len(post_keys)):
            image_count += images and post["image"] is not None
            files.write(post)
    with _Files(folder, "authors") as files:
        for author in _documents(store, "authors", author_keys, images):
            files.write(author)
    keys = sorted({*post_keys, *author_keys})
    with _Files(folder, "observations") as files:
        for key_chunk in track(list(chunks(keys, _KEYS_AT_ONCE)), "Exporting observations"):
            for observation in _observations(store, key_chunk):
                files.write(observation)
        observations = files.rows
    return ExportCounts(len(post_keys), len(author_keys), observations, image_count)


def _sorted_keys(store: Store, collection: str) -> list[str]:
    return sorted(document["_id"] for part in store.scan(collection, 1000, {"_id": 1}) for document in part)


def _documents(store: Store, collection: str, keys: Sequence[str], images: bool) -> Iterator[Document]:
    """Yields a collection's documents in the order of the keys, without what a store makes again."""
    projection = {"slot": 0, "image.signature": 0} | ({} if images else {"image.master": 0})
    for key_chunk in chunks(keys, _KEYS_AT_ONCE):
        yield from sorted(
            fetch(store.collection(collection), "_id", key_chunk, projection), key=lambda found: found["_id"]
        )


def _observations(store: Store, keys: Sequence[str]) -> list[Document]:
    found = fetch(store.collection("observations"), "key", keys)
    return sorted(found, key=lambda one: (one["key"], one["observed_at"], one["kind"]))


def _exported(post: Document, folder: Path | None) -> Document:
    """Puts a post's image into a file, where there is a folder for it, and the file's name in its place."""
    post["synthetic"] = is_synthetic(post)
    if post["image"] is not None:
        jpeg = post["image"].pop("master", None)
        if folder is not None:
            name = hashlib.sha256(post["_id"].encode()).hexdigest()
            file = folder / IMAGES_FOLDER / name[:2] / f"{name}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(jpeg)
            post["image"]["file"] = file.relative_to(folder).as_posix()
    return post


class _Files:
    """A collection's JSON Lines and Parquet file, written a document at a time."""

    def __init__(self, folder: Path, collection: str) -> None:
        self._base = folder / collection
        self._schema = _SCHEMAS[collection]
        self._waiting: list[Document] = []
        self.rows = 0

    def __enter__(self) -> "_Files":
        with ExitStack() as stack:
            self._lines = stack.enter_context(self._base.with_suffix(".jsonl").open("w", encoding="utf-8"))
            self._parquet = stack.enter_context(
                pq.ParquetWriter(self._base.with_suffix(".parquet"), self._schema, compression="zstd")
            )
            self._open_files = stack.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        with self._open_files:
            self._flush()

    def write(self, document: Document) -> None:
        self._lines.write(dumps(document, json_options=RELAXED_JSON_OPTIONS, ensure_ascii=False) + "\n")
        self._waiting.append(document)
        self.rows += 1
        if len(self._waiting) >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        self._parquet.write_batch(pa.RecordBatch.from_pylist(self._waiting, schema=self._schema))
        self._waiting.clear()
