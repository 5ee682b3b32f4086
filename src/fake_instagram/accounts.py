"""Accounts of the fake Instagram, their posts and their changes."""

from dataclasses import dataclass, field
from math import exp
from typing import Final, Literal

import numpy as np

from likerank.records import Picture

# Number of a random stream; the demo corpus has 0 and 1, the site the numbers from 3.
_FOLLOWERS: Final = 2

EventKind = Literal["renamed", "private", "deleted", "appears"]


@dataclass(frozen=True, slots=True)
class Event:
    """A change of an account."""

    kind: EventKind  # `renamed`: the id stays; `appears`: before that day the account does not exist.
    account: str  # The account's first name.
    day: int  # The first day of the change.
    name: str | None = None  # The new name of a renamed account.


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """A post of the site; `Site` computes its counts on a day."""

    id: int  # Instagram's id: milliseconds since 2011-08-24, then 23 bits.
    code: str  # The id as a shortcode.
    taken: int  # Time of posting, seconds since 1970.
    picture: Picture  # The (first) photo, or the thumbnail of a video.
    children: tuple[bool, ...]  # For each part of a carousel, whether it is a video; empty for other posts.
    is_video: bool
    hidden: int | None  # The number that logged-in visitors get for hidden likes; None where likes are shown.
    caption: str | None
    final_likes: int  # The limit of its likes as time passes.
    final_comments: int  # The limit of its comments.
    growth_days: float  # Days in which its counts reach 63 % of their limits.


@dataclass(slots=True)
class Account:
    """An account of the site."""

    id: int  # Its number on the platform.
    page_id: int  # Its other number, which logged-out pages use.
    number: int  # Its place among the corpus' authors.
    seed: int  # The corpus' seed.
    first_name: str  # Its name before any event.
    first_followers: int  # Its followers on day 0, about.
    growth: float  # Daily growth of the followers, as a share.
    posts: list[Post] = field(default_factory=list)  # Past and future posts, the oldest first.
    pinned: tuple[Post, ...] = ()
    events: list[Event] = field(default_factory=list)

    def name_on(self, day: int) -> str:
        """Returns the account's name."""
        names = [event for event in self.events if event.kind == "renamed" and event.day <= day]
        return max(names, key=lambda event: event.day).name or "" if names else self.first_name

    def exists_on(self, day: int) -> bool:
        """Returns whether the account has appeared and is not deleted."""
        return not self._has("deleted", day) and all(
            event.day <= day for event in self.events if event.kind == "appears"
        )

    def private_on(self, day: int) -> bool:
        """Returns whether the account shows its posts to followers only."""
        return self._has("private", day)

    def followers_on(self, day: int) -> int:
        """Returns the number of followers, which drifts from day to day."""
        noise = np.random.default_rng((self.seed, _FOLLOWERS, self.number, day)).normal(0, 0.001)
        return round(self.first_followers * exp(self.growth * day + noise))

    def _has(self, kind: str, day: int) -> bool:
        return any(event.kind == kind and event.day <= day for event in self.events)
