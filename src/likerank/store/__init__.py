"""Posts and authors in MongoDB, the local server behind the default, ingest and export."""

from likerank.store.connection import open_store
from likerank.store.export import ExportCounts, export_store
from likerank.store.forgetting import ForgetCounts
from likerank.store.ingest import OPTED_OUT, IngestSummary, ingest_source
from likerank.store.store import Store, WriteCounts

__all__ = [
    "OPTED_OUT",
    "ExportCounts",
    "ForgetCounts",
    "IngestSummary",
    "Store",
    "WriteCounts",
    "export_store",
    "ingest_source",
    "open_store",
]
