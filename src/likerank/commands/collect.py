"""Stage collect: a list of accounts becomes an archive, and stays up to date."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from likerank.app.paths import archive_folder, configured_tombstones
from likerank.collecting import (
    FORGOTTEN,
    LOCK,
    STATE_FOLDER,
    AccountRefusedError,
    Collected,
    Collector,
    Instagram,
    SiteRefusedError,
    Wanted,
    read_accounts,
)
from likerank.errors import LikerankError
from likerank.progress import progress_bar

SOME_FAILED: Final = 3
STOPPED: Final = 4
_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")
_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class CollectSummary:
    """What a collection did.

    Attributes:
        accounts: Accounts that were gone through to the end.
        new: Posts that are new in the archive.
        observed: Posts that were there, and whose counts were observed again.
        hidden: Posts among them whose likes Instagram hides.
        skipped: Posts that were left out, by reason.
        failed: Accounts that could not be collected now, and why.
        stopped: Why Instagram let nothing more through, and when to come back; None where it did.
    """

    accounts: int = 0
    new: int = 0
    observed: int = 0
    hidden: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None

    @property
    def exit_status(self) -> int:
        """0 all done, 3 some accounts failed, 4 stopped by the site."""
        return STOPPED if self.stopped else SOME_FAILED if self.failed else 0

    def add(self, collected: Collected) -> None:
        """Adds what a pass brought."""
        self.new += collected.new
        self.observed += collected.observed
        self.hidden += collected.hidden
        self.skipped += collected.skipped

    def complain(self) -> None:
        """Raises the error that ends a command; does nothing where all was done.

        Raises:
            LikerankError: With the exit status, if accounts failed or the site stopped it.
        """
        if self.stopped:
            raise LikerankError(self.stopped, exit_status=STOPPED)
        if self.failed:
            raise LikerankError(
                f"{len(self.failed)} of the accounts failed as said above; all others are in the archive. "
                "Run it again to try them again.",
                exit_status=SOME_FAILED,
            )


def collect(config: DictConfig) -> CollectSummary:
    """Collects the listed accounts into the archive and prints what it did.

    Returns:
        What it did, refusals included; they raise nothing.

    Raises:
        LikerankError: If the list, the session or an option cannot be used, or another collection is running.
    """
    accounts = read_accounts(Path(config.accounts))
    archive = archive_folder(config)
    wanted = _wanted(config)
    _refuse_limitless(config)
    summary = CollectSummary()
    summary.failed |= accounts.refused
    with _alone_in(archive), _Bars(len(accounts.usernames)) as bars:
        instagram = Instagram(
            archive,
            login=config.login,
            session_file=None if config.session_file is None else Path(config.session_file),
            max_wait=float(config.max_wait),
            show_wait=bars.wait,
            limits=bool(config.limits),
        )
        collector = Collector(instagram, archive, wanted, configured_tombstones(config), bars)
        for username in accounts.usernames:
            collected = Collected()
            try:
                collector.collect(username, collected)
                summary.accounts += 1
            except AccountRefusedError as error:
                summary.failed[username] = error.reason
            except SiteRefusedError as error:
                summary.stopped = str(error)
            summary.add(collected)
            if not collected.skipped[FORGOTTEN]:  # Of whom no log may tell.
                outcome = summary.failed.get(username) or summary.stopped or "complete"
                _log.info("%s: %s; %s", username, outcome, collected)
            bars.end_account()
            if summary.stopped:
                break
        else:
            collector.finish()
    _print_summary(summary, len(accounts.usernames))
    return summary


class _Bars:
    """A bar over all accounts and one for the present account."""

    def __init__(self, accounts: int) -> None:
        self._bar: Progress = progress_bar()
        self._all = self._bar.add_task("Accounts", total=accounts)
        self._one = self._bar.add_task("", total=None, visible=False)
        self._name = ""

    def __enter__(self) -> "_Bars":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.remove_task(self._one)
        self._bar.stop()

    def begin(self, username: str, posts: int | None) -> None:
        self._name = username
        self._bar.reset(self._one, description=username, total=posts, visible=True)

    def advance(self) -> None:
        self._bar.advance(self._one)

    def wait(self, seconds: int) -> None:
        waiting = f"  waiting {seconds // 60}:{seconds % 60:02d} as Instagram asks" if seconds else ""
        self._bar.update(self._one, description=self._name + waiting, visible=True)

    def end_account(self) -> None:
        self._bar.update(self._one, visible=False)
        self._bar.advance(self._all)


@contextmanager
def _alone_in(archive: Path) -> Iterator[None]:
    lock = archive / STATE_FOLDER / LOCK
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise LikerankError(
            f"Another collection into {archive} is running; wait for it, or name another paths.archive."
        ) from None
    except OSError as error:
        raise LikerankError(f"The archive {archive} cannot be written: {error.strerror or error}.") from error


def _wanted(config: DictConfig) -> Wanted:
    count, days = config.posts_per_account, config.ripen_days
    if count is not None and (not isinstance(count, int) or count < 1):
        raise LikerankError(
            f"posts_per_account is {count}; give a number of posts from 1 on, or null for all."
        )
    if not isinstance(days, int | float) or days < 0:
        raise LikerankError(f"ripen_days is {days}; give a number of days from 0 on.")
    since = None
    if config.since is not None:
        try:
            since = datetime.fromisoformat(str(config.since))
        except ValueError:
            raise LikerankError(f"since is {config.since}; give a date, such as 2026-01-01.") from None
        since = since.replace(tzinfo=UTC) if since.tzinfo is None else since
    return Wanted(count, since, timedelta(days=days))


def _refuse_limitless(config: DictConfig) -> None:
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""
    if not config.limits and urlsplit(proxy).hostname not in _THIS_MACHINE:
        raise LikerankError(
            "limits=false is for the stand-in on this machine; leave it out, and Instagram's limits are kept."
        )


def _print_summary(summary: CollectSummary, listed: int) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("accounts", f"{summary.accounts} of {listed}")
    table.add_row("new posts", str(summary.new))
    table.add_row("observed again", str(summary.observed))
    if summary.hidden:
        table.add_row("  of both, likes hidden", str(summary.hidden))
    for reason, number in summary.skipped.most_common():
        table.add_row(f"skipped: {reason}", str(number))
    for account, reason in summary.failed.items():
        table.add_row(f"failed: {account}", reason)
    Console(soft_wrap=True).print(table, markup=False, highlight=False)
