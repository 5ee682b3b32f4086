"""Runs a command: errors that the user can fix as one sentence, the right exit status, a fast start."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from likerank.app.aliases import with_present_names
from likerank.app.compose import follow_environment, sentence_of_hydra
from likerank.app.help import CONF
from likerank.app.secrets import refuse_passwords_in
from likerank.errors import LikerankError


def run_command(command: str, target: str, arguments: Sequence[str]) -> None:
    """Runs a command with Hydra.

    Args:
        command: The name of its configuration, such as `train`.
        target: The function that takes the configuration, as `module:function`; it is imported when Hydra has
            composed the configuration.
        arguments: What follows the command: overrides and Hydra's flags.
    """
    refuse_passwords_in(arguments)
    renamed = with_present_names(command, arguments)
    # Lightning starts a training's other processes by sys.argv, which Hydra reads without the command's name.
    restart = [*sys.argv[: len(sys.argv) - len(arguments)], *renamed]
    sys.argv = [sys.argv[0], *renamed]
    quieten()
    # Or Hydra would print every error itself, with a traceback, and exit.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    with errors_as_sentences(command):
        follow_environment()
        main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=command)
        main(partial(_perform, target, restart))()


def _perform(target: str, restart: list[str], config: DictConfig) -> Any:  # noqa: ANN401
    """Runs in a launcher's processes as well, which receive it by its name."""
    sys.argv = restart
    module, function = target.split(":")
    with importing():
        stage = getattr(import_module(module), function)
    return stage(config)


@contextmanager
def errors_as_sentences(command: str) -> Iterator[None]:
    """Ends the process with a sentence on standard error for an error that the user can fix.

    The exit status is the error's, 1 for an invalid configuration and 130 for an interrupt. Anything else is
    a bug and keeps its traceback.
    """
    try:
        yield
    except (LikerankError, HydraException, OmegaConfBaseException) as error:
        known = _known_cause(error)
        message = str(known) if known else sentence_of_hydra(error, command)
        Console(stderr=True, soft_wrap=True).print(
            f"likerank: {message}", style="red", markup=False, highlight=False
        )
        sys.exit(known.exit_status if known else 1)
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def importing() -> Iterator[None]:
    """Keeps the garbage collector from the million objects of imported libraries, which all stay.

    To look through them, during the import and later, would take two fifths of the work of a command's start.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # Once: later there may be garbage, which would stay as well.
            gc.freeze()
        gc.enable()


def sentence_of(error: BaseException) -> str | None:
    """Returns the message of an error that the user can fix, also inside Hydra's; None where it is a bug."""
    known = _known_cause(error)
    return str(known) if known else None


def quieten() -> None:
    """Hides warnings of libraries that the user can do nothing about."""
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")
    # An epoch of a small dataset has fewer batches than the logging interval; its losses are logged anyway.
    warnings.filterwarnings("ignore", message="The number of training batches .* is smaller than the logging")


def _known_cause(error: BaseException) -> LikerankError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, LikerankError):
        cause = cause.__cause__ or cause.__context__
    return cause
