"""What learns: targets, networks, the LightningModule, and baselines that fit and predict like it."""

from likerank.models.baselines import (
    AuthorMean,
    Baseline,
    Linear,
    Mean,
    Ridge,
    create_baseline,
    load_baseline,
)
from likerank.models.networks import ConvNet, ResidualNet
from likerank.models.regressor import PopularityRegressor
from likerank.models.scorer import Scorer
from likerank.models.stopping import ResumableEarlyStopping
from likerank.models.targets import AuthorLog, Target, TopPost

__all__ = [
    "AuthorLog",
    "AuthorMean",
    "Baseline",
    "ConvNet",
    "Linear",
    "Mean",
    "PopularityRegressor",
    "ResidualNet",
    "ResumableEarlyStopping",
    "Ridge",
    "Scorer",
    "Target",
    "TopPost",
    "create_baseline",
    "load_baseline",
]
