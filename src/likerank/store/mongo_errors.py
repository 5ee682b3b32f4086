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

_AUTHENTICATION_FAILED = 18
_UNAUTHORIZED = 13


@contextmanager
def speaking_of(place: str) -> Iterator[None]:
    """Turns the driver's errors inside a `with` statement into a LikerankError about the place.

    Args:
        place: The server and its address, without user or password.

    Raises:
        LikerankError: Where the driver fails for a reason that a user can remove; it is not chained to the
            driver's own error, which may repeat the URI. Any other error passes unchanged.
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
        return f"{_capital(place)} does not answer: check that it runs and is reachable from here."
    if isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED:
        return f"{_capital(place)} refuses the user or the password of the URI; correct them."
    if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
        return f"{_capital(place)} does not let the URI's user read and write; give it the role readWrite."
    if isinstance(error, ConfigurationError):
        return f"{_capital(place)} does not support the options of the URI; check them."
    if isinstance(error, ConnectionFailure):
        return f"{_capital(place)} stopped answering: run the command again; what was written is kept."
    return ""


def _capital(place: str) -> str:
    return place[0].upper() + place[1:]
