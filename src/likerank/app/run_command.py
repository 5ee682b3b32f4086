"""Runs a command with Hydra: its configuration is composed, then its function imported and called."""

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
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from likerank.app.compose import follow_environment, understood
from likerank.app.help import CONF
from likerank.app.secrets import hide_given_uris, refuse_passwords_in
from likerank.errors import LikerankError
from likerank.secret_text import redact_logs


def run_command(command: str, target: str, arguments: Sequence[str]) -> None:
    """Runs a command with Hydra; errors are raised, see `errors_as_sentences`.

    Args:
        command: The name of its configuration, such as `train`.
        target: The function that takes the configuration, as `module:function`; it is imported when Hydra has
            composed the configuration.
        arguments: What follows the command: overrides and Hydra's flags.
    """
    refuse_passwords_in(arguments)
    redact_logs()
    sweep = not {"-m", "--multirun"}.isdisjoint(arguments)
    # Lightning starts a training's other processes by sys.argv, which Hydra reads without the command's name.
    restart = list(sys.argv)
    sys.argv = [sys.argv[0], *understood(command, arguments, sweep=sweep)]
    quieten()
    # Or Hydra would print every error itself, with a traceback, and exit.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    raising = property(_return_value, JobReturn.return_value.fset)  # type: ignore[attr-defined]
    JobReturn.return_value = raising  # type: ignore[assignment,method-assign]
    follow_environment()
    main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=command)
    main(partial(_perform, target, restart))()


def _return_value(job: JobReturn) -> Any:  # noqa: ANN401
    """Returns or raises as Hydra does, without its line "Error executing job" before each sentence."""
    if job.status != JobStatus.COMPLETED:
        raise job._return_value
    return job._return_value


def _perform(target: str, restart: list[str], config: DictConfig) -> Any:  # noqa: ANN401
    """Runs in a launcher's processes as well, which receive it by its name."""
    sys.argv = restart
    redact_logs()
    hide_given_uris(config)
    if HydraConfig.get().job.chdir:
        raise LikerankError(
            "hydra.job.chdir=true would look for all files in the folder of the run's logs; leave it out."
        )
    module, function = target.split(":")
    with importing():
        stage = getattr(import_module(module), function)
    return stage(config)


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


def quieten() -> None:
    """Hides warnings of libraries that the user can do nothing about."""
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")
    # An epoch of a small dataset has fewer batches than the logging interval; its losses are logged anyway.
    warnings.filterwarnings("ignore", message="The number of training batches .* is smaller than the logging")
