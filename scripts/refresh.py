"""Run: python scripts/refresh.py, every night: what is new comes in, and trains when it is enough."""

from likerank.cli import main

if __name__ == "__main__":
    main("refresh")
