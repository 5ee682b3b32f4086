"""Run: python scripts/refresh.py, every night: what is new comes in, and trains when it is enough."""

import sys

import hydra
from omegaconf import DictConfig

from likerank.pipeline.command import run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="refresh")
def main(config: DictConfig) -> None:
    from likerank.pipeline.refresh import refresh

    if status := refresh(config):
        sys.exit(status)


if __name__ == "__main__":
    run_command(main)
