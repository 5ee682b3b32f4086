"""The configuration of a stage, inside a script that runs several."""

import re
from collections.abc import Iterable
from typing import Final

from hydra import compose
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from likerank.app.aliases import with_present_names
from likerank.errors import LikerankError

_SHARED: Final = ("seed", "paths", "store", "tracking")


def stage_configuration(stage: str, overrides: Iterable[str], config: DictConfig) -> DictConfig:
    """Returns what a stage's own script would be configured with, in the places of a script that runs it.

    Args:
        stage: The stage's name, which is its configuration's.
        overrides: As on the stage's command line, such as `trainer.max_epochs=3`.
        config: The running script's configuration: seed, paths, store and tracking are taken from it.

    Raises:
        LikerankError: If an override is unknown, or sets what is taken from `config`.
    """
    overrides = with_present_names(stage, map(str, overrides))
    for override in overrides:
        group = re.split(r"[.=@]", override.lstrip("+~"))[0]
        if group in _SHARED:
            raise LikerankError(f"{override} is no override of {stage} alone; give {group} to all stages.")
    try:
        composed = compose(stage, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        reason = " ".join(f"{error} {error.__cause__ or ''}".split())
        raise LikerankError(f"{stage} cannot be configured by [{', '.join(overrides)}]: {reason}") from error
    # Nodes, not overrides: a path would have to be quoted for the overrides' grammar.
    for key in _SHARED:
        composed[key] = config[key]
    return composed
