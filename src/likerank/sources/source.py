"""The interface of sources."""

from collections.abc import Iterator
from typing import Protocol

from likerank.records import LARGEST_COUNT, Record


def whole_number(value: object) -> int | None:
    """Returns a decoded JSON value as a count; None where it is not a whole number of 0 or more.

    Tools on the way write counts as floats (12.0) or as text ("12"); true and false are no counts.
    """
    number: int
    if isinstance(value, float):
        if not value.is_integer():
            return None
        number = int(value)
    elif isinstance(value, str) and value.isdecimal() and len(value) < 20:
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        return None
    return number if 0 <= number <= LARGEST_COUNT else None


class LeftOutError(Exception):
    """A record that cannot be used.

    Args:
        reason: A short phrase for the closing summary.
        message: The rest of a sentence that begins with the record's place; empty where nothing is wrong.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Source(Protocol):
    """A place that posts come from; it yields pictures unread."""

    def records(self) -> Iterator[Record]:
        """Yields the records in bounded memory, each author before the author's posts.

        Raises:
            LikerankError: If the place has no readable record.
        """

    def count(self) -> int | None:
        """Returns the approximate number of records, for a progress bar; None where counting is slow."""
