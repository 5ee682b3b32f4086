"""Instagram: accounts become an archive on disk, through Instaloader."""

from likerank.collecting.account_pass import FORGOTTEN, SOURCE, Collected, Wanted, Watcher
from likerank.collecting.accounts import AccountList, read_accounts
from likerank.collecting.collector import Collector
from likerank.collecting.errors import AccountRefusedError, SiteRefusedError
from likerank.collecting.session import Instagram
from likerank.collecting.state import LOCK, STAMPS, STATE_FOLDER

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
