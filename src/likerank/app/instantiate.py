"""Makes the objects that a configuration describes; a mistake in it becomes one sentence."""

from typing import Any, TypeVar

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from likerank.errors import LikerankError

T = TypeVar("T")


def make(config: DictConfig, key: str, name: str = "", **arguments: Any) -> Any:  # noqa: ANN401
    """Returns the object that a key of the configuration describes by `_target_`.

    Args:
        config: The configuration that has the key.
        key: The key.
        name: The key's name in messages, where it lies in a group.
        arguments: Further arguments of the object.

    Raises:
        LikerankError: If it cannot be made; the message names the key.
    """
    name = name or key
    try:
        return instantiate(config[key], _convert_="all", **arguments)
    except InstantiationException as error:
        if isinstance(error.__cause__, LikerankError):
            raise error.__cause__ from error
        reason = " ".join(str(error.__cause__ or error).split())
        raise LikerankError(
            f"{name} cannot be made of the configuration ({reason}); change {name}."
        ) from error


def make_group(config: DictConfig, group: str, kind: type[T]) -> list[T]:
    """Returns the objects of a group that holds several by name, such as `callbacks`; none where it is null.

    Raises:
        LikerankError: If one cannot be made or is of another kind; the message names it.
    """
    members: DictConfig | None = config.get(group)
    if not members:
        return []
    names = {str(key): f"{group}.{key!s}" for key in members if members[key] is not None}
    made = {name: make(members, key, name) for key, name in names.items()}
    for name, member in made.items():
        if not isinstance(member, kind):
            raise LikerankError(
                f"{name} is a {type(member).__name__}, not a {kind.__name__}; change its _target_."
            )
    return list(made.values())
