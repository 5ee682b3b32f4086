"""Changing what runs and models keep, after the fact."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from likerank.errors import LikerankError
from likerank.tracking.run import Run
from likerank.tracking.store import Tracking, first_line

Rewrite = Callable[[Path, Path], int]
"""Reads the first file, writes what it is to be into the second, and returns how much it changed.

Where that is 0 nothing is written.
"""


def rewrite_artifacts(tracking: Tracking, run: Run, folder: str, rewrite: Rewrite) -> int:
    """Rewrites each file in one of a run's artifact folders.

    Returns:
        How much was changed, over all files.

    Raises:
        LikerankError: If a file cannot be read or written.
    """
    changed = 0
    with _speaking_of(folder):
        for entry in tracking.client.list_artifacts(run.id, folder):
            # No copy may stay where downloads go by default.
            with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as aside:
                there = Path(tracking.client.download_artifacts(run.id, entry.path, kept))
                file = Path(aside) / PurePosixPath(entry.path).name
                if count := rewrite(there, file):
                    run.log_file(file, folder)
                    changed += count
    return changed


def remove_artifacts(
    tracking: Tracking, run: Run, folder: str, where: tuple[str, Callable[[Path], bool]] | None = None
) -> int:
    """Removes one of a run's artifact folders; returns how many files it had.

    Args:
        tracking: Where the run is.
        run: The run.
        folder: The folder's name.
        where: A file in it and what must be true of that file; always unless given.

    Raises:
        LikerankError: If it cannot be removed.
    """
    with _speaking_of(folder):
        files = {PurePosixPath(entry.path).name for entry in tracking.client.list_artifacts(run.id, folder)}
        if where is not None and where[0] in files:
            with tempfile.TemporaryDirectory() as kept:
                if not where[1](
                    Path(tracking.client.download_artifacts(run.id, f"{folder}/{where[0]}", kept))
                ):
                    return 0
        if files:
            place = tracking.client.get_run(run.id).info.artifact_uri
            repository = get_artifact_repository(place, tracking_uri=tracking.uri)
            repository.delete_artifacts(folder)  # type: ignore[no-untyped-call]
    return len(files)


def rewrite_models(tracking: Tracking, run: Run, rewrite: Callable[[dict[str, Any]], int]) -> int:
    """Rewrites the metadata of a run's models.

    Args:
        tracking: Where the run is.
        run: The run.
        rewrite: Changes the metadata in place, and returns how much.

    Returns:
        How much was changed, over all models.

    Raises:
        LikerankError: If a model's description cannot be read or written.
    """
    changed = 0
    client = tracking.client
    with (
        _speaking_of("model"),
        tempfile.TemporaryDirectory() as kept,
        tempfile.TemporaryDirectory() as aside,
    ):
        outputs = client.get_run(run.id).outputs
        for output in outputs.model_outputs if outputs is not None else []:
            place = client.get_logged_model(output.model_id).artifact_location
            description = Model.load(
                mlflow.artifacts.download_artifacts(
                    artifact_uri=f"{place}/{MLMODEL_FILE_NAME}", dst_path=kept, tracking_uri=tracking.uri
                )
            )
            if count := rewrite(description.metadata or {}):
                file = Path(aside) / MLMODEL_FILE_NAME
                description.save(str(file))
                client.log_model_artifact(output.model_id, str(file))
                changed += count
    return changed


@contextmanager
def _speaking_of(what: str) -> Iterator[None]:
    try:
        yield
    except (MlflowException, OSError) as error:
        raise LikerankError(f"The {what} cannot be read or written ({first_line(error)}).") from error
