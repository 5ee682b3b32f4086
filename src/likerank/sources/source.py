"""The interface of sources."""

from collections.abc import Iterator
from typing import Final, Protocol

from likerank.records import Record

LARGEST_COUNT: Final = 2**63 - 1
"""The largest whole number that a database stores."""


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
