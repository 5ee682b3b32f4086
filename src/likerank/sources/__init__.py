"""Places that posts come from; each yields records."""

from likerank.sources.archive import Archive
from likerank.sources.demo import Demo
from likerank.sources.export import Export
from likerank.sources.source import Source
from likerank.sources.table import Table

__all__ = ["Archive", "Demo", "Export", "Source", "Table"]
