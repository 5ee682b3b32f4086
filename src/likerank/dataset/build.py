"""Builds a snapshot from the store: chooses posts, splits them, makes pixels, writes aside, renames."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from filelock import FileLock
from numpy.typing import NDArray

from likerank.dataset.candidates import each_image, in_order_of, read_candidates
from likerank.dataset.recipe import Recipe
from likerank.dataset.snapshot import (
    MANIFEST_FILE,
    PIXELS_FILE,
    POSTS_FILE,
    counts_of,
    fingerprint_of,
    read_manifest,
    write_manifest,
)
from likerank.dataset.splits import (
    LATER_POSTS,
    SELECT,
    STOP,
    TEST,
    TRAIN,
    UNSEEN_AUTHORS,
    VALIDATION,
    balance_limit,
    dated_places,
    group_hashes,
    hashed_places,
    kept_by_balance,
    split_of,
)
from likerank.errors import LikerankError
from likerank.files import reserve
from likerank.images import PIPELINE_VERSION, to_pixels
from likerank.records import COUNTS, TRUTH_FIELDS, Author, Post, snapshot_fields
from likerank.store import Store
from likerank.version import __version__

_DECLARED: Final = snapshot_fields(Post)
_COLUMNS: Final = (
    "key",
    "source",
    "author",
    "username",
    *(name for name in _DECLARED if name in COUNTS["post"]),
    *snapshot_fields(Author),
    "followers_then",
    *(name for name in _DECLARED if name not in COUNTS["post"]),
    "digest",
    "group",
    "split",
    "half",
    *TRUTH_FIELDS,
)
"""The post table's columns; their order is part of the fingerprint."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The posts that enter a dataset, in its order, and how many did not.

    `copies` has how many `groups` of several near copies the usable posts held, how many `posts` were in
    them, and the `share` of the usable posts that these were.
    """

    posts: pd.DataFrame
    excluded: dict[str, int]  # Posts left out, by reason.
    copies: dict[str, int | float]
    synthetic: bool  # Whether any of the posts is synthetic.


def select_posts(candidates: pd.DataFrame, recipe: Recipe) -> Selection:
    """Chooses, balances, splits and shuffles the posts of a store.

    Args:
        candidates: One row a post, in any order: the columns of a snapshot's post table but for `split`
            and `half`, `synthetic`, `has_image`, `added_at` (none missing) and `owner`, the author of the
            first post of its copy group.
        recipe: How to choose.
    """
    excluded: dict[str, int] = {}

    def keep(posts: pd.DataFrame, wanted: pd.Series | NDArray[np.bool_], reason: str) -> pd.DataFrame:
        kept = np.asarray(wanted, dtype=bool)
        if left_out := int((~kept).sum()):
            excluded[reason] = left_out
            return posts[kept]
        return posts

    posts = keep(candidates, candidates["has_image"], "no picture")
    posts = keep(posts, posts["likes"].notna(), "no like count")
    if recipe.split in LATER_POSTS:
        posts = keep(posts, posts["posted_at"].notna(), "no date")
    posts = keep(posts, posts["group"].notna(), "near copy of pictures in several groups")
    if recipe.split == UNSEEN_AUTHORS:
        posts = keep(posts, posts["author"] == posts["owner"], "copy of another author's picture")
    posts = in_order_of(posts, "added_at", "key").reset_index(drop=True)
    sizes = posts["group"].value_counts()
    several = sizes[sizes > 1]
    share = round(float(several.sum() / max(1, len(posts))), 4)
    if recipe.near_copies == "first_only":
        posts = keep(posts, ~posts["group"].duplicated(), "near copy of an earlier post")
    posts = in_order_of(posts, "key").reset_index(drop=True)
    per_author = posts["author"].map(posts["author"].value_counts())
    posts = keep(posts, per_author >= recipe.min_posts_per_author, "author below min_posts_per_author")
    limit = balance_limit(posts["author"].value_counts(), recipe.balance)
    chances = group_hashes(recipe.seed, "balance", posts["digest"])
    balanced = kept_by_balance(posts["author"], chances, limit)
    posts = keep(posts, balanced, "beyond the author's balanced share")

    split, half = split_of(_places(posts, recipe))
    posts = posts.assign(split=split, half=half, likes=posts["likes"].astype("int64"))
    if recipe.split in LATER_POSTS:
        side = posts["split"] + posts["half"]
        earliest = posts.sort_values("posted_at", kind="stable").drop_duplicates("group")
        of_earliest = posts["group"].map(side[earliest.index].set_axis(earliest["group"]))
        posts = keep(posts, of_earliest == side, "copy of a post on another side of a date")
    # Of no posts, the mapped column is of text.
    part = posts["split"].map({TRAIN: 0, VALIDATION: 1, TEST: 3}).astype("int64") + (posts["half"] == SELECT)
    shuffled = group_hashes(recipe.seed, "split", posts["group"])
    posts = posts.iloc[np.lexsort((shuffled, part))].reset_index(drop=True)
    copies = {"groups": len(several), "posts": int(several.sum()), "share": share}
    return Selection(posts[list(_COLUMNS)], excluded, copies, bool(posts["synthetic"].any()))


def _places(posts: pd.DataFrame, recipe: Recipe) -> NDArray[np.float64]:
    """Returns each post's place in [0, 1), of which the first tenths are train and the last is test."""
    match recipe.split:
        case "unseen_authors":
            return hashed_places(recipe.seed, "author", posts["author"])
        case "later_posts":
            return dated_places(posts["posted_at"], pd.Series("", index=posts.index), recipe.seed)
        case "later_posts_per_author":
            return dated_places(posts["posted_at"], posts["author"], recipe.seed)
    return hashed_places(recipe.seed, "split", posts["group"])


def build_snapshot(
    store: Store,
    recipe: Recipe,
    root: Path,
    *,
    keep: int,
    spare: Collection[str] = (),
    workers: int | None = None,
) -> Path:
    """Returns the folder of the store's snapshot under a recipe; builds it unless it is there already.

    Two processes that ask at once get one snapshot, and a killed one leaves only a folder that the next build
    removes.

    Args:
        store: The store of the posts.
        recipe: How they become a dataset.
        root: The folder of all snapshots; the snapshot's is named by its fingerprint.
        keep: How many snapshots to keep; of more, those that were used longest ago are removed.
        spare: Fingerprints of snapshots that are kept whatever their age.
        workers: Threads that make pixels; one a core unless given.

    Raises:
        LikerankError: If the store holds no usable post or a split would be empty.
    """
    root.mkdir(parents=True, exist_ok=True)
    with only_one_writer(root):
        revision = store.revision()
        if (current := _current(root, recipe, revision)) is not None:
            return current
        aside = Path(tempfile.mkdtemp(prefix=".building-", dir=root))
        try:
            folder = _write(store, recipe, revision, aside, root, workers or os.cpu_count() or 1)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        _prune(root, keep, {folder.name, *spare})
        return folder


@contextmanager
def only_one_writer(root: Path) -> Iterator[None]:
    """Waits until no other process writes a snapshot, and removes the folders of killed ones."""
    with FileLock(root / ".lock"):
        for abandoned in root.glob(".building-*"):
            shutil.rmtree(abandoned)
        yield


def find_snapshot(root: Path, fingerprint: str) -> Path:
    """Returns the folder of the snapshot with this fingerprint, or with one that begins so.

    Raises:
        LikerankError: If there is none, or more than one.
    """
    found = sorted(path.parent for path in root.glob(f"{fingerprint}*/{MANIFEST_FILE}"))
    if len(found) != 1:
        there = ", ".join(sorted(path.parent.name for path in root.glob(f"*/{MANIFEST_FILE}"))) or "none"
        raise LikerankError(
            f"{'More than one' if found else 'No'} snapshot under {root} has the fingerprint {fingerprint} "
            f"(there: {there}); name one of these, or use snapshot.fingerprint=latest."
        )
    return found[0]


def _current(root: Path, recipe: Recipe, revision: str) -> Path | None:
    for manifest_file in root.glob(f"*/{MANIFEST_FILE}"):
        manifest = read_manifest(manifest_file.parent) or {}  # A damaged one is built anew.
        is_of_recipe = (
            manifest.get("recipe") == recipe.as_json()
            and manifest.get("pipeline") == PIPELINE_VERSION
            # An older likerank's table may lack a column that a target needs.
            and manifest.get("columns") == list(_COLUMNS)
        )
        if is_of_recipe and revision in manifest["store_revisions"]:
            os.utime(manifest_file)
            return manifest_file.parent
    return None


def _write(store: Store, recipe: Recipe, revision: str, aside: Path, root: Path, workers: int) -> Path:
    candidates = read_candidates(store, recipe, workers)
    selection, number = select_posts(candidates, recipe), len(candidates)
    del candidates  # Of a million posts it is some hundred MB.
    _refuse_empty_splits(
        selection, number, "posts of more authors" if recipe.split == UNSEEN_AUTHORS else "more posts"
    )
    row_of = {key: row for row, key in enumerate(selection.posts["key"])}
    shape = (len(row_of), recipe.size, recipe.size, 3)
    pixels = np.lib.format.open_memmap(aside / PIXELS_FILE, mode="w+", dtype=np.uint8, shape=shape)
    reserve(aside / PIXELS_FILE)

    def fill(key: str, jpeg: bytes) -> None:
        pixels[row_of[key]] = to_pixels(jpeg, recipe.size)

    each_image(fill, "Making pixels", store, list(row_of), workers)
    pixels.flush()
    selection.posts.to_parquet(aside / POSTS_FILE, index=False)
    # Read back, so that the hash is of the table that a reader sees.
    fingerprint = fingerprint_of(recipe.as_json(), pd.read_parquet(aside / POSTS_FILE), pixels)
    folder = root / fingerprint
    manifest = read_manifest(folder)
    if manifest is None and folder.exists():
        shutil.rmtree(folder.rename(root / f".building-{fingerprint}-damaged"))
    if manifest is not None:
        revisions = [*manifest.get("store_revisions", [])[-99:], revision]
        # The flag is no part of the fingerprint: the store's newest word counts.
        write_manifest(folder, manifest | {"store_revisions": revisions, "synthetic": selection.synthetic})
        return folder
    write_manifest(
        aside,
        {
            "fingerprint": fingerprint,
            "recipe": recipe.as_json(),
            "pipeline": PIPELINE_VERSION,
            "columns": list(_COLUMNS),
            "synthetic": selection.synthetic,
            "counts": counts_of(selection.posts),
            "excluded": selection.excluded,
            "copies": selection.copies,
            "store_revisions": [revision],
            "versions": {"likerank": __version__, "numpy": np.__version__, "pandas": pd.__version__},
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    aside.rename(folder)
    return folder


def _refuse_empty_splits(selection: Selection, candidates: int, lacking: str) -> None:
    posts = selection.posts
    parts = {
        "training split": posts["split"] == TRAIN,
        "early-stopping half of validation": posts["half"] == STOP,
        "model-selection half of validation": posts["half"] == SELECT,
        "test split": posts["split"] == TEST,
    }
    empty = [name for name, rows in parts.items() if not rows.any()]
    if empty:
        why = "; ".join(f"{number} left out: {reason}" for reason, number in selection.excluded.items())
        raise LikerankError(
            f"{len(posts)} usable posts of {candidates} are too few: the {' and the '.join(empty)} would be "
            f"empty{f' ({why})' if why else ''}; ingest {lacking}, or set another snapshot.seed."
        )


def _prune(root: Path, keep: int, spare: Collection[str]) -> None:
    by_age = sorted(root.glob(f"*/{MANIFEST_FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for manifest_file in by_age[max(keep, 1) :]:
        if manifest_file.parent.name not in spare:
            # Renamed first: after a kill in between, half of it must not pass for a snapshot.
            shutil.rmtree(manifest_file.parent.rename(root / f".building-{manifest_file.parent.name}"))
