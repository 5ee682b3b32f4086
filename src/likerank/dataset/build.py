"""From the store to a snapshot: choose posts, place them, make their pixels, write aside, rename."""

import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from filelock import FileLock
from numpy.typing import NDArray

from likerank import __version__
from likerank.dataset.followers import followers_when_posted
from likerank.dataset.recipe import Recipe
from likerank.dataset.snapshot import (
    MANIFEST_FILE,
    PIXELS_FILE,
    POSTS_FILE,
    counts_of,
    fingerprint_of,
    write_manifest,
)
from likerank.dataset.splits import (
    SELECT,
    STOP,
    TEST,
    TRAIN,
    balance_limit,
    group_hashes,
    kept_by_balance,
    split_of,
)
from likerank.errors import LikerankError
from likerank.images import PIPELINE_VERSION, to_pixels
from likerank.progress import progress_bar, track
from likerank.store import Store

_COLUMNS: Final = (
    "key",
    "source",
    "author",
    "username",
    "likes",
    "comments",
    "followers",
    "followers_then",
    "posted_at",
    "digest",
    "split",
    "half",
    "appeal",
    "audience",
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The posts that enter a dataset, in its order, and how many did not, by reason."""

    posts: pd.DataFrame
    excluded: dict[str, int]


def select_posts(candidates: pd.DataFrame, recipe: Recipe) -> Selection:
    """Chooses, balances, splits and shuffles the posts of a store.

    Args:
        candidates: One row a post, in any order: the columns of a snapshot's post table but for `split`
            and `half`, and `has_image`.
        recipe: What to make.

    Returns:
        The post table of the snapshot, and the excluded posts by reason.
    """
    excluded: dict[str, int] = {}

    def keep(posts: pd.DataFrame, kept: NDArray[np.bool_], reason: str) -> pd.DataFrame:
        if left_out := int((~kept).sum()):
            excluded[reason] = left_out
        return posts[kept]

    posts = keep(candidates, candidates["has_image"].to_numpy(dtype=bool), "no picture")
    posts = keep(posts, posts["likes"].notna().to_numpy(), "no like count")
    posts = posts.sort_values("key", kind="stable", ignore_index=True)
    per_author = posts["author"].value_counts()
    frequent = posts["author"].map(per_author).to_numpy() >= recipe.min_posts_per_author
    posts = keep(posts, frequent, "author below min_posts_per_author")
    limit = balance_limit(posts["author"].value_counts(), recipe.balance)
    chances = group_hashes(recipe.seed, "balance", posts["digest"].tolist())
    posts = keep(
        posts, kept_by_balance(posts["author"], chances, limit), "beyond the author's balanced share"
    )

    places = group_hashes(recipe.seed, "split", posts["digest"].tolist())
    split, half = split_of(places)
    placed = posts.assign(split=split, half=half, likes=posts["likes"].astype("int64"))
    placed = placed.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)
    return Selection(placed[list(_COLUMNS)], excluded)


def build_snapshot(
    store: Store,
    recipe: Recipe,
    root: Path,
    *,
    keep: int,
    spare: Collection[str] = (),
    workers: int | None = None,
) -> Path:
    """Returns the folder of the store's snapshot under a recipe; makes it unless it is there already.

    Two processes that ask at once get one snapshot, and one that is killed leaves nothing but a folder
    that the next build removes.

    Args:
        store: Where the posts are.
        recipe: What to make of them.
        root: The folder of all snapshots.
        keep: How many snapshots to keep; those beyond that were used longest ago are removed.
        spare: Fingerprints of snapshots that are kept whatever their age.
        workers: Threads that make pixels; one a core unless given.

    Returns:
        The snapshot's folder, named by its fingerprint.

    Raises:
        LikerankError: If the store holds no usable post or a split would be empty.
    """
    root.mkdir(parents=True, exist_ok=True)
    with only_one_writer(root):
        revision = store.revision()
        current = _current(root, recipe, revision)
        if current is not None:
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
    """Waits until no other process writes a snapshot, and removes what one that was killed left."""
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
            f"{'No' if not found else 'More than one'} snapshot is called {fingerprint} under {root} "
            f"(there: {there}); name one of these, or train on snapshot.fingerprint=latest."
        )
    return found[0]


def _current(root: Path, recipe: Recipe, revision: str) -> Path | None:
    for manifest_file in root.glob(f"*/{MANIFEST_FILE}"):
        manifest = json.loads(manifest_file.read_text())
        made_alike = (
            manifest["recipe"] == recipe.as_json()
            and manifest["pipeline"] == PIPELINE_VERSION
            # An older likerank's table may lack a column that a target needs.
            and manifest.get("columns") == list(_COLUMNS)
        )
        if made_alike and revision in manifest["store_revisions"]:
            os.utime(manifest_file)
            return manifest_file.parent
    return None


def _write(store: Store, recipe: Recipe, revision: str, aside: Path, root: Path, workers: int) -> Path:
    candidates = read_candidates(store, recipe)
    selection = select_posts(candidates, recipe)
    _refuse_empty_splits(selection, len(candidates))
    pixels = np.lib.format.open_memmap(
        aside / PIXELS_FILE,
        mode="w+",
        dtype=np.uint8,
        shape=(len(selection.posts), recipe.size, recipe.size, 3),
    )
    _fill(pixels, store, selection.posts["key"].tolist(), recipe.size, workers)
    pixels.flush()
    selection.posts.to_parquet(aside / POSTS_FILE, index=False)
    # Read back, so that the hash is of what a reader will see.
    fingerprint = fingerprint_of(recipe, pd.read_parquet(aside / POSTS_FILE), pixels)
    folder = root / fingerprint
    if folder.exists():
        _remember_revision(folder, revision)
        return folder
    write_manifest(
        aside,
        {
            "fingerprint": fingerprint,
            "recipe": recipe.as_json(),
            "pipeline": PIPELINE_VERSION,
            "columns": list(_COLUMNS),
            "made": any(source.startswith("demo") for source in selection.posts["source"].unique()),
            "counts": counts_of(selection.posts),
            "excluded": selection.excluded,
            "store_revisions": [revision],
            "versions": {"likerank": __version__, "numpy": np.__version__, "pandas": pd.__version__},
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    aside.rename(folder)
    return folder


def read_candidates(store: Store, recipe: Recipe) -> pd.DataFrame:
    """Returns the posts that `select_posts` chooses among, in any order.

    Raises:
        LikerankError: If the store holds no post of the recipe's sources.
    """
    total = store.count_posts(recipe.sources or None)
    if total == 0:
        which = f" of {', '.join(recipe.sources)}" if recipe.sources else ""
        raise LikerankError(
            f"The store {store.database_name} holds no posts{which}; run scripts/ingest.py source=... first."
        )
    batches = list(track(store.scan_posts(recipe.sources or None), "Reading posts in parts"))
    candidates: pd.DataFrame = pa.Table.from_batches(batches).to_pandas()
    observations = store.scan_followers(sorted(candidates["author"].unique()))
    return candidates.assign(followers_then=followers_when_posted(candidates, observations))


def _refuse_empty_splits(selection: Selection, candidates: int) -> None:
    posts = selection.posts
    parts = {
        "training split": posts["split"] == TRAIN,
        "stop half of validation": posts["half"] == STOP,
        "select half of validation": posts["half"] == SELECT,
        "test split": posts["split"] == TEST,
    }
    empty = [name for name, rows in parts.items() if not rows.any()]
    if empty:
        why = "; ".join(f"{number} left out: {reason}" for reason, number in selection.excluded.items())
        raise LikerankError(
            f"{len(posts)} usable posts of {candidates} are too few: the {' and the '.join(empty)} would be "
            f"empty{f' ({why})' if why else ''}; ingest more posts."
        )


def _fill(pixels: NDArray[np.uint8], store: Store, keys: list[str], size: int, workers: int) -> None:
    """Writes each post's pixels into its row; holds a few batches in memory, whatever the number of posts."""
    row_of = {key: row for row, key in enumerate(keys)}

    def make(batch: list[tuple[str, bytes]]) -> int:
        for key, master in batch:
            pixels[row_of[key]] = to_pixels(master, size)
        return len(batch)

    # Threads, not processes: the codec gives up the interpreter's lock, and the rows need no copying back.
    with ThreadPoolExecutor(workers) as pool:
        futures = (pool.submit(make, batch) for batch in store.scan_masters(keys))
        filled = 0
        with progress_bar() as bar:
            task = bar.add_task("Making pixels", total=len(keys))
            for future in _lookahead(futures, 2 * workers):
                filled += future.result()
                bar.update(task, completed=filled)
    if filled != len(keys):
        raise LikerankError(
            f"{len(keys) - filled} posts left the store while the snapshot was made; run the command again."
        )


def _lookahead(futures: Iterable[Future[int]], ahead: int) -> Iterator[Future[int]]:
    """Yields the futures in order, each when `ahead` others have been submitted after it."""
    waiting: deque[Future[int]] = deque()
    for future in futures:
        waiting.append(future)
        if len(waiting) > ahead:
            yield waiting.popleft()
    yield from waiting


def _remember_revision(folder: Path, revision: str) -> None:
    manifest: dict[str, Any] = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["store_revisions"] = [*manifest["store_revisions"][-99:], revision]
    write_manifest(folder, manifest)


def _prune(root: Path, keep: int, spare: Collection[str]) -> None:
    by_age = sorted(root.glob(f"*/{MANIFEST_FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for manifest_file in by_age[max(keep, 1) :]:
        if manifest_file.parent.name not in spare:
            # Renamed first: killed in between, half of it must not pass for a snapshot.
            shutil.rmtree(manifest_file.parent.rename(root / f".building-{manifest_file.parent.name}"))
