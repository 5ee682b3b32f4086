"""The target `auto`: the one that `analyse` recommends for the posts of the snapshot."""

from omegaconf import DictConfig, OmegaConf

from likerank.analysis.statistics.measured_targets import recommended_target
from likerank.app.help import CONF
from likerank.dataset import TEST, Snapshot
from likerank.errors import LikerankError


class AutoTarget:
    """Stands for the recommended target in a configuration, until the snapshot is known."""

    def choose(self, snapshot: Snapshot) -> DictConfig:
        """Returns the configuration of the recommended target, and prints its name and the reason.

        Test posts are not looked at.

        Raises:
            LikerankError: If no target can be made of the posts.
        """
        posts = snapshot.posts
        name, reason = recommended_target(posts[posts["split"] != TEST])
        if not name:
            raise LikerankError(f"target=auto finds no target: {reason} Choose one by target=.")
        print(f"Target, by target=auto: {reason}")
        chosen = OmegaConf.load(CONF / "target" / f"{name}.yaml")
        assert isinstance(chosen, DictConfig)  # noqa: S101 - for the type checker
        return chosen
