"""Errors of MongoDB as one sentence, without anything that a URI may hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from likerank.errors import LikerankError


@contextmanager
def speaking_of(place: str, password_file: Path | None = None) -> Iterator[None]:
    """Turns the driver's errors inside a `with` statement into a LikerankError that names the server.

    Args:
        place: The server.
        password_file: The file that its password is read from; None where that is in the URI.

    Raises:
        LikerankError: Where the driver fails for a reason that a user can remove; it is not chained to the
            driver's own error, which may repeat the URI. Any other error passes unchanged.
    """
    why = ""
    try:
        yield
    except PyMongoError as error:
        why = _why(error, password_file)
        if not why:
            raise
    if why:
        # Outside the handler, so that not even __context__ leads to the driver's error.
        raise LikerankError(f"{place[0].upper()}{place[1:]} {why}.")


def _why(error: PyMongoError, password_file: Path | None) -> str:
    match error:
        case OperationFailure(code=18 | 13) if password_file is not None:
            return (
                f"does not accept the password in {password_file}: move that file away, and run the command "
                "again when no other has run for a minute; a new password is made then, and the data is kept"
            )
        case ServerSelectionTimeoutError():
            return "does not answer: check that it runs and is reachable from here"
        case OperationFailure(code=18):  # AuthenticationFailed
            return "refuses the user or the password of the URI; correct them"
        case OperationFailure(code=13):  # Unauthorized
            return "does not let the URI's user read and write; give it the role readWrite"
        case ConfigurationError():
            return "does not support the options of the URI; check them"
        case ConnectionFailure():
            return "stopped answering: run the command again; what was written is kept"
    return ""
