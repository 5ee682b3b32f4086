"""What every stage opens by its configuration: paths, the store, MLflow."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from likerank.errors import LikerankError

if TYPE_CHECKING:
    from likerank.sources import OptOutList
    from likerank.store import Store
    from likerank.tracking import Tracking


def data_folder(config: DictConfig) -> Path:
    """Returns the absolute folder of the embedded store and the snapshots."""
    return Path(config.paths.data).absolute()


def archive_folder(config: DictConfig) -> Path:
    """Returns the absolute folder of what was collected."""
    return Path(config.paths.archive).absolute()


def mlruns_folder(config: DictConfig) -> Path:
    """Returns the absolute folder of what runs leave behind."""
    return Path(config.paths.mlruns).absolute()


def snapshots_folder(config: DictConfig) -> Path:
    """Returns the absolute folder of all snapshots."""
    return data_folder(config) / "snapshots"


def open_opt_out_list(config: DictConfig) -> "OptOutList":
    """Opens the opt-out list: the authors whose data was deleted and must not come back."""
    from likerank.sources import OptOutList

    return OptOutList(data_folder(config) / "forgotten.json")


def configured_store(config: DictConfig) -> "AbstractContextManager[Store]":
    """Opens the store, to be used in a `with` statement."""
    from likerank.store import open_store

    if config.store.database is None:
        raise LikerankError("store.database is null, which is no name for a database; name one.")
    return open_store(config.store.uri, config.store.database, data_folder(config) / "mongo")


def configured_tracking(config: DictConfig) -> "Tracking":
    """Opens MLflow."""
    from likerank.tracking import Tracking

    return Tracking(config.tracking.uri, config.tracking.experiment, mlruns_folder(config))
