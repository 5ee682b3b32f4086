"""Run: python scripts/export.py folder=backup images=true."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="export")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.export import export

    export(config)


if __name__ == "__main__":
    run_command(main)
