"""Posts and authors in MongoDB, the local server behind the default, and the export."""

from likerank.store.connection import open_store
from likerank.store.export import ExportCounts, export_store
from likerank.store.forgetting import ForgetCounts
from likerank.store.store import Store, WriteCounts

__all__ = ["ExportCounts", "ForgetCounts", "Store", "WriteCounts", "export_store", "open_store"]
