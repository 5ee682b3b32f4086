"""Command forget: deletes a person's data everywhere and keeps it from coming back."""

from omegaconf import DictConfig

from likerank.app.author_argument import find_author
from likerank.app.paths import (
    Folders,
    open_opt_out_list,
    open_store,
    open_tracking,
)
from likerank.collecting.forgetting import ArchiveRemoval, remove_from_archive
from likerank.collecting.state import STATE_FOLDER
from likerank.dataset.forgetting import blank_author
from likerank.errors import LikerankError
from likerank.reports.deletion import print_remaining, print_removed
from likerank.reports.unreadable import print_unreadable
from likerank.sources.archive import INSTAGRAM
from likerank.tracking import champion_id
from likerank.tracking.run_redaction import redact_runs


def forget(config: DictConfig) -> None:
    """Deletes an author's data from archive, store, snapshots and runs, and prints what was removed.

    The opt-out list comes first, so that nothing adds the author again meanwhile. An interrupted deletion is
    completed by the next one.

    Raises:
        LikerankError: If no author or several have the name, a collect is running, or a part of a run is
            unreadable; everything else is removed then.
    """
    archive = Folders.of(config).archive
    with open_store(config) as store:
        author_key, names = find_author(config, store)
        print(
            f"Deleting the data of {author_key}; if this is interrupted, repeat it with author={author_key}."
        )
        open_opt_out_list(config).add(author_key)
        source, _, author_id = author_key.partition("/")
        archived = ArchiveRemoval()
        if source == INSTAGRAM:
            archived = remove_from_archive(archive, author_id, names)
        stored = store.forget(author_key)
    snapshots = blank_author(Folders.of(config).snapshots, author_key)
    tracking = open_tracking(config)
    affected = {each.fingerprint for each in snapshots}
    mlruns = Folders.of(config).mlruns
    removed = redact_runs(tracking, mlruns, author_key, names, affected, logs=archive / STATE_FOLDER)
    print_removed(archived, stored, snapshots, removed)
    print_remaining(removed.trained, champion_id(tracking))
    print_unreadable(removed.unreadable)
    if number := len(removed.unreadable):
        raise LikerankError(
            f"{number} part{'s' * (number != 1)} of runs could not be read and may still name "
            "the author; run this again, or delete those runs."
        )
