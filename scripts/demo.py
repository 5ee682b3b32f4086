"""Run: python scripts/demo.py: the main job on a drawn corpus."""

from likerank.cli import main

if __name__ == "__main__":
    main("demo")
