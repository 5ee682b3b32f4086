"""Opens what every command needs by its configuration: folders, the store, MLflow, the opt-out list."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from likerank.errors import LikerankError
from likerank.files import make_private
from likerank.secret_text import has_password

if TYPE_CHECKING:
    from likerank.sources import OptOutList
    from likerank.store import Store
    from likerank.tracking import Tracking

_MLFLOW_URI: Final = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class Folders:
    """The folders that the configuration's `paths` names.

    Attributes:
        data: The embedded store, the snapshots, the opt-out list.
        archive: Collected posts.
        mlruns: MLflow's database and artifacts, checkpoints, Hydra's folders.
    """

    data: Path
    archive: Path
    mlruns: Path

    @classmethod
    def of(cls, config: DictConfig) -> "Folders":
        """Returns the folders of a configuration, absolute from the working folder."""
        paths = config.paths
        return cls(*(Path(paths[name]).absolute() for name in ("data", "archive", "mlruns")))

    @property
    def snapshots(self) -> Path:
        """The folder of all snapshots."""
        return self.data / "snapshots"


def open_opt_out_list(config: DictConfig) -> "OptOutList":
    """Opens the opt-out list: the authors whose data was deleted and must not come back."""
    from likerank.sources import OptOutList

    return OptOutList(Folders.of(config).data / "forgotten.json")


def open_store(config: DictConfig) -> "AbstractContextManager[Store]":
    """Opens the store, to be used in a `with` statement."""
    from likerank.store import open_store

    if config.store.database is None:
        raise LikerankError("store.database is null, which is no name of a database; name one.")
    data = Folders.of(config).data
    make_private(data)
    return open_store(config.store.uri, config.store.database, data / "mongo")


def open_tracking(config: DictConfig) -> "Tracking":
    """Opens MLflow."""
    from likerank.tracking import Tracking

    uri, given, registry = str(config.tracking.uri), os.environ.get(_MLFLOW_URI), None
    if uri == f"env:{_MLFLOW_URI}":
        if not given:
            raise LikerankError(
                f"There is no MLflow server: set tracking.uri or the environment variable {_MLFLOW_URI}, or "
                "use tracking=sqlite."
            )
        if has_password(given):
            raise LikerankError(
                f"The environment variable {_MLFLOW_URI} holds a password: put it into "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            )
        uri, registry = given, os.environ.get("MLFLOW_REGISTRY_URI")
    mlruns = Folders.of(config).mlruns
    make_private(mlruns)
    return Tracking(uri, config.tracking.experiment, mlruns, registry)


class MakeFolders(Callback):
    """Hydra's callback that makes the folder of runs before Hydra would, which makes it readable for all."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """Makes the folder of a run, or of a sweep."""
        make_private(Folders.of(config).mlruns)

    on_multirun_start = on_run_start
