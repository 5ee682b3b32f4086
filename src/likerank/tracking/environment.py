"""MLflow's environment variables, of which likerank keeps those away that were set for other work."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_URIS: Final = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
_OF_OTHER_WORK: Final = (
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_ACTIVE_MODEL_ID",
    "MLFLOW_READ_REPLICA_BACKEND_STORE_URI",
    "_MLFLOW_SERVER_ARTIFACT_ROOT",
)
# MLflow's own would let a server that never answers hold a command for a quarter of an hour.
_WHEN_OPENING: Final = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}


@contextmanager
def own_environment(*, opening: bool = False) -> Iterator[None]:
    """Hides variables that would lead MLflow to another run, experiment or database; restores all at the end.

    MLflow also sets the URIs' variables, and the next configuration would take them for the user's choice.

    Args:
        opening: Whether MLflow is opened: requests then have less time, unless the user set it.
    """
    before = dict(os.environ)
    for name in _OF_OTHER_WORK:
        os.environ.pop(name, None)
    if opening:
        os.environ.update({name: value for name, value in _WHEN_OPENING.items() if name not in before})
    try:
        yield
    finally:
        for name in (*_URIS, *_OF_OTHER_WORK, *_WHEN_OPENING):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def without_other_work(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns an environment without the variables that choose a run, an experiment or a store."""
    left_out = (*_URIS, "MLFLOW_REGISTRY_STORE_URI", *_OF_OTHER_WORK)
    return {name: value for name, value in environment.items() if name not in left_out}
