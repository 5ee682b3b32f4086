"""The README's commands are there, compose, and run as written; its tree names every module."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.app.compose import command_configuration
from likerank.images import encode_jpeg

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
SCRIPTS = [shlex.split(command)[1:] for command in COMMANDS if command.startswith("python scripts/")]


def test_the_readme_has_commands() -> None:
    assert len(SCRIPTS) >= 10


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_each_make_command_is_a_target(command: str) -> None:
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("arguments", SCRIPTS, ids=" ".join)
def test_each_script_command_composes(arguments: list[str]) -> None:
    script, *overrides = arguments
    assert (ROOT / script).is_file()
    if "-m" in overrides:
        overrides = [override.split(",")[0] for override in overrides if override != "-m"]
    command_configuration(Path(script).stem, overrides)


def test_the_tree_is_as_the_modules_say() -> None:
    generator = runpy.run_path(str(ROOT / "docs" / "make_layout.py"))
    assert (ROOT / "docs" / "layout.md").read_text() == generator["layout"]()


def draw_photos(folder: Path, posts: int = 120) -> None:
    """Writes a manifest and the photos that it names: the lighter, the more liked."""
    random = np.random.default_rng(0)
    folder.mkdir()
    rows = []
    for number in range(posts):
        light = random.uniform(40, 200)
        photo = np.clip(random.normal(light, 20, (64, 48, 3)), 0, 255).astype(np.uint8)
        (folder / f"{number}.jpg").write_bytes(encode_jpeg(photo))
        rows.append({"image": f"{number}.jpg", "author": f"author {number % 4}", "likes": int(5 * light)})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)


@pytest.mark.slow
def test_the_commands_for_your_own_photos_run_as_written(tmp_path: Path) -> None:
    draw_photos(tmp_path / "photos")
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")

    def run(arguments: list[str]) -> str:
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"COLUMNS": "200"},
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    wanted = ("scripts/ingest.py source=table", "scripts/train.py", "scripts/evaluate.py")
    ingest, train, evaluate = (next(a for a in SCRIPTS if " ".join(a).startswith(w)) for w in wanted)
    assert "posts 120 new" in run(ingest)
    trained = run(train)
    found = re.search(r"Run (\w+):", trained)
    assert found
    table = run([argument.replace("RUN", found[1]) for argument in evaluate])
    assert "author_mean" in table
    export = next(a for a in SCRIPTS if a[0] == "scripts/export.py")
    assert "120" in run(export)
    assert (tmp_path / "backup" / "posts.jsonl").is_file()
