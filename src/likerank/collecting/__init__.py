"""Collection: accounts of Instagram become an archive on disk, through Instaloader."""

from likerank.collecting.accounts import AccountList, read_accounts
from likerank.collecting.collector import Collector
from likerank.collecting.session import Instagram
from likerank.collecting.state import STATE_FOLDER, locked_archive
from likerank.collecting.summary import CollectSummary
from likerank.collecting.wanted import Wanted

__all__ = [
    "STATE_FOLDER",
    "AccountList",
    "CollectSummary",
    "Collector",
    "Instagram",
    "Wanted",
    "locked_archive",
    "read_accounts",
]
