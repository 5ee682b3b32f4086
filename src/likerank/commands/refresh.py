"""Stage refresh: what is new comes in, and trains when it is enough; safe to be started every night."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from omegaconf import DictConfig, OmegaConf

from likerank.app.compose import stage_configuration
from likerank.app.folders import Folders
from likerank.app.paths import configured_tracking, data_folder, mlruns_folder, snapshots_folder
from likerank.commands.collect import collect
from likerank.commands.ingest import ingest_configured
from likerank.commands.refresh_summary import (
    INCOMPLETE,
    INTERRUPTED,
    LAST,
    AnotherRefreshError,
    RefreshSummary,
)
from likerank.dataset import Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.run_names import CHECKPOINTS, FINGERPRINT, JUDGED, PARENT, REFRESH, SUMMARIES
from likerank.tracking import Run, Tracking, find_champion
from likerank.training.champion import challenge, refuse_incomparable
from likerank.training.distributed import received_handover
from likerank.training.results import metric_named
from likerank.training.run import fit_beside, train_run
from likerank.training.snapshot import snapshot_folder

"""The tag of a refresh's run: its data folder."""
"""The tag of a refresh that compared a training with the champion: the snapshot's fingerprint."""

_SHOWN_MESSAGES: Final = 20


def refresh(config: DictConfig) -> int:
    """Collects, ingests, makes the snapshot and, when enough is new, trains and challenges the champion.

    What goes wrong in one stage is recorded, and the next goes on with what there is. However it ends, a
    summary is written; see `RefreshSummary`.

    Args:
        config: Names the source, the stages' overrides and when to train.

    Returns:
        The exit status: 0, the collect's 3 or 4, or 1 where anything else went wrong.

    Raises:
        LikerankError: If another refresh is running, MLflow is not there, or a stage cannot be configured.
    """
    if (given := received_handover()) is not None:
        fit_beside(_training(config), given)
        return 0
    summary = RefreshSummary()
    folder = mlruns_folder(config) / SUMMARIES
    try:
        _refuse_impossible_choices(config)
        stages = _Stages(config)
        with _alone(data_folder(config) / "refresh.lock", summary.started):
            tracking = configured_tracking(config)
            with _tracked(summary, tracking, config) as run:
                stages.run(run, tracking, summary)
    except BaseException as error:
        summary.fail(error)
        raise
    finally:
        summary.finished = summary.finished or datetime.now(UTC)
        file = summary.write(folder)
    print(f"Refresh {summary.status}: {file} (also {LAST} beside it), run {summary.run}.")
    return summary.exit_status


class _Stages:
    """The stages, all configured before the first runs: a mistake shows before anything is collected."""

    def __init__(self, config: DictConfig) -> None:
        self._config = config
        self._folders = Folders.of(config)
        self._collect: DictConfig | None = None
        self._ingest = stage_configuration("ingest", ["source=archive", *config.ingest], config)
        if config.get("source") is None:
            self._collect = stage_configuration("collect", config.collect, config)
            self._ingest.source.folder = config.paths.archive
        else:
            self._ingest.source = config.source
        self._train = _training(config)

    def run(self, run: Run, tracking: Tracking, summary: RefreshSummary) -> None:
        """Runs them one after another."""
        if self._collect is not None:
            with summary.going_on():
                _collect(self._collect, summary)
        with summary.going_on():
            _ingest(self._ingest, summary)
        with summary.going_on():
            champion = find_champion(tracking)
            summary.champion = None if champion is None else champion.id
            folder = snapshot_folder(self._train)
            OmegaConf.update(self._train, "snapshot.fingerprint", folder.name)
            snapshot = Snapshot(folder)
            summary.snapshot = {"fingerprint": folder.name} | snapshot.manifest["counts"]["posts"]
            summary.new_posts = _new_posts(snapshot, champion, tracking, self._config)
            if champion is None or summary.new_posts >= self._config.retrain.min_new_posts:
                if champion is not None:
                    refuse_incomparable(champion, folder.name, self._folders)
                self._train_and_judge(run, tracking, summary)

    def _train_and_judge(self, run: Run, tracking: Tracking, summary: RefreshSummary) -> None:
        try:
            trained = train_run(self._train, tags={PARENT: run.id}).run
        finally:
            _remove_checkpoints(tracking, run.id, self._config)
        summary.trained = trained.id
        verdict = challenge(
            trained, tracking, self._folders, metric=str(self._config.metric), score_test=False
        )
        run.set_tags({JUDGED: trained.tags[FINGERPRINT]})
        summary.champion, summary.promoted = verdict.champion, verdict.promoted
        if verdict.gain is not None:
            gain = asdict(verdict.gain)
            summary.gain = {"metric": self._config.metric} | {k: gain[k] for k in ("estimate", "low", "high")}


def _refuse_impossible_choices(config: DictConfig) -> None:
    metric_named(str(config.metric))
    least = config.retrain.min_new_posts
    if not isinstance(least, int) or least < 1:
        raise LikerankError(f"retrain.min_new_posts is {least}; it must be a whole number of at least 1.")


def _training(config: DictConfig) -> DictConfig:
    training = stage_configuration("train", config.train, config)
    training.trainer.enable_progress_bar &= sys.stderr.isatty()  # A log would fill with its steps.
    return training


def _collect(config: DictConfig, summary: RefreshSummary) -> None:
    collected = collect(config)
    summary.collected = {
        "new": collected.new,
        "observed": collected.observed,
        "skipped": dict(collected.skipped),
        "failed": dict(collected.failed),
        "stopped": collected.stopped,
    }
    if collected.exit_status:
        summary.status, summary.exit_status = INCOMPLETE, collected.exit_status


def _ingest(config: DictConfig, summary: RefreshSummary) -> None:
    ingested = ingest_configured(config)
    counts = asdict(ingested.written)
    del counts["refused"]  # They are among the messages.
    summary.ingested = counts | {
        "skipped": dict(ingested.skipped),
        "to_mend": len(ingested.messages),
        "messages": ingested.messages[:_SHOWN_MESSAGES],
    }


def _new_posts(snapshot: Snapshot, champion: Run | None, tracking: Tracking, config: DictConfig) -> int:
    """Returns how many posts of a snapshot the last judged training has not seen.

    That is the champion's, or a later one that did not beat it: else one that just failed to would be tried
    again every night, until chance lets it pass.
    """
    posts = snapshot.keys()
    if champion is None:
        return len(posts)
    seen, number = champion.tags[FINGERPRINT], sum(champion.snapshot_counts().values())
    judged = next(iter(tracking.runs({JUDGED: None, REFRESH: str(data_folder(config))})), None)
    if judged is not None and judged.started > champion.started:
        seen = judged.tags[JUDGED]
        number = sum(
            int(judged.metrics[f"snapshot/{split}"]) for split in snapshot.manifest["counts"]["posts"]
        )
    try:
        before = Snapshot(find_snapshot(snapshots_folder(config), seen)).keys()
    except LikerankError:  # It is not kept any more.
        return max(0, len(posts) - number)
    return int((~posts.isin(before)).sum())


@contextmanager
def _alone(lock_file: Path, started: datetime) -> Iterator[None]:
    """Holds the lock of all refreshes of a data folder; the kernel takes it back from one that is killed."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = lock_file.read_text().strip() or "it has just begun"
        raise AnotherRefreshError(
            f"Another refresh of {lock_file.parent} is running ({holder}); let it end, or end it."
        ) from None
    try:
        lock_file.write_text(f"pid {os.getpid()}, since {started:%Y-%m-%d %H:%M:%S} UTC\n")
        yield
    finally:
        lock.release()


@contextmanager
def _tracked(summary: RefreshSummary, tracking: Tracking, config: DictConfig) -> Iterator[Run]:
    """Yields the refresh's run, which keeps the summary however it ends."""
    _end_those_cut_short(tracking, config)
    run = tracking.start_run({REFRESH: str(data_folder(config))}, f"refresh {summary.started:%Y-%m-%d %H:%M}")
    summary.run = run.id
    try:
        yield run
    except BaseException as error:
        summary.fail(error)
        raise
    finally:
        summary.finished = datetime.now(UTC)
        run.log_metrics(summary.metrics())
        run.log_text(summary.to_text(), f"{SUMMARIES}/refresh.json")
        status = "KILLED" if summary.status == INTERRUPTED else "FAILED" if summary.errors else "FINISHED"
        run.finish(status, " ".join(summary.errors))


def _end_those_cut_short(tracking: Tracking, config: DictConfig) -> None:
    """Ends the runs of refreshes that were killed, and of their trainings; none of them can be alive."""
    for record in tracking.runs({REFRESH: str(data_folder(config))}):
        if record.status == "RUNNING":
            _remove_checkpoints(tracking, record.id, config)
            for child in tracking.runs({PARENT: record.id}):
                if child.status == "RUNNING":
                    child.finish("KILLED", "its refresh was cut short")
            record.finish("KILLED", "cut short")


def _remove_checkpoints(tracking: Tracking, refresh_id: str, config: DictConfig) -> None:
    """Removes what a training that failed would be resumed from: every night another would stay."""
    for child in tracking.runs({PARENT: refresh_id}):
        shutil.rmtree(Folders.of(config).mlruns / CHECKPOINTS / child.id, ignore_errors=True)
