"""The accounts of the stand-in's site, their posts and what happens to them."""

from dataclasses import dataclass, field
from math import exp
from typing import Final, Literal

import numpy as np

from likerank.records import Picture

# What a random stream is for; the demo's own begin with 0 and 1, the site's go on with 3.
_FOLLOWERS: Final = 2

EventKind = Literal["renamed", "private", "deleted", "appears"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to an account.

    Attributes:
        kind: `renamed` (the id stays, the old name is gone), `private`, `deleted`, or `appears` (before,
            nothing of it is there).
        account: The account's first name.
        day: The first day on which it is so.
        name: The new name of a renamed account.
    """

    kind: EventKind
    account: str
    day: int
    name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """A post of the site; its counts on a day are the site's to tell.

    Attributes:
        id: Instagram's id: milliseconds since 2011-08-24, then 23 bits.
        code: The same as a shortcode.
        taken: When it was posted, seconds since 1970.
        picture: The (first) photo, or the thumbnail of a video.
        children: Which parts of a carousel are videos; empty for anything else.
        is_video: Whether it is a video.
        hidden: What stands in for the likes where they are hidden from those who are logged in; else None.
        caption: What was written under it, if anything.
        final_likes: Likes that it will have in the end.
        final_comments: Comments that it will have in the end.
        ripening: Days in which it gets 63 % of them.
    """

    id: int
    code: str
    taken: int
    picture: Picture
    children: tuple[bool, ...]
    is_video: bool
    hidden: int | None
    caption: str | None
    final_likes: int
    final_comments: int
    ripening: float


@dataclass(slots=True)
class Account:
    """An account of the site.

    Attributes:
        id: Its number on the platform.
        page_id: The other number by which a logged-out page speaks of it.
        number: Which author of the corpus it is.
        seed: Which corpus.
        first_name: Its name before any event.
        first_followers: Its followers on day 0, about.
        growth: By how much they grow in a day, as a share.
        posts: All its posts, past and to come, the oldest first.
        pinned: Which of them it pins at the front.
        events: What happens to it.
    """

    id: int
    page_id: int
    number: int
    seed: int
    first_name: str
    first_followers: int
    growth: float
    posts: list[Post] = field(default_factory=list)
    pinned: tuple[Post, ...] = ()
    events: list[Event] = field(default_factory=list)

    def name_on(self, day: int) -> str:
        """Returns the name it goes by."""
        names = [event for event in self.events if event.kind == "renamed" and event.day <= day]
        return max(names, key=lambda event: event.day).name or "" if names else self.first_name

    def exists_on(self, day: int) -> bool:
        """Returns whether it is there: has appeared and is not deleted."""
        return not self._has("deleted", day) and all(
            event.day <= day for event in self.events if event.kind == "appears"
        )

    def private_on(self, day: int) -> bool:
        """Returns whether it shows its posts to followers alone."""
        return self._has("private", day)

    def followers_on(self, day: int) -> int:
        """Returns its followers, who drift from day to day."""
        noise = np.random.default_rng((self.seed, _FOLLOWERS, self.number, day)).normal(0, 0.001)
        return round(self.first_followers * exp(self.growth * day + noise))

    def _has(self, kind: str, day: int) -> bool:
        return any(event.kind == kind and event.day <= day for event in self.events)
