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
from likerank.models.targets import (
    STANDARDISERS,
    AuthorLog,
    AuthorLogZ,
    AuthorPercentile,
    AuthorTop,
    LocalLogZ,
    PerFollower,
    PerFollowerDecayed,
    Target,
    TopPost,
)

__all__ = [
    "STANDARDISERS",
    "AuthorLog",
    "AuthorLogZ",
    "AuthorMean",
    "AuthorPercentile",
    "AuthorTop",
    "Baseline",
    "ConvNet",
    "Linear",
    "LocalLogZ",
    "Mean",
    "PerFollower",
    "PerFollowerDecayed",
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
