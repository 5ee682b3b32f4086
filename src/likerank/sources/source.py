"""The interface of sources."""

from collections.abc import Iterator
from typing import Protocol

from likerank.records import Record


class Source(Protocol):
    """A place that posts come from; it yields pictures unread."""

    def records(self) -> Iterator[Record]:
        """Yields the records in bounded memory, each author before the author's posts.

        Raises:
            LikerankError: If the place has no readable record.
        """
        ...

    def count(self) -> int | None:
        """Returns the approximate number of records, for a progress bar; None where counting is slow."""
        ...
