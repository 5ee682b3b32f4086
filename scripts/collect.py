"""Run: python scripts/collect.py accounts=accounts.txt. Exit status 3: accounts failed, 4: refused."""

from likerank.cli import main

if __name__ == "__main__":
    main("collect")
