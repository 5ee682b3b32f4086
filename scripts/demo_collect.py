"""Run: python scripts/demo_collect.py: collects a synthetic site, night after night."""

from likerank.cli import main

if __name__ == "__main__":
    main("demo_collect", "fake_instagram.demo:demo_collect")
