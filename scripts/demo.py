"""Run: python scripts/demo.py: the main job on a drawn corpus."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="demo")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.demo import demo

    demo(config)


if __name__ == "__main__":
    run_command(main)
