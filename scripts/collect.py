"""Run: python scripts/collect.py accounts=accounts.txt. Exit status 3: accounts failed, 4: refused."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="collect")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.collect import collect

    collect(config).raise_if_incomplete()


if __name__ == "__main__":
    run_command(main)
