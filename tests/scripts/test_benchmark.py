"""The benchmarks run, at sizes at which their numbers mean nothing."""

import math
import re
from pathlib import Path

import pytest

from tests.forking import start_script
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


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cell of the printed table is wrapped."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")


def results(folder: Path, *overrides: str) -> dict[str, str]:
    """Returns the results in the printed table, by the name of their row."""
    done = start_script(command(folder, *overrides), folder)
    output, errors = done.communicate()
    assert done.returncode == 0, errors
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines()]
    return {row[0]: row[2] for row in rows if len(row) > 2}


@pytest.mark.slow
def test_every_benchmark_prints_a_number(tmp_path: Path) -> None:
    found = results(tmp_path)
    copies = {name for name in found if name.startswith("copies, ")}
    assert {"copies, drawn, false", "copies, drawn, mirrored", "copies, 300"} <= copies
    assert found.keys() - copies == NAMES
    for name, result in found.items():
        number = re.match(r"[\d,.e-]+", result)
        assert number, f"{name}: {result}"
        assert math.isfinite(float(number[0].replace(",", "")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlruns"]


@pytest.mark.slow
def test_the_stages_are_timed_at_two_numbers_of_posts(tmp_path: Path) -> None:
    found = results(tmp_path, "only=[million]")
    stages = {f"million, {stage}" for stage in ("ingest", "snapshot", "epoch", "evaluate")}
    assert found.keys() == stages | {f"{stage}, memory" for stage in stages}


@pytest.mark.slow
def test_an_unknown_benchmark_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = call_script(command(tmp_path, "only=[decoding]"), tmp_path)
    assert done.returncode == 1
    assert "No benchmark is called decoding; there are memory, decode" in done.stderr
    assert "Traceback" not in done.stderr
