"""Run: python scripts/ingest.py source=table source.manifest=photos.csv."""

from likerank.cli import main

if __name__ == "__main__":
    main("ingest")
