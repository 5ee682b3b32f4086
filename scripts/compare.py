"""Run: python scripts/compare.py runs=[RUN,RUN], or sweep=RUN, or since=2026-11-01."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="compare")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.compare import compare

    compare(config)


if __name__ == "__main__":
    run_command(main)
