"""Run: python scripts/serve_fake_instagram.py: synthetic accounts that Instaloader takes for Instagram's."""

import hydra
from omegaconf import DictConfig

from likerank.app.run_command import importing, run_command


@hydra.main(version_base="1.3", config_path="../conf", config_name="serve_fake_instagram")
def main(config: DictConfig) -> None:
    with importing():
        from fake_instagram.serve import serve

    serve(config)


if __name__ == "__main__":
    run_command(main)
