"""Places that posts come from; each yields records."""

from likerank.sources.archive import Archive
from likerank.sources.export import Export
from likerank.sources.opt_out import OptOutList
from likerank.sources.source import Source
from likerank.sources.synthetic.demo import Demo
from likerank.sources.table import Table

__all__ = ["Archive", "Demo", "Export", "OptOutList", "Source", "Table"]
