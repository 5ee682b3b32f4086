"""Run: python scripts/train.py experiment=paper, or -m seed=1,2,3 for a sweep."""

from likerank.cli import main

if __name__ == "__main__":
    main("train")
