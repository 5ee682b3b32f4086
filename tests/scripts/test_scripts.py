"""Each script is a few lines, helps at once and imports nothing heavy for it."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "scripts").glob("*.py"))
# The one script that is a program of its own.
THIN = [script for script in SCRIPTS if script.name != "benchmark.py"]
HEAVY = {"torch", "mlflow", "pymongo", "pandas", "sklearn", "PIL", "pytorch_lightning", "instaloader"}


def names(scripts: list[Path]) -> list[str]:
    return [script.name for script in scripts]


def test_the_promised_scripts_are_there() -> None:
    promised = {"ingest.py", "train.py", "evaluate.py", "export.py", "benchmark.py"}
    assert promised <= set(names(SCRIPTS))


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_a_script_says_first_how_it_is_run_and_holds_no_work(script: Path) -> None:
    lines = script.read_text().splitlines()
    assert f"python scripts/{script.name}" in lines[0]
    assert script not in THIN or len(lines) <= 20


@pytest.mark.parametrize("script", THIN, ids=names(THIN))
def test_help_lists_the_choices_and_imports_nothing_heavy(script: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", str(script), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "store: embedded, mongodb" in ran.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in ran.stderr.splitlines() if "|" in line}
    assert "hydra" in imported
    assert not imported & HEAVY
    assert not list(tmp_path.iterdir())
