"""How a script runs: its errors in one sentence, its exit status right."""

import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from likerank.errors import LikerankError
from likerank.pipeline.secrets import refuse_passwords_in


def run_command(main: Callable[[], Any]) -> None:
    """Runs a script's `@hydra.main` function.

    A user's mistake becomes one sentence on standard error and exit status 1; anything else shows its
    traceback, since it is a bug.

    Args:
        main: The decorated function.
    """
    refuse_passwords_in(sys.argv[1:])
    _quieten()
    # Or Hydra would print every error itself, with a traceback, and exit.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        main()
    except LikerankError as error:
        _fail(str(error))
    except (HydraException, OmegaConfBaseException) as error:
        known = _likerank_error_in(error)
        _fail(str(known) if known else _message(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _quieten() -> None:
    """Keeps off the screen what a user can do nothing about."""
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")
    # An epoch of a small dataset has fewer batches than the logging interval; its losses are logged anyway.
    warnings.filterwarnings("ignore", message="The number of training batches .* is smaller than the logging")


def _fail(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print(
        f"likerank: {message}", style="red", markup=False, highlight=False
    )
    sys.exit(1)


def _likerank_error_in(error: BaseException) -> LikerankError | None:
    """Finds the user's mistake that Hydra's `instantiate` wrapped into an error of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LikerankError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _message(error: Exception) -> str:
    message = str(error)
    cause = error.__cause__
    if cause is not None and str(cause) not in message:
        message += f" {cause}"
    return message
