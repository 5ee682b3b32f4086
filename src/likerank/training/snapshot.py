"""Builds the configured snapshot, or finds it: the store's posts as one frozen dataset."""

from pathlib import Path

from omegaconf import DictConfig

from likerank.app.paths import Folders, open_store, open_tracking
from likerank.dataset import Recipe, Snapshot, build_snapshot, find_snapshot
from likerank.tracking import find_champion

LATEST = "latest"
_MANY_COPIES = 0.1


def snapshot_folder(config: DictConfig) -> Path:
    """Returns the folder of the configured snapshot; builds `latest` where it is missing.

    Raises:
        LikerankError: If there is no such snapshot, or the store holds no usable posts.
    """
    choice = config.snapshot
    root = Folders.of(config).snapshots
    if str(choice.fingerprint) != LATEST:
        # Opened, so that an unusable snapshot is refused before a sweep's first trial.
        return Snapshot(find_snapshot(root, str(choice.fingerprint))).folder
    champion = find_champion(open_tracking(config))
    # The champion's snapshot is still needed: to score it on test, and to count the posts it has not seen.
    spare = [] if champion is None else [champion.params["snapshot.fingerprint"]]
    with open_store(config) as store:
        folder = build_snapshot(store, configured_recipe(config), root, keep=choice.keep, spare=spare)
    snapshot = Snapshot(folder)
    print(summary_of(snapshot))
    if warning := warning_of(snapshot):
        print(warning)
    return folder


def configured_recipe(config: DictConfig) -> Recipe:
    """Returns the recipe of the configured snapshot."""
    choice = config.snapshot
    return Recipe(
        size=choice.size,
        balance=choice.balance,
        min_posts_per_author=choice.min_posts_per_author,
        sources=tuple(choice.sources),
        near_copies=choice.near_copies,
        split=choice.split,
        seed=choice.seed,
    )


def summary_of(snapshot: Snapshot) -> str:
    """Returns a snapshot's counts in a line."""
    counts = snapshot.manifest["counts"]
    splits = ", ".join(f"{number:,} {split}" for split, number in counts["posts"].items())
    left_out = ", ".join(
        f"{number:,} {reason}" for reason, number in snapshot.manifest.get("excluded", {}).items()
    )
    return (
        f"Snapshot {snapshot.fingerprint}: {splits} posts of {len(counts['authors'])} authors"
        f"{f'; left out: {left_out}' if left_out else ''}"
    )


def warning_of(snapshot: Snapshot) -> str:
    """Returns a warning about near copies; empty where there are few, or one of each is kept."""
    copies = snapshot.manifest.get("copies")
    if copies is None or copies["share"] <= _MANY_COPIES or snapshot.recipe["near_copies"] == "first_only":
        return ""
    return (
        f"Warning: {copies['posts']:,} posts, {copies['share']:.0%} of all, lie in {copies['groups']:,} "
        "groups of near copies, which stay together, so the split may be far from 8:1:1 and a ranking counts "
        "a picture more than once; snapshot.near_copies=first_only keeps one of each."
    )
