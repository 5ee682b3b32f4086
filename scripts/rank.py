"""Run: python scripts/rank.py photos=shots/ for a folder, a file, a pattern or a list of these."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="rank")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.rank import rank

    rank(config)


if __name__ == "__main__":
    run_command(main)
