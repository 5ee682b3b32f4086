"""What every place that posts come from can do."""

from collections.abc import Iterator
from typing import Protocol

from likerank.records import Record


class Source(Protocol):
    """A place that posts come from. It never decodes a picture: whoever needs the bytes reads them later."""

    def records(self) -> Iterator[Record]:
        """Yields what the place holds, in bounded memory, each author before their posts.

        Raises:
            LikerankError: If nothing at all can be had from the place.
        """
        ...

    def count(self) -> int | None:
        """Returns about how many records there are, for a progress bar, or None where that is not cheap."""
        ...
