"""The fake Instagram's accounts, posts and counts on each day."""

from base64 import urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime
from math import exp
from typing import Final, get_args

import numpy as np

from fake_instagram.accounts import Account, Event, EventKind, Post
from likerank.errors import LikerankError
from likerank.records import Author, Picture
from likerank.records import Post as Record
from likerank.sources.synthetic.demo import Demo, DrawnPicture
from likerank.sources.synthetic.landscapes import sample_scene

_DAY: Final = 86_400
_FIRST_INSTANT: Final = (
    1_314_220_021_721  # Milliseconds since 1970: the origin of the time in Instagram's ids.
)
_ID_BITS: Final = 23  # The low bits of an id, which distinguish posts of one millisecond.
_VIDEO, _CAROUSEL, _HIDDEN, _NO_CAPTION = 0.08, 0.20, 0.05, 0.04  # Shares of the posts.
_VIDEO_CHILD: Final = 0.2
_GROWTH_DAYS: Final = (1.5, 6.0)  # Shortest and longest time in which a post gets 63 % of its likes.
_GROWTH: Final = (0.0005, 0.001)  # Mean and deviation over accounts of the followers' growth a day.

# Numbers of random streams; the demo corpus has 0 and 1, the accounts 2.
_POSTS, _ACCOUNT, _CHILD, _PINS, _FACE = 3, 4, 5, 6, 7

PAGE_LENGTH: Final = 12
"""Posts on a page of a timeline."""


class Site:
    """The planted demo corpus as the accounts and posts of a site, day by day.

    Day d has the posts taken before `start` + d days, with the likes and comments of that day:
    final count x (1 - exp(-age / growth_days)). The arguments and the day determine everything.

    Attributes:
        day: Today; may be set at any time.
        accounts: All accounts, whether they exist today or not.
    """

    def __init__(
        self,
        posts: int = 1080,
        authors: int = 27,
        seed: int = 0,
        start: datetime | str = datetime(2026, 1, 1, tzinfo=UTC),
        day: int = 0,
        history_days: int = 400,
        coming_days: int = 40,
        events: Sequence[Event] = (),
    ) -> None:
        """Makes the accounts and the data of their posts; pictures are drawn when they are read.

        Args:
            posts: Posts of all accounts together, before and after `start`.
            authors: How many accounts share the posts, unevenly.
            seed: The corpus' seed, 0 or more.
            start: The time of day 0 (UTC), also as text in ISO format.
            day: The initial day.
            history_days: Number of days with posts before `start`.
            coming_days: Number of days with posts after it.
            events: Changes of accounts.

        Raises:
            LikerankError: If the corpus is invalid, `start` is no date, an event names an unknown
                account, or a renamed account gets no new name or another account's.
        """
        demo = Demo("planted", posts, authors, seed)
        self.start = _seconds(start)
        self.day = day
        self.seed = seed
        self.accounts: list[Account] = []
        numbers: dict[str, Account] = {}
        records: list[Record] = []
        for record in demo.records():
            if isinstance(record, Author):
                self.accounts.append(numbers.setdefault(record.author_id, self._account(record, authors)))
            elif isinstance(record, Record):
                records.append(record)
        chances = np.random.default_rng((seed, _POSTS)).random((posts, 8))
        taken = _all_different(chances[:, 0] * (history_days + coming_days) * _DAY)
        taken += self.start - history_days * _DAY
        for index in np.argsort(taken).tolist():
            post = _post(records[index], index, int(taken[index]), chances[index].tolist())
            numbers[records[index].author_id].posts.append(post)
        for account in self.accounts:
            account.pinned = self._pinned(account)
        self._owners = {post.code: (account, post) for account in self.accounts for post in account.posts}
        self._by_id = {account.id: account for account in self.accounts}
        self._by_page_id = {account.page_id: account for account in self.accounts}
        for event in events:
            self._add(event)

    def now(self) -> int:
        """Returns the time of today, seconds since 1970."""
        return self.start + self.day * _DAY

    def account_named(self, name: str) -> Account | None:
        """Returns the account that has the name today."""
        return next((a for a in self.accounts if a.name_on(self.day) == name and a.exists_on(self.day)), None)

    def account_of_id(self, number: int) -> Account | None:
        """Returns the account with the id, where it exists today."""
        return self._existing(self._by_id.get(number))

    def account_of_page_id(self, number: int) -> Account | None:
        """Returns the account with the number that logged-out pages use, where it exists today."""
        return self._existing(self._by_page_id.get(number))

    def post_of_code(self, code: str) -> tuple[Account, Post] | tuple[None, None]:
        """Returns the account and the post of a shortcode, where both exist today."""
        account, post = self._owners.get(code, (None, None))
        if account is None or post is None or post.taken >= self.now() or not account.exists_on(self.day):
            return None, None
        return account, post

    def post_count(self, account: Account) -> int:
        """Returns the number of posts that the account has today."""
        return bisect_left(account.posts, self.now(), key=lambda post: post.taken)

    def timeline(self, account: Account, after: int | None) -> tuple[list[Post], bool]:
        """Returns a page of an account's posts and whether there are more.

        Pinned posts come first and are not repeated at their date; the others follow, the newest first.

        Args:
            account: The account.
            after: The id of the last post of the previous page; None for the first page.
        """
        if account.private_on(self.day):
            return [], False
        end = self.post_count(account)
        if after is not None:
            end = min(end, bisect_left(account.posts, after, key=lambda post: post.id))
        page = list(account.pinned if after is None else ())
        while end and len(page) < PAGE_LENGTH:
            end -= 1
            if account.posts[end] not in account.pinned:
                page.append(account.posts[end])
        return page, any(post not in account.pinned for post in account.posts[max(0, end - 4) : end])

    def likes(self, post: Post) -> int:
        """Returns the likes that the post has today, hidden or not."""
        return round(post.final_likes * self._share_reached(post))

    def comments(self, post: Post) -> int:
        """Returns the comments that the post has today."""
        return round(post.final_comments * self._share_reached(post))

    def picture(self, post: Post, part: int) -> Picture:
        """Returns the picture of a post or of a part of a carousel, counted from 0."""
        if part == 0:
            return post.picture
        return DrawnPicture(sample_scene(np.random.default_rng((self.seed, _CHILD, post.id, part))))

    def face(self, account: Account) -> Picture:
        """Returns the account's profile picture."""
        return DrawnPicture(sample_scene(np.random.default_rng((self.seed, _FACE, account.number))))

    def _share_reached(self, post: Post) -> float:
        return 1 - exp(-max(0, self.now() - post.taken) / (_DAY * post.growth_days))

    def _existing(self, account: Account | None) -> Account | None:
        return account if account is not None and account.exists_on(self.day) else None

    def _account(self, author: Author, authors: int) -> Account:
        number = len(self.accounts)
        rng = np.random.default_rng((self.seed, _ACCOUNT, authors, number))
        return Account(
            id=int(rng.integers(10**9, 6 * 10**10)),
            page_id=17_841_400_000_000_000 + int(rng.integers(10**11)),
            number=number,
            seed=self.seed,
            first_name=author.username,
            first_followers=author.followers or 0,
            growth=float(rng.normal(*_GROWTH)),
        )

    def _pinned(self, account: Account) -> tuple[Post, ...]:
        old = account.posts[: bisect_left(account.posts, self.start, key=lambda post: post.taken) // 2]
        rng = np.random.default_rng((self.seed, _PINS, account.number))
        # 0 to 3 pinned posts, so that a small site has each number.
        count = min(account.number % 4, len(old))
        return tuple(old[place] for place in rng.choice(len(old), count, replace=False)) if count else ()

    def _add(self, event: Event) -> None:
        if event.kind not in get_args(EventKind):
            raise LikerankError(
                f"An event cannot have the kind {event.kind!r}; give one of {', '.join(get_args(EventKind))}."
            )
        account = next((one for one in self.accounts if one.first_name == event.account), None)
        if account is None:
            names = ", ".join(one.first_name for one in self.accounts)
            raise LikerankError(
                f"An event names the unknown account {event.account}; the accounts are {names}."
            )
        if event.kind == "renamed" and (
            not event.name or any(one.first_name == event.name for one in self.accounts)
        ):
            raise LikerankError(
                f"The event that renames {event.account} needs a name that no other account has."
            )
        account.events.append(event)


def _seconds(start: datetime | str) -> int:
    try:
        moment = datetime.fromisoformat(start) if isinstance(start, str) else start
    except ValueError as error:
        raise LikerankError(f"site.start is {start!r}; give a date such as 2026-01-01.") from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _post(record: Record, index: int, taken: int, chances: list[float]) -> Post:
    _, kind, hidden, hidden_as, parts, growth, words, sub_second = chances
    milliseconds = taken * 1000 + int(1000 * sub_second) - _FIRST_INSTANT
    media_id = milliseconds << _ID_BITS | index
    is_carousel = _VIDEO <= kind < _VIDEO + _CAROUSEL
    return Post(
        id=media_id,
        code=shortcode(media_id),
        taken=taken,
        picture=record.picture,
        children=_children(parts) if is_carousel else (),
        is_video=kind < _VIDEO,
        hidden=None if hidden >= _HIDDEN else (-1 if hidden_as < 0.5 else 3),
        caption=None if words < _NO_CAPTION else _caption(record.username, words),
        final_likes=record.likes or 0,
        final_comments=record.comments or 0,
        growth_days=_GROWTH_DAYS[0] + growth * (_GROWTH_DAYS[1] - _GROWTH_DAYS[0]),
    )


def shortcode(media_id: int) -> str:
    """Returns the id in Instagram's base 64, as in a post's address."""
    return urlsafe_b64encode(media_id.to_bytes(9, "big")).decode().lstrip("A")


def _children(chance: float) -> tuple[bool, ...]:
    """Returns for each of 2 to 5 parts whether it is a video; the first never is."""
    count, rest = divmod(chance * 4, 1)
    kinds = [False]
    for _ in range(int(count) + 1):
        share, rest = rest, rest * 7.3 % 1
        kinds.append(share < _VIDEO_CHILD)
    return tuple(kinds)


def _caption(username: str, chance: float) -> str:
    mood, place = username.split("_")[:2]
    seasons = ("Spring", "Summer", "Autumn", "Winter", "Fog", "First snow", "Blue hour", "After the rain")
    return f"{seasons[int(chance * len(seasons))]} above the {mood} {place} 🏔\n#{place} #drawn"


def _all_different(
    seconds: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Returns distinct whole seconds, since Instaloader names files by them."""
    order = np.argsort(seconds)
    ranks = np.arange(len(seconds))
    different = np.empty(len(seconds), np.int64)
    different[order] = np.maximum.accumulate(seconds[order].astype(np.int64) - ranks) + ranks
    return different
