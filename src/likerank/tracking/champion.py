"""The champion: the model in MLflow's registry that photos are ranked with."""

from typing import Final

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from likerank.errors import LikerankError
from likerank.run_names import FINGERPRINT
from likerank.tracking.run import Run
from likerank.tracking.store import Tracking, first_line

MODEL: Final = "likerank"
ALIAS: Final = "champion"
CHAMPION_URI: Final = f"models:/{MODEL}@{ALIAS}"


def find_champion(tracking: Tracking) -> Run | None:
    """Returns the run whose model is champion; None before there is one, and where that run was deleted.

    Raises:
        LikerankError: If the registry cannot be read.
    """
    run_id = champion_id(tracking)
    return None if run_id is None else tracking.find_existing(run_id)


def champion_id(tracking: Tracking) -> str | None:
    """Returns the id of the run whose model is champion, also of a deleted run; None before there is one.

    Raises:
        LikerankError: If the registry cannot be read.
    """
    try:
        if not tracking.client.search_registered_models(f"name = '{MODEL}'"):
            return None
        aliases = tracking.client.get_registered_model(MODEL).aliases
        if ALIAS not in aliases:
            return None
        version = tracking.client.get_model_version_by_alias(MODEL, ALIAS)
    except MlflowException as error:
        raise LikerankError(
            f"MLflow's model registry at {tracking.uri} cannot be read ({error}); check tracking.uri."
        ) from error
    return str(version.run_id)


def find_newest_trained(tracking: Tracking) -> Run | None:
    """Returns the newest finished run of the experiment that keeps a model; None where there is none."""
    for run in tracking.runs({FINGERPRINT: None}):
        if run.status == "FINISHED" and run.model_ids:
            return run
    return None


def register_champion(tracking: Tracking, run: Run, description: str) -> int:
    """Registers a run's model and gives it the champion's alias.

    Args:
        tracking: Where it is registered.
        run: A finished run with a model.
        description: What the registry's page says of it, Markdown.

    Returns:
        The version in the registry; the run's own, where it was registered before.
    """
    client = tracking.client
    known = client.search_model_versions(f"name = '{MODEL}' and run_id = '{run.id}'")
    version = known[0] if known else _registered(client, run)
    client.update_model_version(MODEL, version.version, description)
    client.set_registered_model_alias(MODEL, ALIAS, version.version)
    return int(version.version)


def _registered(client: MlflowClient, run: Run) -> ModelVersion:
    if not (models := run.model_ids):
        raise LikerankError(f"Run {run.id} keeps no model; choose a run that likerank train finished.")
    if not client.search_registered_models(f"name = '{MODEL}'"):
        client.create_registered_model(MODEL)
    try:
        return client.create_model_version(MODEL, f"models:/{models[0]}", run_id=run.id, model_id=models[0])
    except MlflowException as error:
        raise LikerankError(
            f"The model of run {run.id} cannot be registered ({first_line(error)}): it was deleted in "
            "MLflow; train again with reuse=false."
        ) from error
