"""A run is rebuilt from its own configuration, or the configuration is named as damaged."""

import shutil
from pathlib import Path

import pytest

from likerank.app.paths import Folders
from likerank.errors import LikerankError
from likerank.tracking import Tracking
from likerank.training.rebuild import rebuild

WHOLE = (
    "seed: 1\nsnapshot: {size: 16}\ntarget: {_target_: x}\nnetwork: {_target_: x}\ntrainer: {max_epochs: 1}\n"
)


@pytest.mark.parametrize(
    "content", ["", "[]", "a", "seed: [", WHOLE[:9], WHOLE.replace("network", "netwrok"), "\x00"]
)
def test_a_damaged_configuration_is_named(tmp_path: Path, mlflow_database: Path, content: str) -> None:
    folders = Folders(tmp_path / "data", tmp_path / "archive", tmp_path / "mlruns")
    folders.mlruns.mkdir()
    shutil.copy(mlflow_database, folders.mlruns)
    run = Tracking("sqlite", "tests", folders.mlruns).start_run({})
    run.log_text(content, "config.yaml")
    with pytest.raises(LikerankError, match=r"config\.yaml is damaged \(.+\); restore it"):
        rebuild(run, folders)
