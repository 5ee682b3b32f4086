"""Run: python scripts/ui.py port=5000: MLflow's pages on the configured runs, until Ctrl-C."""

from likerank.cli import main

if __name__ == "__main__":
    main("ui")
