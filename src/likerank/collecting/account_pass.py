"""A pass over one account: each post's photo and counts, from the newest post back to the known ones."""

from datetime import UTC, datetime
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

_MOST_PINNED: Final = 3  # As in Instaloader.
_FRONT: Final = 24  # Two pages: posts seen there are not requested again in the next pass.
_ATTEMPTS: Final = 3


class AccountPass:
    """A pass over one account's posts.

    Args:
        instagram: Reads Instagram and writes the archive.
        profile: The account's current profile.
        account: The account's state; changed in place and written during the pass.
        state: Writes the account's state.
        observations: Receives the counts.
        wanted: The wanted posts.
        collected: Counts the pass.
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
        self._window_start = (datetime.now(UTC) - wanted.observation_window).timestamp()
        complete_until = state.complete_until(profile.username).timestamp()
        self._seen_until = 0.0 if self._goes_further_back() else min(complete_until, self._window_start)
        self._failed_in_a_row = 0

    def observe_profile(self) -> int | None:
        """Writes the account's file and current counts; returns the largest number of posts of the pass."""
        self._instagram.write_profile(self._profile, self._account.folder)
        node = instaloader.get_json_structure(self._profile)["node"]
        posts = nodes.post_count_of(node)
        self._observations.append(
            Author(
                source=INSTAGRAM,
                author_id=str(self._profile.userid),
                username=self._profile.username,
                followers=nodes.followers_of(node),
                post_count=posts,
                observed_at=utc_milliseconds(datetime.now(UTC)),
            )
        )
        return posts if self._wanted.count is None else min(self._wanted.count, posts or self._wanted.count)

    def run(self, progress: ProgressBars) -> None:
        """Visits the posts that are new or in the observation window."""
        self._try_pending()
        posts = self._instagram.posts(self._profile)
        current = self._resumed(posts) or self._begun(posts)
        self._account.current = current
        while self._wanted.count is None or current.number < self._wanted.count:
            try:
                post = self._next(posts, current)
                if post is None or not self._visit_if_wanted(post, current):
                    break
                self._failed_in_a_row = 0
            except PostRefusedError as error:
                if current.visiting is None:  # Its node was not available either.
                    current.frozen = _frozen_behind(posts)
                self._postpone(_shortcode_of(current.visiting) or _shortcodes(posts)[0], str(error))
            current.visiting = None
            current.number += 1
            self._state.keep(self._profile.userid, self._account)
            progress.advance()
        self._complete(current)

    def _next(self, posts: Posts, current: Pass) -> instaloader.Post | None:
        """Returns the post in progress, which the state keeps so that it is not requested again."""
        if current.visiting is not None:
            return self._instagram.post_of(current.visiting)
        post = self._instagram.next_post(posts)
        if post is not None:
            current.visiting = instaloader.get_json_structure(post)["node"]
            current.heard_at = datetime.now(UTC).timestamp()
            current.frozen = _frozen_behind(posts)
            self._state.keep(self._profile.userid, self._account)
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

    def _complete(self, current: Pass) -> None:
        # The stamp first: after a kill in between, the next pass finds this one at its end.
        self._state.complete(self._profile.username, current.newest)
        self._account.front = current.front
        self._account.count, self._account.since = self._wanted.count, self._since
        self._account.current = None
        self._state.keep(self._profile.userid, self._account)

    def _visit(self, post: instaloader.Post, heard_at: datetime) -> bool:
        """Writes a post's photo and counts; returns whether it has a photo."""
        node = instaloader.get_json_structure(post)["node"]
        try:
            photo = nodes.first_photo(node)
            observed = Post(
                source=INSTAGRAM,
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
        is_new = self._instagram.write_post(post, self._account.folder, photo)
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
        if tries < _ATTEMPTS:
            self._account.pending[shortcode] = tries
            self._collected.skipped[f"{why}, tried again next time"] += 1
        else:
            self._account.pending.pop(shortcode, None)
            self._collected.skipped[f"{why}, given up"] += 1
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= IN_A_ROW:
            raise AccountRefusedError(f"{IN_A_ROW} posts in a row: {why}", maybe_blocked=True)

    def _goes_further_back(self) -> bool:
        """Returns whether the pass wants older posts than the last complete one did."""
        more = self._account.count is not None and (
            self._wanted.count is None or self._wanted.count > self._account.count
        )
        return more or self._since < self._account.since

    def _begun(self, posts: Posts) -> Pass:
        """Begins a pass without the first page's known posts that are older than the observation window."""
        before = {} if self._goes_further_back() else self._account.front
        frozen = posts.freeze()
        data = dict(frozen.remaining_data or {})
        begun, kept = Pass(), []
        for place, edge in enumerate(data.get("edges", [])):
            shortcode = str(edge["node"].get("code"))
            if shortcode in self._account.pending:  # Just requested.
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
        current = self._account.current
        if current is None or (frozen := current.iterator()) is None:
            return None
        try:
            posts.thaw(frozen)
        except instaloader.InvalidArgumentException:
            return None
        return current


def _shortcodes(posts: Posts) -> list[str]:
    """Returns the shortcodes of the current page from the last post on, without a request."""
    remaining = posts.freeze().remaining_data or {}
    return [str(edge["node"].get("code")) for edge in remaining.get("edges", [])]


def _frozen_behind(posts: Posts) -> dict[str, object]:
    """Freezes a list after its last post.

    Instaloader's own freezing repeats that post, and keeps the newest one, which thawing would request again.
    """
    frozen = posts.freeze()
    data = dict(frozen.remaining_data or {})
    data["edges"] = data.get("edges", [])[1:]
    return frozen._replace(remaining_data=data, total_index=frozen.total_index + 1, first_node=None)._asdict()


def _shortcode_of(node: dict[str, Any] | None) -> str | None:
    return None if node is None else str(node.get("shortcode") or node.get("code"))
