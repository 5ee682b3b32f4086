"""Run: python scripts/evaluate.py run_id=RUN."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="evaluate")
def main(config: DictConfig) -> None:
    with importing():
        from likerank.commands.evaluate import evaluate

    evaluate(config)


if __name__ == "__main__":
    run_command(main)
