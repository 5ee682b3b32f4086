"""Makes the objects that a configuration describes; a mistake in it becomes one sentence."""

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from likerank.errors import LikerankError


def make(config: DictConfig, key: str, **arguments: Any) -> Any:  # noqa: ANN401
    """Returns the object that a key of the configuration describes by `_target_`.

    Raises:
        LikerankError: If it cannot be made; the message names the key.
    """
    try:
        return instantiate(config[key], _convert_="all", **arguments)
    except InstantiationException as error:
        if isinstance(error.__cause__, LikerankError):
            raise error.__cause__ from error
        reason = " ".join(str(error.__cause__ or error).split())
        raise LikerankError(f"{key} cannot be made of the configuration ({reason}); change {key}.") from error


def make_group(config: DictConfig, group: str) -> list[Any]:
    """Returns the objects of a group that holds several by name, such as `callbacks`; none where it is null.

    Raises:
        LikerankError: If one cannot be made; the message names it.
    """
    members: DictConfig | None = config.get(group)
    if not members:
        return []
    return [make(members, str(name)) for name in members if members[name] is not None]
