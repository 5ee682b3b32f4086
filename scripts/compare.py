"""Run: python scripts/compare.py runs=[RUN,RUN], or sweep=RUN, or since=2026-11-01."""

from likerank.cli import main

if __name__ == "__main__":
    main("compare")
