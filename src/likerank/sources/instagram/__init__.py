"""Instagram: accounts become an archive on disk, through Instaloader."""

from likerank.sources.instagram.account_pass import FORGOTTEN, SOURCE, Collected, Wanted, Watcher
from likerank.sources.instagram.accounts import AccountList, read_accounts
from likerank.sources.instagram.collector import Collector
from likerank.sources.instagram.refusals import AccountRefusedError, SiteRefusedError
from likerank.sources.instagram.session import Instagram
from likerank.sources.instagram.state import LOCK, STAMPS, STATE_FOLDER

__all__ = [
    "FORGOTTEN",
    "LOCK",
    "SOURCE",
    "STAMPS",
    "STATE_FOLDER",
    "AccountList",
    "AccountRefusedError",
    "Collected",
    "Collector",
    "Instagram",
    "SiteRefusedError",
    "Wanted",
    "Watcher",
    "read_accounts",
]
