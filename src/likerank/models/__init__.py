"""Learning: targets, networks, the LightningModule, and baselines that fit and predict like it."""

from likerank.models.author_targets import AuthorLog, AuthorLogZ, AuthorPercentile, AuthorTop, LocalLogZ
from likerank.models.baselines import Baseline, create_baseline, load_baseline
from likerank.models.networks import ConvNet, ResidualNet
from likerank.models.regressor import PopularityRegressor
from likerank.models.scorer import Scorer
from likerank.models.stopping import ResumableEarlyStopping
from likerank.models.target import Target
from likerank.models.targets import TARGETS, PerFollower, PerFollowerDecayed, TopPost, load_target

__all__ = [
    "TARGETS",
    "AuthorLog",
    "AuthorLogZ",
    "AuthorPercentile",
    "AuthorTop",
    "Baseline",
    "ConvNet",
    "LocalLogZ",
    "PerFollower",
    "PerFollowerDecayed",
    "PopularityRegressor",
    "ResidualNet",
    "ResumableEarlyStopping",
    "Scorer",
    "Target",
    "TopPost",
    "create_baseline",
    "load_baseline",
    "load_target",
]
