"""What MongoDB refuses or suffers, in one sentence without what a URI may hold."""

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

_AUTHENTICATION_FAILED = 18
_UNAUTHORIZED = 13


@contextmanager
def speaking_of(place: str) -> Iterator[None]:
    """Turns the driver's failures inside a `with` statement into a LikerankError about the place.

    Args:
        place: The server and where it is, without user or password.

    Raises:
        LikerankError: Where the driver fails for what a user can mend; nothing of the driver's own error
            hangs on it, since that may repeat the URI. Anything else passes unchanged.
    """
    sentence = ""
    try:
        yield
    except PyMongoError as error:
        sentence = _sentence(error, place)
        if not sentence:
            raise
    if sentence:
        # Outside the handler, so that not even __context__ leads to the driver's error.
        raise LikerankError(sentence)


def _sentence(error: PyMongoError, place: str) -> str:
    if isinstance(error, ServerSelectionTimeoutError):
        return f"{_capital(place)} does not answer: check that it runs and can be reached from here."
    if isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED:
        return f"{_capital(place)} refuses the user or the password of the URI."
    if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
        return f"{_capital(place)} does not let the URI's user read and write; give it the role readWrite."
    if isinstance(error, ConfigurationError):
        return f"{_capital(place)} cannot be used with the options of the URI; check them."
    if isinstance(error, ConnectionFailure):
        return f"{_capital(place)} stopped answering: run the command again; what was written is kept."
    return ""


def _capital(place: str) -> str:
    return place[0].upper() + place[1:]
