"""A frozen dataset on disk: pixels, posts and a manifest, in a folder named by its fingerprint."""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from likerank.dataset.recipe import BEFORE
from likerank.dataset.splits import TEST, TRAIN, VALIDATION
from likerank.errors import LikerankError
from likerank.files import write_whole
from likerank.images import PIPELINE_VERSION

PIXELS_FILE: Final = "pixels.npy"
POSTS_FILE: Final = "posts.parquet"
MANIFEST_FILE: Final = "snapshot.json"
FORGOTTEN: Final = "forgotten"
"""The manifest's key that is true once posts were blanked, since a person's data was deleted."""

_HASHED_AT_ONCE: Final = 4096
_OF_MANIFEST: Final = {"recipe", "fingerprint", "counts"}


class Snapshot:
    """A frozen dataset, opened for reading.

    Attributes:
        folder: The snapshot's folder (absolute).
        manifest: The content of snapshot.json: recipe, fingerprint, counts, excluded posts, versions, ...
        pixels: Shape (N, size, size, 3), RGB uint8, memory-mapped; its rows are in split order
            (train, val/stop, val/select, test), shuffled within each.
        posts: The post table, N rows in the same order: `key`, `source`, `author`, `username`, the fields
            that `likerank.records` declares for snapshots (the author's are the newest), `followers_then`
            (when posted, estimated; see `likerank.dataset.follower_history`), `digest`, `group` (its near
            copies), `split`, `half`, `appeal`, `audience`. Snapshots of earlier versions lack some columns.

    Raises:
        LikerankError: If the folder has no snapshot, a file of it is damaged, or a person's data was deleted
            from it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder).absolute()
        try:
            self.manifest: dict[str, Any] = json.loads((self.folder / MANIFEST_FILE).read_text())
        except FileNotFoundError:
            raise LikerankError(
                f"There is no snapshot in {self.folder}; leave snapshot.fingerprint at latest to build one."
            ) from None
        except ValueError as error:
            raise self._damaged(MANIFEST_FILE) from error
        if not isinstance(self.manifest, dict) or not self.manifest.keys() >= _OF_MANIFEST:
            raise self._damaged(MANIFEST_FILE)
        # Earlier versions called it `made`.
        self.manifest.setdefault("synthetic", self.manifest.get("made", False))
        if self.manifest.get(FORGOTTEN):
            raise LikerankError(
                f"Snapshot {self.folder.name} held posts of a person whose data was deleted; leave "
                "snapshot.fingerprint at latest to build a new one and train on that."
            )
        # Copy-on-write rather than read-only, which torch takes for a mistake; nothing writes to it.
        try:
            self.pixels: NDArray[np.uint8] = np.load(self.folder / PIXELS_FILE, mmap_mode="c")
        except (ValueError, EOFError, FileNotFoundError) as error:
            raise self._damaged(PIXELS_FILE) from error

    @cached_property
    def posts(self) -> pd.DataFrame:
        """The post table; see the class."""
        return self._table()

    def keys(self) -> pd.Series:
        """Returns the posts' keys without reading the rest of the table."""
        return self._table(["key"])["key"]

    def verify(self) -> None:
        """Checks that posts and pixels are those of the fingerprint, by reading them once.

        Raises:
            LikerankError: If they are not, as after a damage of the disk.
        """
        if fingerprint_of(self.manifest["recipe"], self.posts, self.pixels) != self.fingerprint:
            raise self._damaged(f"{POSTS_FILE} or {PIXELS_FILE}")

    def _table(self, columns: list[str] | None = None) -> pd.DataFrame:
        try:
            return pd.read_parquet(self.folder / POSTS_FILE, columns=columns)
        except (pa.ArrowException, ValueError, FileNotFoundError) as error:
            raise self._damaged(POSTS_FILE) from error

    def _damaged(self, file: str) -> LikerankError:
        return LikerankError(
            f"The snapshot {self.folder} is damaged: {file} is not as it was written; restore the folder "
            "from a backup, or delete it: with snapshot.fingerprint=latest the next training builds it anew."
        )

    @property
    def fingerprint(self) -> str:
        """The hash of everything that a training can see of the snapshot."""
        return str(self.manifest["fingerprint"])

    @property
    def synthetic(self) -> bool:
        """Whether any of its posts is synthetic."""
        return bool(self.manifest["synthetic"])

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe, in plain types."""
        return {**BEFORE, **self.manifest["recipe"]}

    @property
    def size(self) -> int:
        """Height and width of the pictures in pixels."""
        return int(self.pixels.shape[1])

    def rows(self, split: str, half: str = "") -> NDArray[np.int64]:
        """Returns the row numbers of a split, or of one half of validation, in order."""
        chosen = self.posts["split"] == split
        if half:
            chosen &= self.posts["half"] == half
        return np.flatnonzero(chosen.to_numpy()).astype(np.int64)


def fingerprint_of(recipe: dict[str, Any], posts: pd.DataFrame, pixels: NDArray[np.uint8]) -> str:
    """Returns the hash of a dataset: recipe, every column, every pixel, and how pixels are made.

    Args:
        recipe: The dataset's recipe, in plain types.
        posts: The post table, N rows.
        pixels: Shape (N, size, size, 3), uint8; read in pieces.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=8)
    digest.update(json.dumps([recipe, PIPELINE_VERSION, len(posts)], sort_keys=True).encode())
    for name in posts.columns:
        digest.update(name.encode())
        for part in _column_bytes(posts[name]):
            digest.update(part)
    for start in range(0, len(pixels), _HASHED_AT_ONCE):
        digest.update(np.ascontiguousarray(pixels[start : start + _HASHED_AT_ONCE]).data)
    # A letter first, or a configuration's parser would take some beginnings, such as 12e4, for numbers.
    return f"s{digest.hexdigest()}"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Returns a snapshot's manifest; None for a missing or damaged one."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes snapshot.json atomically; on disk when this returns."""
    write_whole(folder / MANIFEST_FILE, json.dumps(manifest, indent=2) + "\n")


def _column_bytes(column: pd.Series) -> list[bytes]:
    """Returns a column's content as bytes that do not depend on the library's way of storing it."""
    missing = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_datetime64_any_dtype(column):
        values = column.fillna(pd.Timestamp(0, tz="UTC")).astype("datetime64[ms, UTC]").astype("int64")
        return [missing.tobytes(), values.to_numpy(dtype=np.int64).tobytes()]
    if pd.api.types.is_integer_dtype(column):
        return [missing.tobytes(), column.fillna(0).to_numpy(dtype=np.int64).tobytes()]
    if pd.api.types.is_float_dtype(column):
        return [missing.tobytes(), column.fillna(0.0).to_numpy(dtype=np.float64).tobytes()]
    encoded = [str(value).encode() for value in column.fillna("")]
    lengths = np.array([len(value) for value in encoded], dtype=np.int64)
    return [missing.tobytes(), lengths.tobytes(), b"".join(encoded)]


def counts_of(posts: pd.DataFrame) -> dict[str, Any]:
    """Returns the number of posts per split, and per author and split."""
    per_author = posts.groupby("author")["split"].value_counts().unstack(fill_value=0)
    return {
        "posts": {split: int((posts["split"] == split).sum()) for split in (TRAIN, VALIDATION, TEST)},
        "authors": {
            str(author): {str(split): int(number) for split, number in row.items()}
            for author, row in per_author.iterrows()
        },
    }
