"""Run: python scripts/demo_collect.py: collects a synthetic site, night after night."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="demo_collect")
def main(config: DictConfig) -> None:
    with importing():
        from fake_instagram.demo import demo_collect

    demo_collect(config)


if __name__ == "__main__":
    run_command(main)
