"""Run: python scripts/export.py folder=backup images=true."""

from likerank.cli import main

if __name__ == "__main__":
    main("export")
