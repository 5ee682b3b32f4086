"""Command ui: MLflow's pages on the configured runs."""

import os
import subprocess
import sys

from omegaconf import DictConfig

from likerank.app.paths import open_tracking
from likerank.errors import LikerankError
from likerank.tracking.environment import without_other_work


def ui(config: DictConfig) -> None:
    """Serves MLflow's pages until Ctrl-C; names the address where a server has them already.

    Raises:
        LikerankError: If the pages cannot be served.
    """
    uri = open_tracking(config).uri
    if uri.startswith("http"):
        print(f"MLflow's pages: {uri}")
        return
    print(f"MLflow's pages: http://127.0.0.1:{config.port}, until Ctrl-C", flush=True)
    # One worker serves one person; each of MLflow's four takes seconds to start.
    options = ["--backend-store-uri", uri, "--port", str(config.port), "--workers", "1"]
    environment = without_other_work(os.environ)
    if status := subprocess.run(
        [sys.executable, "-m", "mlflow", "ui", *options], check=False, env=environment
    ).returncode:
        raise LikerankError(f"MLflow's pages ended with status {status}; choose another port by port=.")
