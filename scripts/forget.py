"""Run: python scripts/forget.py author=instagram/45, or an id or a name alone."""

from likerank.cli import main

if __name__ == "__main__":
    main("forget")
