"""Run: python scripts/analyse.py: what is in the data, on one page, before any training."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="analyse")
def main(config: DictConfig) -> None:
    from likerank.commands.analyse import analyse

    analyse(config)


if __name__ == "__main__":
    run_command(main)
