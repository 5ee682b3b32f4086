"""Every target on the posts of a dataset, measured, and the one to learn."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.analysis.statistics.target_choice import Recommendation, TargetFacts, recommended, target_facts
from likerank.dataset import TRAIN
from likerank.errors import LikerankError
from likerank.models.target import days_since_1970
from likerank.models.targets import TARGETS

# The simplest first: among equally good ones it is recommended.
_SIMPLEST_FIRST: Final = (
    "author_log",
    "author_log_z",
    "author_percentile",
    "author_top",
    "local_log_z",
    "top_post",
    "per_follower",
    "per_follower_decayed",
)


def measured_targets(posts: pd.DataFrame) -> tuple[list[TargetFacts], dict[str, NDArray[np.float32]]]:
    """Fits each target on the training posts and measures it on all.

    Args:
        posts: The posts of a dataset, with `split`.

    Returns:
        The facts of each target, the simplest first, and the targets of all posts by name, without those that
        cannot be made of these posts.
    """
    authors, training = posts["author"].to_numpy(str), (posts["split"] == TRAIN).to_numpy()
    days = days_since_1970(posts)
    dated = days if np.isfinite(days).any() else None
    facts: list[TargetFacts] = []
    targets: dict[str, NDArray[np.float32]] = {}
    for name in sorted(TARGETS, key=lambda name: (*_SIMPLEST_FIRST, name).index(name)):
        try:
            target = TARGETS[name]().fit(posts[training])
            values = target.transform(posts)
            stranger = target.transform(posts.assign(author="nobody/nobody"))
        except LikerankError as error:
            facts.append(TargetFacts(name, missing=str(error)))
            continue
        targets[name] = values
        per_author = not np.array_equal(values, stranger)
        facts.append(
            target_facts(name, values, authors, training=training, days=dated, per_author=per_author)
        )
    return facts, targets


def recommended_target(posts: pd.DataFrame) -> Recommendation:
    """Returns the target to learn of the posts of a dataset, with `split`, and why."""
    facts, _ = measured_targets(posts)
    return recommended(facts, posts["author"].to_numpy(str)[(posts["split"] == TRAIN).to_numpy()])
