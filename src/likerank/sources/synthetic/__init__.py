"""The demo corpus: drawn landscapes with likes by a known formula."""
