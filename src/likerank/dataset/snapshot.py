"""A frozen dataset on disk: pixels, posts and a manifest, in a folder named by its fingerprint."""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.dataset.recipe import BEFORE
from likerank.dataset.splits import TEST, TRAIN, VALIDATION
from likerank.errors import LikerankError
from likerank.files import read_checked_parquet, refuse_special, write_whole
from likerank.images import PIPELINE_VERSION

LEAST_DATED: Final = 0.5
"""The share of dated posts from which on posts nearby are the headline."""

PIXELS_FILE: Final = "pixels.npy"
POSTS_FILE: Final = "posts.parquet"
MANIFEST_FILE: Final = "snapshot.json"
FORGOTTEN: Final = "forgotten"
"""The manifest's key that is true once posts were blanked, since a person's data was deleted."""

_HASHED_AT_ONCE: Final = 4096
_NEEDED: Final = ("key", "author", "likes", "split", "half")

_NO_COPIES: Final = {"groups": 0, "posts": 0, "share": 0.0}

_checked: Final[dict[Path, object]] = {}
"""The folders whose content was compared with their fingerprint, with the state of their files then."""


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
        refuse_special(self.folder / MANIFEST_FILE)
        try:
            manifest = json.loads((self.folder / MANIFEST_FILE).read_text())
        except FileNotFoundError:
            raise LikerankError(
                f"There is no snapshot in {self.folder}; leave snapshot.fingerprint at latest to build one."
            ) from None
        except (ValueError, RecursionError) as error:
            raise self._damaged(MANIFEST_FILE, error) from error
        if wrong := _wrong_part(manifest):
            raise self._damaged(MANIFEST_FILE, wrong)
        self.manifest: dict[str, Any] = manifest
        # Earlier versions called it `made`.
        self.manifest.setdefault("synthetic", self.manifest.get("made", False))
        if self.manifest.get(FORGOTTEN):
            raise LikerankError(
                f"Snapshot {self.folder.name} held posts of a person whose data was deleted, so that nothing "
                "is trained or ranked on it any more: train again, with snapshot.fingerprint at latest, "
                "which builds a new one."
            )
        self.pixels: NDArray[np.uint8] = self._open_pixels()

    @cached_property
    def posts(self) -> pd.DataFrame:
        """The post table; see the class."""
        return self._read_posts()

    @cached_property
    def mostly_dated(self) -> bool:
        """Whether at least half of the posts have a date, so that tables lead with posts nearby."""
        return "posted_at" in self.posts and self.posts["posted_at"].notna().mean() >= LEAST_DATED

    def keys(self) -> pd.Series:
        """Returns the posts' keys without reading the rest of the table."""
        return self._read_posts(["key"])["key"]

    def check(self) -> None:
        """Compares pixels and posts with the fingerprint, once a process for files that stay as they are.

        That reads all pixels, which a training does in each epoch, in bounded memory.

        Raises:
            LikerankError: If they are not those that the snapshot was built with.
        """
        posts = self.posts  # Which names a file that is gone.
        files = [self.folder / name for name in (MANIFEST_FILE, POSTS_FILE, PIXELS_FILE)]
        version = tuple(
            (status.st_ino, status.st_size, status.st_mtime_ns) for status in (file.stat() for file in files)
        )
        if _checked.get(self.folder) == version:
            return
        # As earlier versions wrote the recipe, or the hash would be another.
        head = [self.manifest["recipe"], self.manifest.get("pipeline", PIPELINE_VERSION), len(posts)]
        if _hash(head, posts, self.pixels) != self.manifest["fingerprint"]:
            raise self._damaged(PIXELS_FILE, f"it or {POSTS_FILE} is not what the fingerprint was made of")
        _checked[self.folder] = version

    def _open_pixels(self) -> NDArray[np.uint8]:
        try:
            refuse_special(self.folder / PIXELS_FILE)
            # Copy-on-write rather than read-only, which torch takes for a mistake; nothing writes to it.
            pixels = np.load(self.folder / PIXELS_FILE, mmap_mode="c")
        except (PermissionError, LikerankError):
            raise
        except Exception as error:  # NumPy parses the head of the file as Python, which fails in many ways.
            raise self._damaged(PIXELS_FILE, error) from error
        match getattr(pixels, "shape", None):
            case (_, height, width, 3) if height == width and pixels.dtype == np.uint8:
                return cast("NDArray[np.uint8]", pixels)
        raise self._damaged(PIXELS_FILE, "it holds no pictures")

    def _read_posts(self, columns: list[str] | None = None) -> pd.DataFrame:
        try:
            posts: pd.DataFrame = read_checked_parquet(self.folder / POSTS_FILE, columns).to_pandas()
        except PermissionError:
            raise
        except Exception as error:  # pyarrow's, and pandas' about its own part of the file.
            raise self._damaged(POSTS_FILE, error) from error
        if len(posts) != len(self.pixels):
            why = f"it has {len(posts):,} posts, and {PIXELS_FILE} {len(self.pixels):,} pictures"
            raise self._damaged(POSTS_FILE, why)
        if lacking := [name for name in columns or _NEEDED if name not in posts]:
            raise self._damaged(POSTS_FILE, f"it lacks the column {lacking[0]}")
        return posts

    def _damaged(self, name: str, why: object) -> LikerankError:
        text = " ".join(str(why).split())[:200].rstrip(".")
        return LikerankError(
            f"{self.folder / name} is damaged ({text}); restore it from a backup, or delete the folder "
            f"{self.folder.name} and leave snapshot.fingerprint at latest, which builds the snapshot anew."
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
    return _hash([recipe, PIPELINE_VERSION, len(posts)], posts, pixels)


def _hash(head: list[Any], posts: pd.DataFrame, pixels: NDArray[np.uint8]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    digest.update(json.dumps(head, sort_keys=True).encode())
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
        refuse_special(folder / MANIFEST_FILE)
        manifest = json.loads((folder / MANIFEST_FILE).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def _wrong_part(manifest: object) -> str:
    """Returns what is wrong with a decoded manifest; "" where nothing is."""
    if not isinstance(manifest, dict):
        return "it is no JSON object"
    if manifest.get(FORGOTTEN):
        return ""
    kinds: dict[str, type] = {"fingerprint": str, "recipe": dict, "counts": dict}
    optional: dict[str, type] = {"excluded": dict, "store_revisions": list}
    for name, kind in kinds.items() | optional.items():
        if not isinstance(manifest.get(name, kind() if name in optional else None), kind):
            return f"its {name} is missing or of another type"
    counts = [manifest["counts"].get(name) for name in ("posts", "authors")]
    if not all(isinstance(each, dict) for each in counts):
        return "its counts are missing or of another type"
    if not all(type(number) is int for number in counts[0].values()):
        return "its counts are no numbers"
    if not all(type(number) is int for number in manifest.get("excluded", {}).values()):
        return "its excluded are no numbers"
    copies = manifest.get("copies", _NO_COPIES)
    if not isinstance(copies, dict) or not all(type(copies.get(name)) in (int, float) for name in _NO_COPIES):
        return "its copies are missing or of another type"
    return ""


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
