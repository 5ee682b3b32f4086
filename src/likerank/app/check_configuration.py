"""Checks a configuration before it is used: keys that nothing reads, and paths and names that are no text.

Hydra refuses an override of a key that is not there, but takes every key that `+` adds or a YAML file holds.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final

from hydra.core.config_store import ConfigStore
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from likerank.app.help import CONF, CommandHelp, read_help
from likerank.app.sentences import print_error
from likerank.app.typed_text import text_keys
from likerank.errors import LikerankError

_VALUELESS: Final = re.compile(r"\+{0,2}[\w.@/]+\s.*", re.DOTALL)
_KEYLESS: Final = re.compile(r"[+~]*\s*(=.*)?", re.DOTALL)
_ADDED: Final = re.compile(r"\+{1,2}([\w.]+)=.*", re.DOTALL)
_CHOICE: Final = re.compile(r"(~|\+{0,2})(\w+)(=.*|)", re.DOTALL)
_TO_CHECK: Final = re.compile(r"[+~]|\w+=.*\bnull\b")
_NONE: Final = "null"
_NUMBER_OR_BOOL: Final = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?|true|false")
_WORDS: Final = ("auto", "-1", "none", "median")
"""Values of keys whose default is a number: of Lightning and of snapshot.balance."""
_MEMBERS: Final = ("callbacks", "logger", "metrics", "plugins")
"""Groups that hold objects by names of the user's choice."""
_CAN_BE_NONE: Final = ("scheduler",)


def checked_overrides(command: str, overrides: Iterable[str]) -> list[str]:
    """Returns the overrides, with `GROUP=null` as the empty option that Hydra takes.

    Raises:
        LikerankError: If one has no key or one that nothing reads, or if one takes away a needed group.
    """
    help_: CommandHelp | None = None
    checked = []
    for override in overrides:
        if _KEYLESS.fullmatch(override):
            raise LikerankError(f"The override {override[:60]!r} names no key; write KEY=VALUE.")
        if "=" not in override and _VALUELESS.fullmatch(override):
            raise LikerankError(without_value(override))
        if _TO_CHECK.match(override):
            help_ = help_ or read_help(command)
            if (added := _ADDED.fullmatch(override)) is not None and not added[1].startswith("hydra."):
                _refuse_unread(help_, added[1])
            elif (chosen := _CHOICE.fullmatch(override)) is not None:
                override = _with_empty_options(help_, *chosen.groups())
        checked.append(override)
    return checked


def without_value(override: str) -> str:
    """Returns the sentence for an override that is a key only."""
    return f"The override {override[:60]!r} has no value; write KEY=VALUE, without spaces around the sign."


def empty_options() -> None:
    """Gives every group of conf/ an option `null` that is empty; Hydra takes null only in a defaults list."""
    for group in CONF.iterdir():
        if group.is_dir():
            ConfigStore.instance().store(name=_NONE, node={}, group=group.name, package="_global_")


def refuse_composed(command: str, config: DictConfig) -> None:
    """Refuses a composed configuration with keys that no command reads, or paths that are no text.

    conf/local.yaml is every command's, so that a key of another command is none of these.

    Raises:
        LikerankError: If there is one; the message names it.
    """
    help_ = read_help(command)
    for name in text_keys(help_):
        value = OmegaConf.select(config, name, throw_on_missing=False, throw_on_resolution_failure=False)
        for each in value if OmegaConf.is_list(value) else [value]:
            if isinstance(each, bool | int | float):
                raise LikerankError(
                    f"{name} is read as {each!r}, which is no text: put it in quotes where it stands in YAML."
                )
    _refuse_no_numbers(help_, config)
    plain = OmegaConf.to_container(config, resolve=False)
    text = OmegaConf.to_yaml(config, resolve=False)
    others: list[CommandHelp] = []
    for key in _leaves(plain, ""):
        if key.startswith("hydra.") or _is_read(help_, key) or _is_referred_to(key, text):
            continue
        others = others or [
            read_help(file.stem) for file in CONF.glob("*.yaml") if not file.stem.startswith("local")
        ]
        if not any(_is_read(other, key) for other in others):
            _refuse_unread(help_, key)


def _refuse_no_numbers(help_: CommandHelp, config: DictConfig) -> None:
    """Refuses a text where the default is a number or yes or no, but for words that such a key takes."""
    for key in help_.all_keys():
        if key.name.startswith("hydra.") or not _NUMBER_OR_BOOL.fullmatch(key.value):
            continue
        value = OmegaConf.select(config, key.name, throw_on_missing=False, throw_on_resolution_failure=False)
        if not isinstance(value, str) or value in _WORDS:
            continue
        kind = "true or false" if key.value in ("true", "false") else "a number"
        raise LikerankError(f"{key.name} is {value[:60]!r}; it must be {kind}, such as {key.value}.")


class RefuseUnread(Callback):
    """Hydra's callback that checks the composed configuration of a command."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """Checks the configuration of a run, or of a sweep before its first trial."""
        try:
            refuse_composed(str(config.hydra.job.config_name), config)
        except LikerankError as error:
            # Hydra turns an exception of a callback into a warning; an exit passes.
            print_error(str(error))
            sys.exit(error.exit_status)

    on_multirun_start = on_run_start


def _with_empty_options(help_: CommandHelp, prefix: str, name: str, value: str) -> str:
    group = next((group for group in help_.groups if group.name == name), None)
    if group is None:
        return f"{prefix}{name}{value}"
    options = value.removeprefix("=").split(",")
    none = prefix == "~" or _NONE in options
    if none and group.default != _NONE and name not in _CAN_BE_NONE:
        others = "".join(f", {option}" for option in group.options if option != group.default)
        raise LikerankError(f"{name} cannot be none; choose one: {name}={group.default}{others}.")
    if prefix == "~":
        return f"{name}='{_NONE}'"
    return f"{prefix}{name}={','.join(repr(option) if option == _NONE else option for option in options)}"


def _refuse_unread(help_: CommandHelp, key: str) -> None:
    if _is_read(help_, key) or any(group.name == key for group in help_.groups):
        return
    nearest = get_close_matches(key, help_.known(), n=1)
    hint = f"is {nearest[0]} meant?" if nearest else "--help lists those that there are."
    raise LikerankError(f"Nothing reads the key {key[:60]}; {hint}")


def _is_read(help_: CommandHelp, key: str) -> bool:
    """Whether a key is declared, lies above or below one that is, or belongs to what a class is made of."""
    parts = key.split(".")
    above = {".".join(parts[:length]) for length in range(1, len(parts))}
    if above & {*help_.made, *_MEMBERS}:
        return True
    keys = {each.name for each in help_.all_keys()}
    return key in keys or bool(above & keys) or any(each.startswith(f"{key}.") for each in keys)


def _is_referred_to(key: str, text: str) -> bool:
    """Whether the configuration itself reads a key, as a variable of the user's own."""
    return re.search(rf"\$\{{[^}}]*\b{re.escape(key.rpartition('.')[2])}\b", text) is not None


def _leaves(node: Any, key: str) -> Iterator[str]:  # noqa: ANN401
    if isinstance(node, dict) and node:
        for name, child in node.items():
            yield from _leaves(child, f"{key}.{name}" if key else str(name))
    elif key:
        yield key
