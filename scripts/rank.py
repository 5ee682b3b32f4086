"""Run: python scripts/rank.py photos=shots/ for a folder, a file, a pattern or a list of these."""

from likerank.cli import main

if __name__ == "__main__":
    main("rank")
