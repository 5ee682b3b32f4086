"""What a run keeps of its ranking is read back, or named where it is damaged."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from likerank.errors import LikerankError
from likerank.tracking import Run, Tracking
from likerank.tracking.results import ranked_splits, read_predictions, read_table


@pytest.fixture
def run(tmp_path: Path, mlflow_database: Path) -> Run:
    (tmp_path / "mlruns").mkdir()
    shutil.copy(mlflow_database, tmp_path / "mlruns")
    return Tracking("sqlite", "tests", tmp_path / "mlruns").start_run({})


def keep(run: Run, folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    run.log_file(folder / name, "predictions" if name.endswith(".parquet") else "")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 and no more PAR1", None])
def test_damaged_predictions_are_named(run: Run, tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        pd.DataFrame({"author": ["a"]}).to_parquet(tmp_path / "other.parquet")
        content = (tmp_path / "other.parquet").read_bytes()
    keep(run, tmp_path, "val.parquet", content)
    with pytest.raises(LikerankError, match=r"predictions/val\.parquet is damaged \(.+\); restore it"):
        read_predictions(run, "val")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"val"', b'{"val": 3}', b'{"val": {}}', b"\xff", b"[" * 9999]
)
def test_damaged_tables_are_named(run: Run, tmp_path: Path, content: bytes) -> None:
    keep(run, tmp_path, "results.json", content)
    with pytest.raises(LikerankError, match=r"results\.json is damaged \(.+\); restore it"):
        read_table(run, "val")


def test_a_run_that_ranked_nothing_has_no_split(run: Run) -> None:
    assert ranked_splits(run) == []
    with pytest.raises(LikerankError, match="keeps no table of val"):
        read_table(run, "val")
