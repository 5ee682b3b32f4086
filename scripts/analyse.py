"""Run: python scripts/analyse.py: what is in the data, on one page, before any training."""

from likerank.cli import main

if __name__ == "__main__":
    main("analyse")
