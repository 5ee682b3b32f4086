"""Each script is the same entry point as a command, in a few lines, and helps at once."""

from pathlib import Path

import pytest

from likerank.cli import COMMANDS
from tests.scripts_called import call_script

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "scripts").glob("*.py"))
NAMES = [script.name for script in SCRIPTS]


def test_every_command_has_its_script() -> None:
    assert {f"{command}.py" for command in COMMANDS} <= set(NAMES)


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_a_script_begins_with_its_usage(script: Path) -> None:
    lines = script.read_text().splitlines()
    assert f"python scripts/{script.name}" in lines[0]
    assert len(lines) <= 6


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_help_lists_the_choices_and_writes_nothing(script: Path, tmp_path: Path) -> None:
    ran = call_script([str(script), "--help"], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "store=mongodb" in ran.stdout
    assert not list(tmp_path.iterdir())
