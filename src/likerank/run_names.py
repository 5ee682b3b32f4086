"""Names that runs are written and read by: tags, artifacts, folders below mlruns."""

from typing import Final

# Tags of MLflow.
PARENT: Final = "mlflow.parentRunId"
"""Puts a run below another on MLflow's page."""

# Tags of every training.
FINGERPRINT: Final = "likerank.fingerprint"
"""The fingerprint of the snapshot that the run was trained on."""
SYNTHETIC: Final = "likerank.synthetic"
"""Whether the snapshot has synthetic posts, `true` or `false`; runs of earlier versions lack it."""
CONFIG_HASH: Final = "likerank.config_hash"
"""The hash of configuration, snapshot and code: a finished run with the same hash is not trained again."""
FORMER_CONFIG_HASH: Final = "likerank.trial"
"""The name of the tag in likerank 0.1; written beside the new one until 0.3."""
VERSION: Final = "likerank.version"
REASON: Final = "likerank.reason"
"""Why a run failed or was killed, in a sentence."""
FOLD: Final = "likerank.fold"
"""One fold of a cross-validation: the hash of its training, the fold and the number of folds."""
NOTE: Final = "mlflow.note.content"
"""What MLflow's page shows as the run's description."""
PROMOTION: Final = "likerank.promotion"
"""How the run became champion, in a sentence."""

# Tags of sweeps and their trials.
SWEEP: Final = "likerank.sweep"
"""A sweep's parent run: the hash of what was asked."""
SWEEP_FOLDER: Final = "likerank.sweep_folder"
JOB: Final = "likerank.job"
OVERRIDES: Final = "likerank.overrides"
SWEPT: Final = "likerank.swept"
BEST: Final = "likerank.best_trial"
TRIAL_OF_IT: Final = "trial"

# Tags of other commands' runs.
ANALYSED: Final = "likerank.analysed"
"""The run of an analysis: the posts that were analysed."""
REFRESH: Final = "likerank.refresh"
"""The run of a refresh: its data folder."""
JUDGED: Final = "likerank.judged"
"""A refresh that compared a training with the champion: the fingerprint of the snapshot."""

# Artifacts of a run.
CONFIG: Final = "config.yaml"
RESULTS: Final = "results.json"
TABLES: Final = "tables"
"""The artifact folder of each split's table as CSV and LaTeX."""
CARD: Final = "card.md"
CHECKPOINTS: Final = "checkpoints"
"""The artifact folder, and the folder below mlruns of trainings that have not finished."""
PREDICTIONS: Final = "predictions"
FIGURES: Final = "figures"
"""Some of its files show posts, so all of it is removed when a person's data is deleted."""
ANALYSES: Final = "analysed"
"""The artifact folder of an analysis, and the folder below mlruns of all analyses."""
ANALYSIS_NUMBERS: Final = "analysis.json"
SUMMARIES: Final = "refresh"
"""The artifact folder of a refresh's summary, and the folder below mlruns of all of them."""

# Predictions and metadata.
NETWORK: Final = "network"
"""The network's name among the predictors."""
FOLDS: Final = "folds"
"""The name that pooled folds go by where others are called by their split."""
RANKING: Final = "ranking"
"""The key of a model's metadata that holds the calibration."""


def trial_tag(parent_id: str) -> str:
    """Returns the tag that each trial of a sweep has, also one that was trained before the sweep."""
    return f"{SWEEP}.{parent_id}"
