"""Run: python scripts/refresh.py, every night: what is new comes in, and trains when it is enough."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="refresh")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.refresh import refresh

    raise SystemExit(refresh(config))


if __name__ == "__main__":
    run_command(main)
