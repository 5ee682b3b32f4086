"""Run: python scripts/forget.py author=instagram/45, or an id or a name alone."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="forget")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.forget import forget

    forget(config)


if __name__ == "__main__":
    run_command(main)
