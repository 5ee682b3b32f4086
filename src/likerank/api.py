"""likerank from Python: the functions of the commands, with the same overrides, and objects to go on with.

Each function composes its configuration anew, from conf/, the user's own conf/ folder, the environment and
its overrides; paths are relative to the working folder unless overridden (`paths.data=...`). Errors that a
command prints as a sentence are raised as a `LikerankError`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pandas as pd
from omegaconf import DictConfig

from likerank.app import paths
from likerank.app.compose import command_configuration
from likerank.app.paths import Folders
from likerank.app.run_command import quieten
from likerank.commands.ingest import ingest as ingest_command
from likerank.dataset import VALIDATION, Snapshot, find_snapshot
from likerank.errors import LikerankError
from likerank.evaluation import ScoreTable
from likerank.ranking.photo_files import find_photos
from likerank.ranking.score_files import rank_files
from likerank.store import Store
from likerank.store.ingest import IngestSummary
from likerank.tracking import Run, TrainedModel
from likerank.tracking.results import read_predictions
from likerank.training.evaluate import evaluate_run
from likerank.training.run import train_run
from likerank.training.snapshot import snapshot_folder

CHAMPION: Final = "models:/likerank@champion"


@dataclass(frozen=True)
class TrainingRun:
    """A finished training.

    Attributes:
        run: Its record in MLflow, with `params`, `metrics`, `tags` and `artifact(path)`.
        config: The configuration of the paths, the store and MLflow that it was opened with.
    """

    run: Run
    config: DictConfig

    @property
    def id(self) -> str:
        """Its id in MLflow."""
        return self.run.id

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric, such as `val/network/within/pairwise`."""
        return self.run.metrics

    def predictions(self, split: str = VALIDATION) -> pd.DataFrame:
        """Returns the scores of all predictors on the posts of a split.

        Args:
            split: `val`; `test` after `evaluate`; `folds` for a training with evaluation.folds.

        Returns:
            A row a post: `key`, `author`, `likes`, `half`, `target` and a column of scores (float64) for each
            predictor, such as `network` and `ridge`.

        Raises:
            LikerankError: If the run has no predictions for the split.
        """
        return read_predictions(self.run, split)

    def evaluate(self) -> ScoreTable:
        """Ranks the test split, keeps the result in the run and returns its table."""
        return evaluate_run(self.run, Folders.of(self.config), show=False)

    def open_model(self) -> TrainedModel:
        """Opens the trained model."""
        return paths.open_tracking(self.config).open_model(self.id)


def open_store(*overrides: str) -> AbstractContextManager[Store]:
    """Opens the store of posts and authors, to be used in a `with` statement.

    Args:
        overrides: Such as `store=mongodb` or `paths.data=/srv/data`.

    Raises:
        LikerankError: If the store cannot be reached.
    """
    return paths.open_store(_config("base", overrides))


def ingest(*overrides: str) -> IngestSummary:
    """Writes the posts and authors of a source into the store, as `likerank ingest` does.

    Args:
        overrides: Such as `source=table` and `source.manifest=photos.csv`.

    Returns:
        The counts of written and skipped records.

    Raises:
        LikerankError: If the source has no usable records, or some were skipped that the user can fix; all
            others are in the store then.
    """
    return ingest_command(_config("ingest", overrides))


def make_snapshot(*overrides: str) -> Snapshot:
    """Builds the frozen dataset that a training with these overrides would use, or opens it where it exists.

    Args:
        overrides: Such as `snapshot.size=50` or `snapshot=unseen_authors`.

    Raises:
        LikerankError: If the store has too few usable posts.
    """
    return Snapshot(snapshot_folder(_config("train", overrides)))


def open_snapshot(fingerprint: str, *overrides: str) -> Snapshot:
    """Opens a snapshot.

    Args:
        fingerprint: Its fingerprint, or the first digits of it.
        overrides: Such as `paths.data=/srv/data`.

    Raises:
        LikerankError: If there is none, or several begin so.
    """
    return Snapshot(find_snapshot(paths.Folders.of(_config("base", overrides)).snapshots, fingerprint))


def train(*overrides: str) -> TrainingRun:
    """Trains a network and ranks validation, as `likerank train` does, in this process.

    A finished training of the same configuration, snapshot and code is returned instead, unless
    `reuse=false`.

    Args:
        overrides: Such as `experiment=paper` or `trainer.max_epochs=3`.

    Raises:
        LikerankError: If the configuration is invalid or not supported.
    """
    config = _config("train", overrides)
    if str(config.trainer.devices) != "1":
        raise LikerankError(
            f"trainer.devices is {config.trainer.devices}; from Python a training has one process: set "
            "trainer.devices=1, or run `likerank train`."
        )
    return TrainingRun(train_run(config).run, config)


def open_run(run_id: str, *overrides: str) -> TrainingRun:
    """Opens a training that MLflow has.

    Raises:
        LikerankError: If MLflow has no run of this id.
    """
    config = _config("base", overrides)
    return TrainingRun(paths.open_tracking(config).run(run_id), config)


def open_model(model: str = CHAMPION, *overrides: str) -> TrainedModel:
    """Opens a trained model.

    Args:
        model: `models:/likerank@champion`, `models:/likerank/VERSION`, `runs:/RUN/model`, or a run's id.
        overrides: Such as `tracking.uri=http://mlflow.example:5000`.

    Raises:
        LikerankError: If there is no such model, or it is not likerank's.
    """
    return paths.open_tracking(_config("base", overrides)).open_model(model)


load_model = open_model


def rank_photos(
    photos: str | Path | Sequence[str | Path], model: str | TrainedModel = CHAMPION, *overrides: str
) -> pd.DataFrame:
    """Ranks photos by how much people are expected to like them; writes no files.

    Args:
        photos: A folder (with all below it), a file, a pattern such as `shots/*.jpg`, or a list of these.
        model: The model, or what `open_model` takes.
        overrides: Those of `likerank rank`, such as `tie=0.6`.

    Returns:
        A row a photo, the best first: `rank` (from 1), `photo`, `score` (on the target's scale), `percentile`
        (0 to 100, among training posts), `beats_next` (a probability, NaN for the last) and `ties_with_next`.

    Raises:
        LikerankError: If there are no photos, or one of them cannot be read.
    """
    config = _config("rank", ["photos=null", *overrides])
    places = [photos] if isinstance(photos, str | Path) else photos
    files = find_photos([str(place) for place in places])
    if not files:
        raise LikerankError(f"There are no photos in {', '.join(map(str, places))}; name other places.")
    if isinstance(model, str):
        model = paths.open_tracking(config).open_model(model)
    ranking, _ = rank_files(files, model, long_side=config.long_side, tie=config.tie)
    if reasons := list(ranking.unreadable.values()):
        raise LikerankError(
            f"{len(reasons)} photo{'s' * (len(reasons) > 1)} cannot be read: {'; '.join(reasons)}"
        )
    return pd.DataFrame(map(asdict, ranking.photos))


def _config(command: str, overrides: Sequence[str]) -> DictConfig:
    quieten()
    return command_configuration(command, overrides)
