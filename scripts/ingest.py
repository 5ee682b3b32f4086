"""Run: python scripts/ingest.py source=table source.manifest=photos.csv."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="ingest")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.ingest import ingest

    ingest(config)


if __name__ == "__main__":
    run_command(main)
