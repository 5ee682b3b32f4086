"""Trains again when enough posts are new, and compares the result with the champion."""

import shutil
from dataclasses import asdict

from omegaconf import DictConfig, OmegaConf

from likerank.app.instantiate import make_group
from likerank.app.paths import Folders
from likerank.app.refresh_summary import RefreshSummary
from likerank.dataset import Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.evaluation import Metric
from likerank.run_names import CHECKPOINTS, FINGERPRINT, JUDGED, PARENT, REFRESH
from likerank.tracking import Run, Tracking, find_champion
from likerank.training.champion import challenge, refuse_incomparable
from likerank.training.run import train_run
from likerank.training.snapshot import snapshot_folder


def retrain(
    config: DictConfig,
    run: Run,
    tracking: Tracking,
    summary: RefreshSummary,
    *,
    metric: str,
    min_new_posts: int,
) -> None:
    """Builds the snapshot, and trains and challenges the champion where enough posts are new.

    Args:
        config: The configuration of the command `train`.
        run: The refresh's run, which the training is put below.
        tracking: MLflow.
        summary: Takes the outcome, step by step.
        metric: The metric that the training is compared with the champion by.
        min_new_posts: The posts that the last judged training must not have seen.
    """
    folders = Folders.of(config)
    champion = find_champion(tracking)
    summary.champion = None if champion is None else champion.id
    folder = snapshot_folder(config)
    OmegaConf.update(config, "snapshot.fingerprint", folder.name)
    snapshot = Snapshot(folder)
    summary.snapshot = {"fingerprint": folder.name} | snapshot.manifest["counts"]["posts"]
    judged = next(iter(tracking.runs({JUDGED: None, REFRESH: str(folders.data)})), None)
    summary.new_posts = _new_posts(snapshot, champion, judged, folders)
    if (champion is not None or judged is not None) and summary.new_posts < min_new_posts:
        return
    if champion is not None:
        refuse_incomparable(champion, folder.name, folders)
    try:
        trained = train_run(config, tags={PARENT: run.id}).run
    finally:
        remove_checkpoints(tracking, run, folders)
    summary.trained = trained.id
    verdict = challenge(
        trained,
        tracking,
        folders,
        metric=metric,
        metrics=make_group(config, "metrics", Metric),
        score_test=False,
    )
    run.set_tags({JUDGED: trained.tags[FINGERPRINT]})
    summary.champion, summary.promoted = verdict.champion, verdict.promoted
    if verdict.gain is not None:
        gain = asdict(verdict.gain)
        summary.gain = {"metric": metric} | {key: gain[key] for key in ("estimate", "low", "high")}


def remove_checkpoints(tracking: Tracking, refresh: Run, folders: Folders) -> None:
    """Removes the checkpoints of a refresh's failed training: every night another would stay."""
    for child in tracking.runs({PARENT: refresh.id}):
        shutil.rmtree(folders.mlruns / CHECKPOINTS / child.id, ignore_errors=True)


def _new_posts(snapshot: Snapshot, champion: Run | None, judged: Run | None, folders: Folders) -> int:
    """Returns how many posts of a snapshot the last judged training has not seen.

    That is the champion's training, or a later one that did not beat it: otherwise that one would be repeated
    every night, until chance lets it pass. `judged` is the last refresh whose training was compared.
    """
    posts = snapshot.keys()
    if champion is not None:
        seen, number = champion.tags[FINGERPRINT], sum(champion.snapshot_counts().values())
    elif judged is None:
        return len(posts)
    if judged is not None and (champion is None or judged.started > champion.started):
        seen, metrics = judged.tags[JUDGED], judged.metrics
        number = sum(int(metrics[f"snapshot/{split}"]) for split in snapshot.manifest["counts"]["posts"])
    try:
        before = Snapshot(find_snapshot(folders.snapshots, seen)).keys()
    except LikerankError:  # It is not kept any more.
        return max(0, len(posts) - number)
    return int((~posts.isin(before)).sum())
