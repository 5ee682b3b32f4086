"""Run: python scripts/promote.py run_id=...: its model becomes champion where it beats the present one."""

from likerank.cli import main

if __name__ == "__main__":
    main("promote")
