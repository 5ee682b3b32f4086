"""The edge of a command: errors end as one sentence with the right exit status, bugs with their traceback.

Imports nothing heavy: the help, too, runs inside it.
"""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from likerank.app.foreign_errors import one_line, sentence_of_foreign
from likerank.errors import LikerankError
from likerank.shown_text import printable

# Read at the start: `run_command` sets it for Hydra.
_TRACED: Final = os.environ.get("HYDRA_FULL_ERROR") == "1"
_OF_CONFIGURATION: Final = ("hydra.", "omegaconf.", "antlr4.")


@contextmanager
def errors_as_sentences(command: str = "") -> Iterator[None]:
    """Ends the process with a sentence on standard error for an error that the user can fix.

    The exit status is the error's, 1 for an invalid configuration and for errors of the system and of
    libraries, 130 for an interrupt. Anything else is a bug and keeps its traceback; the environment variable
    HYDRA_FULL_ERROR=1 shows the traceback of each.

    Args:
        command: The command that is run; its keys are suggested where one is unknown.
    """
    try:
        yield
    except BrokenPipeError:
        # The reader of `likerank rank | head` has gone; what is still to be written has no reader either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except SystemExit as ended:
        # Lightning ends a training so, with status 1.
        if isinstance(ended.__context__, KeyboardInterrupt) and ended.code == 1:
            sys.exit(128 + signal.SIGINT)
        raise
    except Exception as error:
        sentence = sentence_of(error, command)
        if sentence is None:
            raise
        if _TRACED:
            traceback.print_exc()
        print_error(sentence)
        known = _known_cause(error)
        sys.exit(known.exit_status if known else 1)


def sentence_of(error: BaseException, command: str = "") -> str | None:
    """Returns the message of an error that the user can fix, also inside a library's; None for a bug."""
    if (known := _known_cause(error)) is not None:
        return str(known)
    for cause in _causes(error):
        # Hydra has an error of a missing file that is an OSError.
        if not _of_configuration(cause) and (sentence := sentence_of_foreign(cause)) is not None:
            return sentence
    if _of_configuration(error):
        from likerank.app.compose import sentence_of_hydra

        return sentence_of_hydra(error, command)
    return None


def print_error(sentence: str) -> None:
    """Prints a sentence on standard error, in red where that is a terminal."""
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print(
        f"likerank: {printable(sentence)}", style="red", markup=False, highlight=False
    )


def _known_cause(error: BaseException) -> LikerankError | None:
    return next((cause for cause in _causes(error) if isinstance(cause, LikerankError)), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yields the error, and what it was raised from; what was only being handled counts in Hydra's."""
    while error is not None:
        yield error
        error = error.__cause__ or (error.__context__ if _of_configuration(error) else None)


def _of_configuration(error: BaseException) -> bool:
    """Returns whether an error is Hydra's or OmegaConf's: by its type, or raised in their code."""
    places = [each.__module__ for each in type(error).__mro__]
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None and isinstance(error, ValueError | TypeError | AssertionError):
        places.append(str(trace.tb_frame.f_globals.get("__name__")))
    return any(place.startswith(_OF_CONFIGURATION) for place in places)


__all__ = ["errors_as_sentences", "one_line", "print_error", "sentence_of"]
