"""One account after another: its posts' pictures and counts into an archive, each post once."""

from pathlib import Path
from typing import Final

import instaloader

from likerank.collecting.account_pass import FORGOTTEN, SOURCE, AccountPass, Collected, Wanted, Watcher
from likerank.collecting.errors import AccountRefusedError, PostRefusedError, SiteRefusedError
from likerank.collecting.session import Instagram
from likerank.collecting.state import AccountState, CollectState
from likerank.sources.observations import OBSERVATIONS, ObservationLog
from likerank.sources.opt_out import Tombstones

_IN_A_ROW: Final = 3


class Collector:
    """Collects accounts into an archive.

    An account's pass goes from the newest post back to where the last complete pass began, and further to
    posts whose counts still ripen. After each post it is written down where to go on, so that a pass that is
    cut short, by whatever, asks for no post again but the one it was at; a collection that was cut short does
    not go through the accounts again that it was through with.

    Args:
        instagram: Where to look, and where to keep what is seen.
        archive: The same archive.
        wanted: Which posts.
        forgotten: Who is not to be collected.
        watcher: Is told how it goes.
    """

    def __init__(
        self, instagram: Instagram, archive: Path, wanted: Wanted, forgotten: Tombstones, watcher: Watcher
    ) -> None:
        self._instagram = instagram
        self._archive = archive
        self._wanted = wanted
        self._forgotten = forgotten
        self._watcher = watcher
        self._state = CollectState(archive)
        self._observations = ObservationLog(archive / OBSERVATIONS)
        self._done = self._state.done_before(repr(wanted))
        self._met: set[int] = set()
        self._refused_in_a_row = 0

    def collect(self, listed: str, collected: Collected) -> None:
        """Makes a pass over an account, or completes the one that was cut short.

        Args:
            listed: The account's name as it is listed: of today, or under which it was met once.
            collected: What the pass brings is counted here, also where it ends early.

        Raises:
            AccountRefusedError: If this account cannot be collected now.
            SiteRefusedError: If none can.
        """
        if listed in self._done:
            return
        try:
            self._collect(listed, collected)
        except AccountRefusedError as error:
            self._refused_in_a_row = self._refused_in_a_row + 1 if error.maybe_us else 0
            if self._refused_in_a_row >= _IN_A_ROW:
                raise SiteRefusedError(
                    f"{_IN_A_ROW} accounts in a row could not be asked for (the last: {error.reason}); check "
                    "the connection, and come back in some hours."
                ) from error
            raise
        except PostRefusedError as error:
            raise AccountRefusedError(str(error)) from error
        self._refused_in_a_row = 0
        self._done.append(listed)
        self._state.note_done(repr(self._wanted), self._done)

    def finish(self) -> None:
        """Ends the collection: the next one goes through all accounts again."""
        self._state.finish()

    def _collect(self, listed: str, collected: Collected) -> None:
        known_id = self._state.id_of(listed)
        known_as = listed if known_id is None else self._state.account(known_id).folder or listed
        profile = self._instagram.profile(known_as, known_id)
        if f"{SOURCE}/{profile.userid}" in self._forgotten:
            collected.skipped[FORGOTTEN] += 1
            return
        if profile.userid in self._met:
            return
        self._met.add(profile.userid)
        self._state.meet(listed, profile.username, profile.userid)
        account = self._state.account(profile.userid)
        self._follow_rename(account, profile)
        one = AccountPass(
            self._instagram, profile, account, self._state, self._observations, self._wanted, collected
        )
        self._watcher.begin(profile.username, one.see_profile())
        if self._instagram.is_hidden(profile):
            raise AccountRefusedError("private")
        one.run(self._watcher)

    def _follow_rename(self, account: AccountState, profile: instaloader.Profile) -> None:
        before, now = self._archive / account.folder, self._archive / profile.username
        if account.folder and account.folder != profile.username and before.is_dir() and not now.exists():
            before.rename(now)
            (now / f"{account.folder}_{profile.userid}.json.xz").unlink(missing_ok=True)
        if account.folder != profile.username:
            account.folder = profile.username
            self._state.keep(profile.userid, account)
        now.mkdir(exist_ok=True)
        for left_over in now.glob("*.temp"):
            left_over.unlink()
