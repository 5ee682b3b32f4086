"""Deletion of an author's data from runs: their artifacts and models, and files under mlruns/."""

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from likerank.errors import LikerankError
from likerank.files import rewrite_whole
from likerank.progress import track
from likerank.run_names import (
    ANALYSED,
    ANALYSES,
    ANALYSIS_NUMBERS,
    CHECKPOINTS,
    FIGURES,
    FINGERPRINT,
    FOLD,
    PREDICTIONS,
    REASON,
    REFRESH,
    SUMMARIES,
    SWEEP,
)
from likerank.tracking.author_redaction import AuthorRedaction
from likerank.tracking.run import Run
from likerank.tracking.store import Tracking, first_line

_CUT_SHORT = ("FAILED", "KILLED")


@dataclass(slots=True)
class RunRemoval:
    """The result of a deletion from runs.

    Attributes:
        counts: Number of removed items: `predictions` of the author's posts; `means` of the author's likes in
            checkpoints and models; folders of fitted `baselines`; `log_lines` with the author's name;
            `figures` of runs on the author's posts, since some show posts; files of `analyses` that counted
            the author.
        trained: Runs that were trained on the author's posts, by id, with their status.
        unreadable: A sentence for each artifact that could not be read or written.
    """

    counts: Counter[str] = field(default_factory=Counter)
    trained: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def redact_runs(
    tracking: Tracking,
    mlruns: Path,
    author_key: str,
    names: Collection[str],
    fingerprints: Collection[str],
    logs: Path,
) -> RunRemoval:
    """Removes an author from all runs, deleted ones too, and from the files under mlruns/.

    Args:
        tracking: The runs.
        mlruns: The folder of the runs' files.
        author_key: The author, `source/author_id`.
        names: All present and former names of the author.
        fingerprints: Snapshots that had posts of the author.
        logs: A further folder with logs.
    """
    author, removed, changed = AuthorRedaction(author_key, names), RunRemoval(), set[str]()

    def count(kind: str, run_id: str, remove: Callable[..., int], *arguments: object) -> None:
        try:
            number = remove(*arguments)
        except LikerankError as error:
            removed.unreadable.append(f"Of run {run_id}: {error}")
        except (MlflowException, OSError) as error:
            removed.unreadable.append(
                f"Of run {run_id}: {kind} cannot be read or written ({first_line(error)})."
            )
        else:
            removed.counts[kind] += number
            if number:
                changed.add(run_id)

    records = [record for tag in (FINGERPRINT, FOLD) for record in tracking.runs_anywhere(tag)]
    for record in track(records, "Runs", len(records)):
        if record.tags.get(FINGERPRINT) in fingerprints:
            count("figures", record.id, _remove, tracking, record.id, FIGURES)
        # Of a missing snapshot only the predictions tell whether the figures may show the author's posts.
        count(
            "predictions", record.id, _rewrite, tracking, record.id, PREDICTIONS, author.predictions, FIGURES
        )
        count("means", record.id, _rewrite, tracking, record.id, CHECKPOINTS, author.checkpoint)
        count("means", record.id, _rewrite_models, tracking, record.id, author.values)
    for record in tracking.runs_anywhere(REFRESH):
        count("log_lines", record.id, _rewrite, tracking, record.id, SUMMARIES, author.text)
    for record in tracking.runs_anywhere(ANALYSED):
        count("analyses", record.id, _remove_analysis, tracking, record.id, author)
    for file in (mlruns / CHECKPOINTS).glob("*/*.ckpt"):  # Of trainings that run or were interrupted.
        count("means", file.parent.name, rewrite_whole, file, author.checkpoint)
    for file in (mlruns / SUMMARIES).glob("*.json"):
        removed.counts["log_lines"] += rewrite_whole(file, author.text)
    for record in tracking.runs_anywhere(REASON):
        count("log_lines", record.id, _redact_tags, tracking, record, author)
    for folder in (mlruns, logs):  # Also the log of every night, which lies in mlruns itself.
        removed.counts["log_lines"] += author.log_lines(folder)
    for analysis in (mlruns / ANALYSES).glob("*/"):
        if author.is_in_analysis(analysis / ANALYSIS_NUMBERS):
            removed.counts["analyses"] += sum(1 for _ in analysis.iterdir())
            shutil.rmtree(analysis)
    for fitted in (mlruns / "baselines").glob("*/"):
        if fitted.name.split("-")[0] in fingerprints or author.is_in_baseline(fitted / "author_mean.npz"):
            shutil.rmtree(fitted)
            removed.counts["baselines"] += 1
    removed.trained = {
        record.id: record.status
        for record in records
        if SWEEP not in record.tags and (record.tags.get(FINGERPRINT) in fingerprints or record.id in changed)
    }
    return removed


@contextmanager
def _downloaded(tracking: Tracking, run_id: str, path: str) -> Iterator[Path]:
    """Yields a copy of an artifact and deletes it, unlike MLflow's default folder for downloads."""
    with TemporaryDirectory() as folder:
        yield Path(tracking.client.download_artifacts(run_id, path, folder))


def _rewrite(
    tracking: Tracking,
    run_id: str,
    folder: str,
    rewrite: Callable[[Path, Path], int],
    removed_first: str | None = None,
) -> int:
    """Rewrites the files of an artifact folder and removes another one before the first changed file.

    A file that a failed or killed run left unreadable, on a full disk for example, is removed: it has no use.
    """
    changed = 0
    for entry in tracking.client.list_artifacts(run_id, folder):
        with _downloaded(tracking, run_id, entry.path) as file:
            try:
                number = rewrite_whole(file, rewrite)
            except LikerankError:
                if tracking.client.get_run(run_id).info.status not in _CUT_SHORT:
                    raise
                _delete(tracking, run_id, entry.path)
                number = 0
                changed += 1
            if number:
                if removed_first is not None:
                    _remove(tracking, run_id, removed_first)
                tracking.client.log_artifact(run_id, str(file), folder)
                changed += number
    return changed


def _remove(tracking: Tracking, run_id: str, folder: str) -> int:
    """Removes an artifact folder; returns its number of files."""
    files = tracking.client.list_artifacts(run_id, folder)
    if files:
        _delete(tracking, run_id, folder)
    return len(files)


def _delete(tracking: Tracking, run_id: str, path: str) -> None:
    """Deletes an artifact, or a folder of them; MLflow's client cannot."""
    place = tracking.client.get_run(run_id).info.artifact_uri
    repository = get_artifact_repository(place, tracking_uri=tracking.uri)
    repository.delete_artifacts(path)  # type: ignore[no-untyped-call]


def _redact_tags(tracking: Tracking, record: Run, author: AuthorRedaction) -> int:
    """Removes the author's names from a run's tags, such as the reason of a failure; returns their number."""
    found = {key: author.replaced(value) for key, value in record.tags.items()}
    changed = {key: text for key, (text, number) in found.items() if number}
    if changed and (deleted := tracking.find_existing(record.id) is None):
        tracking.client.restore_run(record.id)  # MLflow changes no tag of a deleted run.
    if changed:
        record.set_tags(changed)
    if changed and deleted:
        tracking.client.delete_run(record.id)
    return sum(number for _, number in found.values())


def _remove_analysis(tracking: Tracking, run_id: str, author: AuthorRedaction) -> int:
    numbers = f"{ANALYSES}/{ANALYSIS_NUMBERS}"
    if any(entry.path == numbers for entry in tracking.client.list_artifacts(run_id, ANALYSES)):
        with _downloaded(tracking, run_id, numbers) as file:
            if not author.is_in_analysis(file):
                return 0
    return _remove(tracking, run_id, ANALYSES)


def _rewrite_models(tracking: Tracking, run_id: str, rewrite: Callable[[dict[str, Any]], int]) -> int:
    """Rewrites the metadata of a run's models; returns the number of changes."""
    changed = 0
    outputs = tracking.client.get_run(run_id).outputs
    for output in outputs.model_outputs if outputs is not None else []:
        logged = {entry.path for entry in tracking.client.list_logged_model_artifacts(output.model_id)}
        if MLMODEL_FILE_NAME not in logged:  # The training was killed while it logged the model.
            continue
        uri = f"{tracking.client.get_logged_model(output.model_id).artifact_location}/{MLMODEL_FILE_NAME}"
        with TemporaryDirectory() as folder:
            file = mlflow.artifacts.download_artifacts(
                artifact_uri=uri, dst_path=folder, tracking_uri=tracking.uri
            )
            try:
                description = Model.load(file)
            except Exception as error:  # A damaged file can cause nearly any error.
                raise LikerankError(f"{MLMODEL_FILE_NAME} of its model is damaged.") from error
            if number := rewrite(description.metadata or {}):
                description.save(file)
                tracking.client.log_model_artifact(output.model_id, file)
                changed += number
    return changed
