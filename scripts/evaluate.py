"""Run: python scripts/evaluate.py run_id=RUN."""

from likerank.cli import main

if __name__ == "__main__":
    main("evaluate")
