"""Opens MLflow: SQLite under mlruns/ by default, a server by its URI."""

import logging
import os
import warnings
from pathlib import Path

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from likerank.errors import LikerankError
from likerank.tracking.model import TrainedModel
from likerank.tracking.run import Run, RunRecord

SQLITE = "sqlite"
_RUNS_AT_ONCE = 1000


class Tracking:
    """The place that runs are kept in, opened, with its experiment made.

    Args:
        uri: `sqlite` for a database of `folder`'s own, or the URI of an MLflow server or database.
        experiment: Name of the experiment that runs belong to; made where it is missing.
        folder: Where SQLite's database and artifacts lie (mlruns).

    Raises:
        LikerankError: If the server cannot be reached.
    """

    def __init__(self, uri: str, experiment: str, folder: Path) -> None:
        _quieten()
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        local = uri == SQLITE
        self.uri = f"sqlite:///{folder / 'mlflow.db'}" if local else uri
        mlflow.set_tracking_uri(self.uri)
        # Processes that all start on a database that does not exist yet would break it for good.
        with FileLock(folder / ".mlflow.lock"):
            try:
                self.client = MlflowClient(self.uri)
                known = self.client.get_experiment_by_name(experiment)
                self._experiment_id = (
                    known.experiment_id
                    if known is not None
                    else self.client.create_experiment(
                        experiment, artifact_location=(folder / "artifacts").as_uri() if local else None
                    )
                )
            except MlflowException as error:
                raise LikerankError(
                    f"MLflow at {self.uri} does not answer ({_first_line(error)}); "
                    "check tracking.uri, or use tracking=sqlite."
                ) from error
        if known is not None and known.lifecycle_stage != "active":
            raise LikerankError(
                f"The MLflow experiment {experiment} was deleted; restore it, or name another by "
                "tracking.experiment."
            )

    def start_run(self, tags: dict[str, str], name: str | None = None) -> Run:
        """Starts a run with these tags and a name to show; MLflow makes one up unless given."""
        started = self.client.create_run(self._experiment_id, tags=tags, run_name=name)
        return Run(self.client, self.uri, started.info.run_id)

    def run(self, run_id: str) -> Run:
        """Returns a run that is there already.

        Raises:
            LikerankError: If there is none with this id.
        """
        try:
            self.client.get_run(run_id)
        except MlflowException as error:
            raise LikerankError(
                f"MLflow at {self.uri} has no run {run_id}; copy the id from the end of a training's output "
                "or from `mlflow ui`."
            ) from error
        return Run(self.client, self.uri, run_id)

    def find_run(self, tags: dict[str, str]) -> Run | None:
        """Returns the newest run of the experiment with all of these tags, or None."""
        return self._newest(_having(tags))

    def open_model(self, model: str) -> TrainedModel:
        """Opens a trained model.

        Args:
            model: `models:/likerank@champion`, `models:/likerank/VERSION`, `runs:/RUN/model`, or a run's id.

        Raises:
            LikerankError: If there is no such model, or it is not likerank's.
        """
        return TrainedModel.open(model if ":" in model else f"runs:/{self.run(model).id}/model", self.uri)

    def find_finished_run(self, tags: dict[str, str]) -> Run | None:
        """Returns the newest finished run of the experiment with all of these tags, or None."""
        return self._newest(f"attributes.status = 'FINISHED' and {_having(tags)}")

    def search(self, tags: dict[str, str]) -> list[RunRecord]:
        """Returns all runs of the experiment with all of these tags, newest first."""
        found: list[RunRecord] = []
        token: str | None = None
        while True:
            page = self.client.search_runs(
                [self._experiment_id], _having(tags), max_results=_RUNS_AT_ONCE, page_token=token
            )
            for run in page:
                info, data = run.info, run.data
                found.append(
                    RunRecord(
                        info.run_id,
                        info.run_name or "",
                        info.status,
                        info.start_time,
                        data.tags,
                        data.params,
                        data.metrics,
                    )
                )
            token = page.token
            if not token:
                return found

    def _newest(self, condition: str) -> Run | None:
        found = self.client.search_runs([self._experiment_id], condition, max_results=1)
        return Run(self.client, self.uri, found[0].info.run_id) if found else None


def _having(tags: dict[str, str]) -> str:
    return " and ".join(f"tags.`{key}` = '{_quoted(value)}'" for key, value in tags.items())


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]


def _quieten() -> None:
    """Keeps the libraries' own progress reports off the screen; their warnings stay."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")
