"""Errors of MongoDB as one sentence, without anything that a URI may hold."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from likerank.errors import LikerankError


@contextmanager
def speaking_of(place: str) -> Iterator[None]:
    """Turns the driver's errors inside a `with` statement into a LikerankError that names the server.

    Raises:
        LikerankError: Where the driver fails for a reason that a user can remove; it is not chained to the
            driver's own error, which may repeat the URI. Any other error passes unchanged.
    """
    why = ""
    try:
        yield
    except PyMongoError as error:
        why = _why(error)
        if not why:
            raise
    if why:
        # Outside the handler, so that not even __context__ leads to the driver's error.
        raise LikerankError(f"{place[0].upper()}{place[1:]} {why}.")


def _why(error: PyMongoError) -> str:
    match error:
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
