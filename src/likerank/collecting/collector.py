"""The collector: one account after another, each post's picture and counts into an archive."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import instaloader

from likerank.collecting.account_pass import AccountPass
from likerank.collecting.accounts import AccountList
from likerank.collecting.errors import IN_A_ROW, AccountRefusedError, PostRefusedError, SiteRefusedError
from likerank.collecting.progress import ProgressBars
from likerank.collecting.session import Instagram
from likerank.collecting.state import AccountState, CollectState
from likerank.collecting.summary import FORGOTTEN, Collected, CollectSummary
from likerank.collecting.wanted import Wanted
from likerank.sources.archive import INSTAGRAM
from likerank.sources.observations import OBSERVATIONS, ObservationLog
from likerank.sources.opt_out import OptOutList

_log: Final = logging.getLogger(__name__)


@dataclass
class Collector:
    """Collects accounts into an archive.

    An account's pass goes from the newest post back to the newest post of the last complete pass, and further
    to the end of the observation window. The state is written after each post: an interrupted pass continues
    with the post that was in progress, and an interrupted collection skips the accounts that were complete.
    """

    instagram: Instagram
    archive: Path  # The archive that `instagram` writes.
    wanted: Wanted
    opt_out: OptOutList
    progress: ProgressBars

    def __post_init__(self) -> None:
        self._state = CollectState(self.archive)
        self._observations = ObservationLog(self.archive / OBSERVATIONS)
        self._done = self._state.done_before(repr(self.wanted))
        self._seen: set[int] = set()
        self._failed_in_a_row = 0

    def collect(self, accounts: AccountList) -> CollectSummary:
        """Collects the accounts, in their order, until Instagram blocks the visitor."""
        summary = CollectSummary(listed=len(accounts.usernames), failed=dict(accounts.refused))
        for username in accounts.usernames:
            collected = Collected()
            outcome = "complete"
            try:
                self._collect_unless_done(username, collected)
                summary.accounts += 1
            except AccountRefusedError as error:
                outcome = summary.failed[username] = error.reason
            except SiteRefusedError as error:
                outcome = summary.stopped = str(error)
            summary.add(collected)
            if not collected.skipped[FORGOTTEN]:  # No log may name an account on the opt-out list.
                _log.info("%s: %s; %s", username, outcome, collected)
            self.progress.end()
            if summary.stopped:
                return summary
        self._state.finish()
        return summary

    def _collect_unless_done(self, listed: str, collected: Collected) -> None:
        """Makes or continues a pass over an account, unless the interrupted collection completed it.

        Args:
            listed: The account's name on the list: its current name or an earlier one.
            collected: Counts the pass, also where it ends early.

        Raises:
            AccountRefusedError: If this account cannot be collected now.
            SiteRefusedError: If no account can.
        """
        if listed in self._done:
            return
        try:
            self._collect(listed, collected)
        except AccountRefusedError as error:
            self._failed_in_a_row = self._failed_in_a_row + 1 if error.maybe_blocked else 0
            if self._failed_in_a_row >= IN_A_ROW:
                raise SiteRefusedError(
                    f"{IN_A_ROW} accounts in a row failed (the last: {error.reason}); check the connection, "
                    "and come back in some hours."
                ) from error
            raise
        except PostRefusedError as error:
            raise AccountRefusedError(str(error)) from error
        self._failed_in_a_row = 0
        self._done.append(listed)
        self._state.note_done(repr(self.wanted), self._done)

    def _collect(self, listed: str, collected: Collected) -> None:
        known_id = self._state.id_of(listed)
        known_as = listed if known_id is None else self._state.account(known_id).folder or listed
        profile = self.instagram.profile(known_as, known_id)
        if f"{INSTAGRAM}/{profile.userid}" in self.opt_out:
            collected.skipped[FORGOTTEN] += 1
            return
        if profile.userid in self._seen:
            return
        self._seen.add(profile.userid)
        self._state.note_name(listed, profile.username, profile.userid)
        account = self._state.account(profile.userid)
        self._follow_rename(account, profile)
        one = AccountPass(
            self.instagram, profile, account, self._state, self._observations, self.wanted, collected
        )
        self.progress.begin(profile.username, one.observe_profile())
        if self.instagram.is_hidden(profile):
            raise AccountRefusedError("private")
        one.run(self.progress)

    def _follow_rename(self, account: AccountState, profile: instaloader.Profile) -> None:
        before, now = self.archive / account.folder, self.archive / profile.username
        if account.folder and account.folder != profile.username and before.is_dir() and not now.exists():
            before.rename(now)
            (now / f"{account.folder}_{profile.userid}.json.xz").unlink(missing_ok=True)
        if account.folder != profile.username:
            account.folder = profile.username
            self._state.keep(profile.userid, account)
        now.mkdir(exist_ok=True)
        for left_over in now.glob("*.temp"):
            left_over.unlink()
