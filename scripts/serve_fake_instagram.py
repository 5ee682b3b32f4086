"""Run: python scripts/serve_fake_instagram.py: synthetic accounts that Instaloader takes for Instagram's."""

from likerank.cli import main

if __name__ == "__main__":
    main("serve_fake_instagram", "fake_instagram.serve:serve")
