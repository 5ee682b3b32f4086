"""A pass over one account: each post's photo and counts, from the newest post back to the known ones."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any, Final

import instaloader

from likerank.collecting.errors import IN_A_ROW, AccountRefusedError, PostRefusedError
from likerank.collecting.progress import ProgressBars
from likerank.collecting.session import Instagram, Posts
from likerank.collecting.state import AccountState, CollectState, Pass
from likerank.collecting.summary import Collected
from likerank.collecting.wanted import Wanted
from likerank.records import NO_PICTURE, Author, Post, utc_milliseconds
from likerank.sources import nodes
from likerank.sources.archive import INSTAGRAM
from likerank.sources.observations import ObservationLog
from likerank.sources.source import LeftOutError

_MOST_PINNED: Final = 3  # As in Instaloader.
_FRONT: Final = 24  # Two pages: posts seen there are not requested again in the next pass.
_ATTEMPTS: Final = 3


@dataclass
class AccountPass:
    """A pass over one account's posts."""

    instagram: Instagram
    profile: instaloader.Profile
    account: AccountState  # Changed in place, and written during the pass.
    state: CollectState
    observations: ObservationLog
    wanted: Wanted
    collected: Collected  # Counts the pass.

    def __post_init__(self) -> None:
        self._since = 0.0 if self.wanted.since is None else self.wanted.since.timestamp()
        self._window_start = (datetime.now(UTC) - self.wanted.observation_window).timestamp()
        complete_until = self.state.complete_until(self.profile.username).timestamp()
        self._seen_until = 0.0 if self._goes_further_back() else min(complete_until, self._window_start)
        self._failed_in_a_row = 0

    def observe_profile(self) -> int | None:
        """Writes the account's file and current counts; returns the largest number of posts of the pass."""
        self.instagram.write_profile(self.profile, self.account.folder)
        counts = nodes.profile_fields(instaloader.get_json_structure(self.profile)["node"])
        self.observations.append(
            Author(
                source=INSTAGRAM,
                author_id=str(self.profile.userid),
                username=self.profile.username,
                observed_at=utc_milliseconds(datetime.now(UTC)),
                **counts,
            )
        )
        posts: int | None = counts["post_count"]
        return posts if self.wanted.count is None else min(self.wanted.count, posts or self.wanted.count)

    def run(self, progress: ProgressBars) -> None:
        """Visits the posts that are new or in the observation window."""
        self._try_pending()
        posts = self.instagram.posts(self.profile)
        current = self._resumed(posts) or self._begun(posts)
        self.account.current = current
        while self.wanted.count is None or current.number < self.wanted.count:
            try:
                post = self._next(posts, current)
                if post is None or not self._visit_if_wanted(post, current):
                    break
                self._failed_in_a_row = 0
            except PostRefusedError as error:
                if node := current.visiting:
                    shortcode = node.get("shortcode") or node.get("code")
                else:  # Its node was not available either.
                    shortcode = _edges(posts.freeze())[0]["node"].get("code")
                    current.frozen = _frozen_behind(posts)
                self._postpone(str(shortcode), str(error))
            current.visiting = None
            current.number += 1
            self.state.keep(self.profile.userid, self.account)
            progress.advance()
        # The stamp first: after a kill in between, the next pass finds this one at its end.
        self.state.complete(self.profile.username, current.newest)
        self.account.front = current.front
        self.account.count, self.account.since = self.wanted.count, self._since
        self.account.current = None
        self.state.keep(self.profile.userid, self.account)

    def _next(self, posts: Posts, current: Pass) -> instaloader.Post | None:
        """Returns the post in progress, which the state keeps so that it is not requested again."""
        if current.visiting is not None:
            return self.instagram.post_of(current.visiting)
        post = self.instagram.next_post(posts)
        if post is not None:
            current.visiting = instaloader.get_json_structure(post)["node"]
            current.heard_at = datetime.now(UTC).timestamp()
            current.frozen = _frozen_behind(posts)
            self.state.keep(self.profile.userid, self.account)
        return post

    def _visit_if_wanted(self, post: instaloader.Post, current: Pass) -> bool:
        """Visits a post if it is wanted; returns whether older posts may be wanted."""
        at = post.date_utc.replace(tzinfo=UTC).timestamp()
        is_old = at <= self._seen_until or at < self._since
        current.newest = max(current.newest, at)
        if is_front := len(current.front) < _FRONT:
            current.front[post.shortcode] = -at
        is_photo = is_old or self._visit(post, datetime.fromtimestamp(current.heard_at, UTC))
        if is_front and is_photo:
            current.front[post.shortcode] = at
        return not is_old or current.number < _MOST_PINNED

    def _visit(self, post: instaloader.Post, heard_at: datetime) -> bool:
        """Writes a post's photo and counts; returns whether it has a photo."""
        node = instaloader.get_json_structure(post)["node"]
        try:
            photo = nodes.first_photo(node)
            observed = Post(
                source=INSTAGRAM,
                source_id=nodes.media_id_of(node),
                author_id=str(nodes.at(node, "owner", "id") or self.profile.userid),
                username=str(nodes.at(node, "owner", "username") or self.profile.username).lower(),
                picture=NO_PICTURE,
                observed_at=utc_milliseconds(heard_at),
                **nodes.post_fields(node),
            )
        except LeftOutError as error:
            self.collected.skipped[error.reason] += 1
            return False
        is_new = self.instagram.write_post(post, self.account.folder, photo)
        self.observations.append(observed)
        self.collected.new += is_new
        self.collected.observed += not is_new
        self.collected.hidden += observed.likes is None
        return True

    def _try_pending(self) -> None:
        for shortcode in list(self.account.pending):
            try:
                self._visit(self.instagram.post(shortcode), datetime.now(UTC))
                del self.account.pending[shortcode]
            except PostRefusedError as error:
                self._postpone(shortcode, str(error))
            self.state.keep(self.profile.userid, self.account)

    def _postpone(self, shortcode: str, why: str) -> None:
        tries = self.account.pending.get(shortcode, 0) + 1
        if tries < _ATTEMPTS:
            self.account.pending[shortcode] = tries
            self.collected.skipped[f"{why}, tried again next time"] += 1
        else:
            self.account.pending.pop(shortcode, None)
            self.collected.skipped[f"{why}, given up"] += 1
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= IN_A_ROW:
            raise AccountRefusedError(f"{IN_A_ROW} posts in a row: {why}", maybe_blocked=True)

    def _goes_further_back(self) -> bool:
        """Returns whether the pass wants older posts than the last complete one did."""
        more = (self.wanted.count or inf) > (self.account.count or inf)
        return more or self._since < self.account.since

    def _begun(self, posts: Posts) -> Pass:
        """Begins a pass without the first page's known posts that are older than the observation window."""
        before = {} if self._goes_further_back() else self.account.front
        frozen = posts.freeze()
        data: dict[str, Any] = {**(frozen.remaining_data or {})}
        begun, kept = Pass(), []
        for place, edge in enumerate(_edges(frozen)):
            shortcode = str(edge["node"].get("code"))
            if shortcode in self.account.pending:  # Just requested.
                continue
            at = before.get(shortcode)
            if at is None or at > self._window_start:
                kept.append(edge)
                continue
            begun.front[shortcode] = at
            begun.number += 1
            if place >= _MOST_PINNED and abs(at) <= self._window_start:
                data["page_info"] = {"has_next_page": False}
                break
        posts.thaw(frozen._replace(remaining_data=data | {"edges": kept}))
        return begun

    def _resumed(self, posts: Posts) -> Pass | None:
        """Returns the interrupted pass, if Instaloader can continue it."""
        current = self.account.current
        if current is not None and (frozen := current.iterator()) is not None:
            with suppress(instaloader.InvalidArgumentException):
                posts.thaw(frozen)
                return current
        return None


def _edges(frozen: instaloader.FrozenNodeIterator) -> list[Any]:
    """Returns the current page's posts from the last post on, without a request."""
    edges: list[Any] = (frozen.remaining_data or {}).get("edges", [])
    return edges


def _frozen_behind(posts: Posts) -> dict[str, object]:
    """Freezes a list after its last post.

    Instaloader's own freezing repeats that post, and keeps the newest one, which thawing would request again.
    """
    frozen = posts.freeze()
    data = (frozen.remaining_data or {}) | {"edges": _edges(frozen)[1:]}
    return frozen._replace(remaining_data=data, total_index=frozen.total_index + 1, first_node=None)._asdict()
