"""Command collect: brings an archive of the listed accounts up to date."""

from pathlib import Path

from omegaconf import DictConfig

from likerank.app.paths import Folders, open_opt_out_list
from likerank.collecting.accounts import read_accounts
from likerank.collecting.collector import Collector
from likerank.collecting.progress import ProgressBars
from likerank.collecting.session import Instagram
from likerank.collecting.state import locked_archive
from likerank.collecting.summary import CollectSummary
from likerank.collecting.wanted import Wanted
from likerank.files import make_private


def collect(config: DictConfig) -> CollectSummary:
    """Collects the listed accounts into the archive and prints a summary.

    Returns:
        The summary; accounts that failed are in it and raise nothing.

    Raises:
        LikerankError: If the list, the session or an option is invalid, or another collection is running.
    """
    accounts = read_accounts(Path(config.accounts))
    folders = Folders.of(config)
    archive = folders.archive
    make_private(folders.data)
    wanted = Wanted.from_options(config.posts_per_account, config.since, config.observation_days)
    with locked_archive(archive), ProgressBars(len(accounts.usernames)) as progress:
        instagram = Instagram(
            archive,
            login=config.login,
            session_file=None if config.session_file is None else Path(config.session_file),
            max_wait=float(config.max_wait),
            show_wait=progress.wait,
            limits=bool(config.limits),
        )
        collector = Collector(instagram, archive, wanted, open_opt_out_list(config), progress)
        summary = collector.collect(accounts)
    summary.print()
    return summary
