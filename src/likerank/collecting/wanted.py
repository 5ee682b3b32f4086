"""The wanted posts of each account."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from likerank.errors import LikerankError


@dataclass(frozen=True, slots=True)
class Wanted:
    """The posts that a collection wants of each account."""

    count: int | None = None  # Number of posts, from the newest back; None: all.
    since: datetime | None = None  # Time of the oldest wanted post; None: no limit.
    observation_window: timedelta = timedelta(days=30)  # Up to this age counts are read again at each pass.

    @classmethod
    def from_options(cls, count: object, since: object, days: object) -> Self:
        """Checks `posts_per_account`, `since` and `observation_days`.

        Raises:
            LikerankError: If an option is invalid.
        """
        if count is not None and (not isinstance(count, int) or count < 1):
            raise LikerankError(
                f"posts_per_account is {count}; give a number from 1 on, or null for all posts."
            )
        if not isinstance(days, int | float) or days < 0:
            raise LikerankError(f"observation_days is {days}; give a number of days from 0 on.")
        first = None
        if since is not None:
            try:
                first = datetime.fromisoformat(str(since))
            except ValueError:
                raise LikerankError(f"since is {since}; give a date, such as 2026-01-01.") from None
            first = first.replace(tzinfo=first.tzinfo or UTC)
        return cls(count, first, timedelta(days=days))
