"""How a script runs: its errors in one sentence, its exit status right."""

import gc
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from likerank.app.aliases import with_present_names
from likerank.app.secrets import refuse_passwords_in
from likerank.errors import LikerankError


def run_command(main: Callable[[], Any]) -> None:
    """Runs a script's `@hydra.main` function.

    A user's mistake becomes one sentence on standard error and exit status 1, or what the error says;
    anything else shows its traceback, since it is a bug.

    Args:
        main: The decorated function.
    """
    refuse_passwords_in(sys.argv[1:])
    sys.argv[1:] = with_present_names(Path(sys.argv[0]).stem, sys.argv[1:])
    quieten()
    # Or Hydra would print every error itself, with a traceback, and exit.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        main()
    except (LikerankError, HydraException, OmegaConfBaseException) as error:
        known = _known_cause(error)
        _fail(str(known), known.exit_status) if known else _fail(_message(error), 1)
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def importing() -> Iterator[None]:
    """Keeps the garbage collector from the million objects of imported libraries, which all stay.

    To look through them, while they come and later, would take two fifths of the work of a command's start.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # Once: later there may be garbage, which would stay as well.
            gc.freeze()
        gc.enable()


def sentence_of(error: BaseException) -> str | None:
    """Returns what a user did or met, also where Hydra's `instantiate` wrapped it; None where it is a bug."""
    known = _known_cause(error)
    return str(known) if known else None


def quieten() -> None:
    """Keeps off the screen what a user can do nothing about."""
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated.*")
    # An epoch of a small dataset has fewer batches than the logging interval; its losses are logged anyway.
    warnings.filterwarnings("ignore", message="The number of training batches .* is smaller than the logging")


def _known_cause(error: BaseException) -> LikerankError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, LikerankError):
        cause = cause.__cause__ or cause.__context__
    return cause


def _fail(message: str, status: int) -> None:
    Console(stderr=True, soft_wrap=True).print(
        f"likerank: {message}", style="red", markup=False, highlight=False
    )
    sys.exit(status)


def _message(error: Exception) -> str:
    message = str(error)
    cause = error.__cause__
    if cause is not None and str(cause) not in message:
        message += f" {cause}"
    if package := _missing_package_in(message):
        return f"That needs another package: pip install 'likerank[{package}]'."
    if unknown := _UNKNOWN_KEY.search(message):
        return f"There is no key {unknown[1]}; {_what_to_do_instead(unknown[1])}"
    return message


_UNKNOWN_KEY = re.compile(r"Could not override '([\w.@/]+)'")
_EXTRAS = {
    "hydra/launcher/joblib": "joblib",
    "hydra/launcher/ray": "ray",
    "hydra/launcher/submitit": "submitit",
    "hydra/sweeper/optuna": "optuna",
}


def _missing_package_in(message: str) -> str | None:
    """Returns the extra of a launcher or sweeper that Hydra does not find."""
    return next((extra for option, extra in _EXTRAS.items() if f"Could not find '{option}" in message), None)


def _what_to_do_instead(unknown: str) -> str:
    """Names the key of the script's configuration that is spelled most like an unknown one."""
    script = Path(sys.argv[0])
    with initialize_config_dir(str(script.absolute().parents[1] / "conf"), version_base="1.3"):
        known = list(_keys(OmegaConf.to_container(compose(script.stem)), ""))
    if unknown in known:
        return "it belongs to another choice than the one that was made."
    nearest = get_close_matches(unknown, known, n=1)
    return f"is {nearest[0]} meant?" if nearest else "--help lists them all, and + adds a new one."


def _keys(node: Any, key: str) -> Iterator[str]:  # noqa: ANN401
    if key:
        yield key
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _keys(child, f"{key}.{name}" if key else str(name))
