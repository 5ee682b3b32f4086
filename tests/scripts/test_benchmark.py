"""The benchmarks run, at sizes at which their numbers mean nothing."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts_called import call_script

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "snapshot, memory",
    "snapshot, speed",
    "scan",
    "decode",
    "decode, grainy",
    "decode, heavy",
    "decode, progressive",
    "decode, two threads",
    "table",
    "position match",
    "batches",
    "training",
    "training, weights",
    "training, fast",
    "ranking, fast",
    "linear",
    "linear, difference",
    "MLflow",
    "start-up",
    "start-up, --help",
    "sweep, both cores",
    "sweep, one core",
}


def command(folder: Path, *overrides: str) -> list[str]:
    script = str(ROOT / "scripts" / "benchmark.py")
    return [script, "size=tiny", "threads=1", f"paths.mlruns={folder / 'mlruns'}", *overrides]


def run(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command(folder)],
        cwd=folder,
        env=os.environ | {"COLUMNS": "250", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_every_benchmark_prints_a_number(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines()]
    results = {row[0]: row[2] for row in rows if row}
    copies = {name for name in results if name.startswith("copies, ")}
    assert {"copies, drawn, false", "copies, drawn, mirrored", "copies, 300"} <= copies
    assert results.keys() - copies == NAMES
    for name, result in results.items():
        number = re.match(r"[\d,.e-]+", result)
        assert number, f"{name}: {result}"
        assert math.isfinite(float(number[0].replace(",", "")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlruns"]


@pytest.mark.slow
def test_the_stages_are_timed_at_two_numbers_of_posts(tmp_path: Path) -> None:
    done = call_script(command(tmp_path, "only=[million]"), tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("ingest", "snapshot", "epoch", "evaluate", "memory"):
        assert f"million, {name}" in done.stdout


@pytest.mark.slow
def test_an_unknown_benchmark_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = call_script(command(tmp_path, "only=[decoding]"), tmp_path)
    assert done.returncode == 1
    assert "No benchmark is called decoding; there are memory, decode" in done.stderr
    assert "Traceback" not in done.stderr
