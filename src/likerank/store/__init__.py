"""Posts and authors in MongoDB, the local server behind the default, ingest and export."""

from likerank.store.connection import open_store
from likerank.store.export import export_store
from likerank.store.ingest import IngestSummary, ingest_source
from likerank.store.store import Store

__all__ = ["IngestSummary", "Store", "export_store", "ingest_source", "open_store"]
