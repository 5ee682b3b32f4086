"""The store as files: JSON Lines that `mongoimport` reads, Parquet, and the stored images."""

import glob
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from bson.json_util import RELAXED_JSON_OPTIONS, dumps

from likerank.errors import LikerankError
from likerank.progress import track
from likerank.records import AUTHOR_FIELDS, COUNTS, POST_FIELDS, is_synthetic
from likerank.store.mongo_errors import speaking_of
from likerank.store.scanning import chunks, fetch
from likerank.store.schema import ARROW_TYPES, TIME, Document
from likerank.store.store import Store

_IMAGES_FOLDER: Final = "masters"  # The name that exports have had from the first.

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
        [_KEY, *_OBSERVED, *((name, pa.int64()) for names in COUNTS.values() for name in names)]
    ),
}


@dataclass(frozen=True, slots=True)
class ExportCounts:
    """The numbers of exported documents and files."""

    posts: int
    authors: int
    observations: int  # Of both.
    images: int  # Stored images; 0 where they were not asked for.

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
    _remove_leftovers(folder)
    try:
        aside.mkdir(parents=True)
        with speaking_of(store.place):
            counts = _write(store, aside, images)
        aside.replace(folder)
    except OSError as error:
        raise LikerankError(f"The export to {folder} failed: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return counts


def _remove_leftovers(folder: Path) -> None:
    """Removes what exports to the same folder left that were killed: it holds everybody's data."""
    for aside in folder.parent.glob(f".{glob.escape(folder.name)}.*"):
        number = aside.name.rpartition(".")[2]
        if number.isdecimal() and not _is_running(int(number)):
            shutil.rmtree(aside, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _write(store: Store, folder: Path, images: bool) -> ExportCounts:
    post_keys, author_keys = _sorted_keys(store, "posts"), _sorted_keys(store, "authors")
    posts = _documents(store, "posts", post_keys, images)
    exported = (_exported(post, folder if images else None) for post in posts)
    _write_files(folder, "posts", track(exported, "Exporting posts", len(post_keys)))
    _write_files(folder, "authors", _documents(store, "authors", author_keys, images))
    parts = list(chunks(sorted({*post_keys, *author_keys}), _KEYS_AT_ONCE))
    observed = chain.from_iterable(
        _observations(store, part) for part in track(parts, "Exporting observations")
    )
    observations = _write_files(folder, "observations", observed)
    pictures = sum(1 for _ in (folder / _IMAGES_FOLDER).glob("*/*.jpg"))
    return ExportCounts(len(post_keys), len(author_keys), observations, pictures)


def _sorted_keys(store: Store, collection: str) -> list[str]:
    return sorted(document["_id"] for part in store.scan(collection, 1000, {"_id": 1}) for document in part)


def _documents(store: Store, collection: str, keys: Sequence[str], images: bool) -> Iterator[Document]:
    """Yields a collection's documents in the order of the keys, without what a store makes again."""
    projection = {"slot": 0, "image.signature": 0} | ({} if images else {"image.master": 0})
    for part in chunks(keys, _KEYS_AT_ONCE):
        yield from sorted(fetch(store.collection(collection), "_id", part, projection), key=itemgetter("_id"))


def _observations(store: Store, keys: Sequence[str]) -> list[Document]:
    found = fetch(store.collection("observations"), "key", keys)
    return sorted(found, key=itemgetter("key", "observed_at", "kind"))


def _exported(post: Document, folder: Path | None) -> Document:
    """Puts a post's image into a file, where there is a folder for it, and the file's name in its place."""
    post["synthetic"] = is_synthetic(post)
    if post["image"] is not None:
        jpeg = post["image"].pop("master", None)
        if folder is not None:
            name = hashlib.sha256(post["_id"].encode()).hexdigest()
            file = folder / _IMAGES_FOLDER / name[:2] / f"{name}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(jpeg)
            post["image"]["file"] = file.relative_to(folder).as_posix()
    return post


def _write_files(folder: Path, collection: str, documents: Iterator[Document]) -> int:
    """Writes documents into a collection's JSON Lines and Parquet file; returns their number."""
    base, schema, rows = folder / collection, _SCHEMAS[collection], 0
    with (
        base.with_suffix(".jsonl").open("w", encoding="utf-8") as lines,
        pq.ParquetWriter(base.with_suffix(".parquet"), schema, compression="zstd") as parquet,
    ):
        while waiting := list(islice(documents, _ROW_GROUP)):
            for document in waiting:
                lines.write(dumps(document, json_options=RELAXED_JSON_OPTIONS, ensure_ascii=False) + "\n")
            parquet.write_batch(pa.RecordBatch.from_pylist(waiting, schema=schema))
            rows += len(waiting)
    return rows
