"""Run: python scripts/promote.py run_id=...: its model becomes champion where it beats the present one."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="promote")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.promote import promote

    promote(config)


if __name__ == "__main__":
    run_command(main)
