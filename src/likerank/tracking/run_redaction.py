"""Deletion of an author's data from runs: their artifacts and models, and files under mlruns/."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from likerank.errors import LikerankError
from likerank.files import remove_lines, rewrite_whole
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
    REFRESH,
    SUMMARIES,
    SWEEP,
)
from likerank.tracking.store import Tracking, first_line

_LOGS = ("*.log", ".hydra/*.yaml", "multirun.yaml")


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


class AuthorRedaction:
    """Removes an author from single files.

    Methods with a `target` read a file, write it there without the author, and return the number of changes;
    without a change they write nothing.

    Args:
        author_key: The author, `source/author_id`.
        names: All present and former names of the author.
    """

    def __init__(self, author_key: str, names: Collection[str]) -> None:
        self._key = author_key
        words = "|".join(re.escape(word) for word in {author_key.partition("/")[2], *names} - {""})
        # A name may contain a dot, but the dot at the end of a sentence is not part of it.
        self._named = re.compile(rf"(?<!\w)(?<!\w\.)(?:{words})(?!\w|\.\w)".encode(), re.IGNORECASE)

    def predictions(self, file: Path, target: Path) -> int:
        """Removes the author's posts from a table of predictions."""
        try:
            table = pq.read_table(file)
        except (pa.ArrowException, OSError) as error:
            raise LikerankError(f"{file.name} is damaged.") from error
        theirs = pc.fill_null(pc.equal(table["author"], self._key), False)
        if number := pc.sum(theirs).as_py():
            pq.write_table(table.filter(pc.invert(theirs)), target)
        return int(number or 0)

    def checkpoint(self, file: Path, target: Path) -> int:
        """Removes the author from the target in a checkpoint."""
        try:
            checkpoint = torch.load(file, weights_only=True)
        except Exception as error:  # A damaged archive can cause nearly any error.
            raise LikerankError(f"{file.name} is damaged.") from error
        if number := self.values(checkpoint):
            torch.save(checkpoint, target)
        return number

    def values(self, node: Any) -> int:  # noqa: ANN401
        """Removes values under the author's key from nested dictionaries, in place; returns their number."""
        if isinstance(node, dict):
            found = int(node.pop(self._key, None) is not None)
            return found + sum(self.values(child) for child in node.values())
        return sum(self.values(child) for child in node) if isinstance(node, list) else 0

    def text(self, file: Path, target: Path) -> int:
        """Replaces the author's names in a text."""
        text, number = self._named.subn(b"(forgotten)", file.read_bytes())
        if number:
            target.write_bytes(text)
        return number

    def log_lines(self, folder: Path) -> int:
        """Removes lines with the author's names from logs and Hydra's records; returns their number."""
        files = (file for pattern in _LOGS for file in folder.rglob(pattern))
        return sum(remove_lines(file, lambda line: bool(self._named.search(line))) for file in files)

    def is_in_analysis(self, file: Path) -> bool:
        """Returns whether an analysis counted the author; true for an unreadable one."""
        try:
            return self._key in json.loads(file.read_text())["who"]["authors"]
        except (OSError, ValueError, KeyError, TypeError):
            return True

    def is_in_baseline(self, file: Path) -> bool:
        """Returns whether a fitted baseline knows the author; false for a missing one."""
        if not file.exists():
            return False
        with np.load(file) as fitted:
            return self._key in fitted["authors_"]


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
    for folder in (mlruns / "hydra", logs):
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
    """Rewrites the files of an artifact folder and removes another one before the first changed file."""
    changed = 0
    for entry in tracking.client.list_artifacts(run_id, folder):
        with _downloaded(tracking, run_id, entry.path) as file:
            if number := rewrite_whole(file, rewrite):
                if removed_first is not None:
                    _remove(tracking, run_id, removed_first)
                tracking.client.log_artifact(run_id, str(file), folder)
                changed += number
    return changed


def _remove(tracking: Tracking, run_id: str, folder: str) -> int:
    """Removes an artifact folder; returns its number of files."""
    files = tracking.client.list_artifacts(run_id, folder)
    if files:
        place = tracking.client.get_run(run_id).info.artifact_uri
        repository = get_artifact_repository(place, tracking_uri=tracking.uri)
        repository.delete_artifacts(folder)  # type: ignore[no-untyped-call]
    return len(files)


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
        uri = f"{tracking.client.get_logged_model(output.model_id).artifact_location}/{MLMODEL_FILE_NAME}"
        with TemporaryDirectory() as folder:
            file = mlflow.artifacts.download_artifacts(
                artifact_uri=uri, dst_path=folder, tracking_uri=tracking.uri
            )
            description = Model.load(file)
            if number := rewrite(description.metadata or {}):
                description.save(file)
                tracking.client.log_model_artifact(output.model_id, file)
                changed += number
    return changed
