"""Run: python scripts/train.py experiment=paper, or -m seed=1,2,3 for a sweep."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
def main(config: DictConfig) -> float:
    with importing():
        from likerank.commands.train import train

    return train(config)


if __name__ == "__main__":
    run_command(main)
