"""Places that posts come from; each yields records."""

from likerank.sources.archive import Archive
from likerank.sources.demo import Demo
from likerank.sources.export import Export
from likerank.sources.forgetting import ArchiveRemoval, archived_names, remove_from_archive
from likerank.sources.source import Source
from likerank.sources.table import Table
from likerank.sources.tombstones import Tombstones

__all__ = [
    "Archive",
    "ArchiveRemoval",
    "Demo",
    "Export",
    "Source",
    "Table",
    "Tombstones",
    "archived_names",
    "remove_from_archive",
]
