"""Learning: targets, networks, the LightningModule, and baselines that fit and predict like it."""

from likerank.models.author_targets import AuthorLog, AuthorLogZ, AuthorPercentile, AuthorTop, LocalLogZ
from likerank.models.networks import ConvNet, ResidualNet
from likerank.models.target import Target
from likerank.models.targets import PerFollower, PerFollowerDecayed, TopPost

__all__ = [
    "AuthorLog",
    "AuthorLogZ",
    "AuthorPercentile",
    "AuthorTop",
    "ConvNet",
    "LocalLogZ",
    "PerFollower",
    "PerFollowerDecayed",
    "ResidualNet",
    "Target",
    "TopPost",
]
