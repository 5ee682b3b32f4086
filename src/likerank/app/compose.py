"""Composes the configuration of a command, from conf/ and the user's own conf/ folder."""

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from hydra import compose, initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig

from likerank.app.aliases import with_present_names
from likerank.app.check_configuration import (
    checked_overrides,
    empty_options,
    refuse_composed,
    without_value,
)
from likerank.app.help import CONF, conf_folders, read_help
from likerank.app.secrets import password_in
from likerank.app.sentences import one_line, sentence_of
from likerank.app.typed_text import as_typed
from likerank.errors import LikerankError

_SHARED: Final = ("seed", "paths", "store", "tracking")
_EXTRAS: Final = {
    "hydra/launcher/joblib": "joblib",
    "hydra/launcher/ray": "ray",
    "hydra/launcher/submitit": "submitit",
    "hydra/sweeper/optuna": "optuna",
}


class UsersFolders(SearchPathPlugin):
    """Hydra's plugin that adds the user's folders of configuration to those that are searched.

    They are LIKERANK_CONF, before likerank's own; `conf` below the working folder, after it; and, where a
    command composes the configuration of another, the folders that its command line added.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Adds the folders to a search path with likerank's own; another application's stays as it is."""
        if not any(
            Path(each.path.removeprefix("file://")).resolve() == CONF.resolve()
            for each in search_path.get_path()
        ):
            return
        folders = conf_folders()
        for folder in folders[: folders.index(CONF)]:
            search_path.prepend("LIKERANK_CONF", str(folder))
        for folder in folders[folders.index(CONF) + 1 :]:
            search_path.append("working folder", str(folder))
        if HydraConfig.initialized():
            for source in HydraConfig.get().runtime.config_sources:
                if source.provider == "command-line" or source.provider.startswith("hydra.searchpath"):
                    search_path.append(source.provider, f"{source.schema}://{source.path}")


def follow_environment() -> None:
    """Makes Hydra look into the user's folders, and MLflow's own variable choose tracking=server."""
    Plugins.instance().register(UsersFolders)
    empty_options()
    if os.environ.get("MLFLOW_TRACKING_URI"):
        os.environ.setdefault("LIKERANK_TRACKING", "server")


def understood(command: str, overrides: Iterable[str], *, sweep: bool = False) -> list[str]:
    """Returns overrides as Hydra takes them: with present names, and paths and names as they were typed.

    Args:
        command: The command, such as `train`.
        overrides: As typed, options such as `-m` among them.
        sweep: Whether commas separate the values of a sweep.

    Raises:
        LikerankError: If an override would be dropped.
    """
    renamed = with_present_names(command, overrides)
    return as_typed(command, checked_overrides(command, renamed), sweep=sweep)


def command_configuration(command: str, overrides: Iterable[str] = ()) -> DictConfig:
    """Returns a command's configuration, whatever else the process uses Hydra for.

    Args:
        command: The command, such as `train`.
        overrides: As on its command line, such as `trainer.max_epochs=3`.

    Raises:
        LikerankError: If an override is unknown or a password stands in the configuration.
    """
    follow_environment()
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), job_name=command, version_base="1.3"):
            config = compose(command, understood(command, map(str, overrides)))
    except LikerankError:
        raise
    except Exception as error:
        if (sentence := sentence_of(error, command)) is None:
            raise
        raise LikerankError(sentence) from error
    finally:
        GlobalHydra.instance().hydra = running
    if refusal := password_in(config):
        raise LikerankError(refusal)
    refuse_composed(command, config)
    return config


def stage_configuration(stage: str, overrides: Iterable[str], config: DictConfig) -> DictConfig:
    """Returns the configuration of a command that another command runs, in the places of the latter.

    Args:
        stage: The command that is run, such as `train`.
        overrides: As on its command line.
        config: The running command's configuration: seed, paths, store and tracking are taken from it.

    Raises:
        LikerankError: If an override is unknown, or sets what is taken from `config`.
    """
    overrides = list(map(str, overrides))
    for override in overrides:
        group = re.split(r"[.=@]", override.lstrip("+~"))[0]
        if group in _SHARED:
            raise LikerankError(
                f"{stage} cannot be configured by {override}: set {group} on the command itself; it applies "
                "to every stage."
            )
    try:
        composed = command_configuration(stage, overrides)
    except LikerankError as error:
        raise LikerankError(f"{stage} cannot be configured by [{', '.join(overrides)}]: {error}") from error
    # Nodes, not overrides: a path would have to be quoted for the overrides' grammar.
    for key in _SHARED:
        composed[key] = config[key]
    return composed


def sentence_of_hydra(error: BaseException, command: str) -> str:
    """Returns what is wrong with a command's overrides, and the nearest key where one is unknown."""
    message = str(error)
    if (cause := error.__cause__) is not None and str(cause) not in message:
        message += f" {cause}"
    for option, extra in _EXTRAS.items():
        if f"Could not find '{option}" in message:
            return f"That needs another package: pip install 'likerank[{extra}]'."
    if isinstance(error, AssertionError):
        return f"Hydra cannot apply these overrides ({one_line(message) or 'without a reason'})."
    if missing := re.match(r"Missing mandatory value: ([\w.]+)", message):
        comment = next(
            (each.comment for each in read_help(command).all_keys() if each.name == missing[1]), ""
        )
        return f"{missing[1]} is missing; give it by {missing[1]}=...{f' ({comment})' if comment else ''}."
    if cut := re.match(r"Error parsing override '(.*?)'\s+missing EQUAL", message, re.DOTALL):
        return without_value(cut[1])
    if message.startswith("Config group override must be"):
        return "A choice, such as store or source, takes the name of an option; --help lists them."
    if not (found := re.search(r"Could not override '([\w.@/]+)'", message)):
        return one_line(message.partition("\nConfig search path:")[0].replace("\n\t", ", "))
    known, unknown = read_help(command).known(), found[1]
    if unknown in known:
        return f"There is no key {unknown[:60]}; it belongs to another choice than the one that was made."
    nearest = get_close_matches(unknown, known, n=1)
    hint = f"is {nearest[0]} meant?" if nearest else "--help lists them all, and + adds a new one."
    return f"There is no key {unknown[:60]}; {hint}"
