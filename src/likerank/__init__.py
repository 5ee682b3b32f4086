"""likerank: of these photos, which will people like most, judging by the picture alone?

From Python, in any folder; every function takes overrides as the commands do:

    import likerank

    likerank.ingest("source=table", "source.manifest=photos.csv")
    run = likerank.train("network=paper", "trainer.max_epochs=3")
    run.predictions()                                  # a DataFrame, a row a post
    likerank.rank_photos("shots", run.open_model())    # a DataFrame, the best photo first
"""

import os
from typing import TYPE_CHECKING, Any

from likerank.errors import LikerankError
from likerank.version import __version__ as __version__

# MLflow, which reads it when it is imported, sends usage statistics otherwise.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

if TYPE_CHECKING:
    from likerank.api import (
        TrainingRun,
        ingest,
        load_model,
        make_snapshot,
        open_model,
        open_run,
        open_snapshot,
        open_store,
        rank_photos,
        train,
    )

__all__ = [
    "LikerankError",
    "TrainingRun",
    "ingest",
    "load_model",
    "make_snapshot",
    "open_model",
    "open_run",
    "open_snapshot",
    "open_store",
    "rank_photos",
    "train",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Imports the API, and with it torch and MLflow, when something of it is used for the first time."""
    if name not in __all__:
        raise AttributeError(f"module 'likerank' has no attribute {name!r}")
    from likerank import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
