"""A pass over one account: from its newest post back to what is known, each post's photo and counts."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import instaloader

from likerank.collecting.errors import AccountRefusedError, PostRefusedError
from likerank.collecting.session import Instagram, Posts
from likerank.collecting.state import AccountState, CollectState, Pass
from likerank.records import NO_PICTURE, Author, Post, utc_milliseconds
from likerank.sources import nodes
from likerank.sources.observations import ObservationLog

SOURCE: Final = "instagram"
FORGOTTEN: Final = "forgotten"
"""The reason by which accounts are counted that are not to be collected."""
_MOST_PINNED: Final = 3  # As Instaloader has it.
_FRONT: Final = 24  # Twice a page: what was seen there is not asked for again the next time.
_TRIES: Final = 3
_IN_A_ROW: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which posts are wanted of each account.

    Attributes:
        count: How many, from the newest back; None: all.
        since: From when on; None: from the first.
        ripen: How long after a post its counts are observed again at each pass.
    """

    count: int | None = None
    since: datetime | None = None
    ripen: timedelta = timedelta(days=30)


@dataclass(slots=True)
class Collected:
    """What a pass over one account brought.

    Attributes:
        new: Posts that are new in the archive.
        observed: Posts that were there, and whose counts were observed again.
        hidden: Posts among them whose likes Instagram hides.
        skipped: Posts that were left out, by reason.
    """

    new: int = 0
    observed: int = 0
    hidden: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class Watcher(Protocol):
    """Is told how a pass goes on."""

    def begin(self, username: str, posts: int | None) -> None:
        """A pass begins, over about so many posts."""

    def advance(self) -> None:
        """One more post was gone through."""


class AccountPass:
    """A pass over one account's posts.

    Args:
        instagram: Where to look, and where to keep what is seen.
        profile: The account as seen now.
        account: What is known of it; changed in place and written down as the pass goes on.
        state: Where that is written down.
        observations: Where counts are added.
        wanted: Which posts.
        collected: What the pass brings is counted here.
    """

    def __init__(
        self,
        instagram: Instagram,
        profile: instaloader.Profile,
        account: AccountState,
        state: CollectState,
        observations: ObservationLog,
        wanted: Wanted,
        collected: Collected,
    ) -> None:
        self._instagram = instagram
        self._profile = profile
        self._account = account
        self._state = state
        self._observations = observations
        self._wanted = wanted
        self._collected = collected
        self._since = 0.0 if wanted.since is None else wanted.since.timestamp()
        self._ripens_after = (datetime.now(UTC) - wanted.ripen).timestamp()
        complete_until = state.complete_until(profile.username).timestamp()
        self._seen_until = 0.0 if self._reaches_further() else min(complete_until, self._ripens_after)
        self._refused_in_a_row = 0

    def see_profile(self) -> int | None:
        """Keeps the account's file and its counts of now; returns how many posts the pass may meet."""
        self._instagram.keep_profile(self._profile, self._account.folder)
        node = instaloader.get_json_structure(self._profile)["node"]
        posts = nodes.post_count_of(node)
        self._observations.append(
            Author(
                source=SOURCE,
                author_id=str(self._profile.userid),
                username=self._profile.username,
                followers=nodes.followers_of(node),
                post_count=posts,
                observed_at=utc_milliseconds(datetime.now(UTC)),
            )
        )
        return posts if self._wanted.count is None else min(self._wanted.count, posts or self._wanted.count)

    def run(self, watcher: Watcher) -> None:
        """Goes through the posts that are new or whose counts ripen."""
        self._try_pending()
        posts = self._instagram.posts(self._profile)
        current = self._resumed(posts) or self._begun(posts)
        self._account.current = current
        while self._wanted.count is None or current.number < self._wanted.count:
            try:
                post = self._next(posts, current)
                if post is None or not self._go_through(post, current):
                    break
                self._refused_in_a_row = 0
            except PostRefusedError as error:
                if current.visiting is None:  # Nothing could be heard of it.
                    current.frozen = _frozen_behind(posts)
                self._postpone(_shortcode_of(current.visiting) or _shortcodes(posts)[0], str(error))
            current.visiting = None
            current.number += 1
            self._state.keep(self._profile.userid, self._account)
            watcher.advance()
        self._complete(current)

    def _next(self, posts: Posts, current: Pass) -> instaloader.Post | None:
        """Returns the post to go through, and notes it: whatever happens, it is not asked for again."""
        if current.visiting is not None:
            return self._instagram.post_heard_of(current.visiting)
        post = self._instagram.next_post(posts)
        if post is not None:
            current.visiting = instaloader.get_json_structure(post)["node"]
            current.heard_at = datetime.now(UTC).timestamp()
            current.frozen = _frozen_behind(posts)
            self._state.keep(self._profile.userid, self._account)
        return post

    def _go_through(self, post: instaloader.Post, current: Pass) -> bool:
        """Visits a post where it is wanted; returns whether the posts behind it may be wanted too."""
        at = post.date_utc.replace(tzinfo=UTC).timestamp()
        is_old = at <= self._seen_until or at < self._since
        current.newest = max(current.newest, at)
        if is_front := len(current.front) < _FRONT:
            current.front[post.shortcode] = -at
        is_photo = is_old or self._visit(post, datetime.fromtimestamp(current.heard_at, UTC))
        if is_front and is_photo:
            current.front[post.shortcode] = at
        return not is_old or current.number < _MOST_PINNED

    def _complete(self, current: Pass) -> None:
        # The stamp first: killed in between, the next pass finds this one at its end.
        self._state.complete(self._profile.username, current.newest)
        self._account.front = current.front
        self._account.count, self._account.since = self._wanted.count, self._since
        self._account.current = None
        self._state.keep(self._profile.userid, self._account)

    def _visit(self, post: instaloader.Post, heard_at: datetime) -> bool:
        """Keeps a post's photo and counts; returns whether it is one whose counts can ripen."""
        node = instaloader.get_json_structure(post)["node"]
        try:
            photo = nodes.first_photo(node)
            observed = Post(
                source=SOURCE,
                source_id=nodes.media_id_of(node),
                author_id=str(nodes.at(node, "owner", "id") or self._profile.userid),
                username=str(nodes.at(node, "owner", "username") or self._profile.username).lower(),
                picture=NO_PICTURE,
                likes=nodes.likes_of(node),
                comments=nodes.comments_of(node),
                posted_at=nodes.posted_at_of(node),
                observed_at=utc_milliseconds(heard_at),
            )
        except nodes.LeftOutError as error:
            self._collected.skipped[error.reason] += 1
            return False
        is_new = self._instagram.keep_post(post, self._account.folder, photo)
        self._observations.append(observed)
        self._collected.new += is_new
        self._collected.observed += not is_new
        self._collected.hidden += observed.likes is None
        return True

    def _try_pending(self) -> None:
        for shortcode in list(self._account.pending):
            try:
                self._visit(self._instagram.post(shortcode), datetime.now(UTC))
                del self._account.pending[shortcode]
            except PostRefusedError as error:
                self._postpone(shortcode, str(error))
            self._state.keep(self._profile.userid, self._account)

    def _postpone(self, shortcode: str, why: str) -> None:
        tries = self._account.pending.get(shortcode, 0) + 1
        if tries < _TRIES:
            self._account.pending[shortcode] = tries
            self._collected.skipped[f"{why}, tried again next time"] += 1
        else:
            self._account.pending.pop(shortcode, None)
            self._collected.skipped[f"{why}, given up"] += 1
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= _IN_A_ROW:
            raise AccountRefusedError(f"{_IN_A_ROW} posts in a row: {why}", maybe_us=True)

    def _reaches_further(self) -> bool:
        """Returns whether older posts are wanted than the last complete pass was asked for."""
        more = self._account.count is not None and (
            self._wanted.count is None or self._wanted.count > self._account.count
        )
        return more or self._since < self._account.since

    def _begun(self, posts: Posts) -> Pass:
        """Begins a pass; what was on the first page before and has ripened is not asked for again."""
        before = {} if self._reaches_further() else self._account.front
        frozen = posts.freeze()
        data = dict(frozen.remaining_data or {})
        begun, kept = Pass(), []
        for place, edge in enumerate(data.get("edges", [])):
            shortcode = str(edge["node"].get("code"))
            if shortcode in self._account.pending:  # Just tried.
                continue
            at = before.get(shortcode)
            if at is None or at > self._ripens_after:
                kept.append(edge)
                continue
            begun.front[shortcode] = at
            begun.number += 1
            if place >= _MOST_PINNED and abs(at) <= self._ripens_after:
                data["page_info"] = {"has_next_page": False}
                break
        posts.thaw(frozen._replace(remaining_data=data | {"edges": kept}))
        return begun

    def _resumed(self, posts: Posts) -> Pass | None:
        """Takes up the pass that was cut short, where Instaloader can go on with it."""
        current = self._account.current
        if current is None or (frozen := current.iterator()) is None:
            return None
        try:
            posts.thaw(frozen)
        except instaloader.InvalidArgumentException:
            return None
        return current


def _shortcodes(posts: Posts) -> list[str]:
    """Returns the posts of the present page, without asking for any: from the last one on."""
    remaining = posts.freeze().remaining_data or {}
    return [str(edge["node"].get("code")) for edge in remaining.get("edges", [])]


def _frozen_behind(posts: Posts) -> dict[str, object]:
    """Freezes a list behind the post that it gave last.

    Instaloader's own freezing gives that post once more, and keeps the newest post, which it would ask for
    again when it is thawed.
    """
    frozen = posts.freeze()
    data = dict(frozen.remaining_data or {})
    data["edges"] = data.get("edges", [])[1:]
    return frozen._replace(remaining_data=data, total_index=frozen.total_index + 1, first_node=None)._asdict()


def _shortcode_of(node: dict[str, Any] | None) -> str | None:
    return None if node is None else str(node.get("shortcode") or node.get("code"))
