"""The README's commands are there, compose, and run as written; its tree names every module."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.app.compose import command_configuration
from likerank.cli import COMMANDS as COMMANDS_OF_LIKERANK
from likerank.images import encode_jpeg
from tests.scripts_called import call_script

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = [
    line.split("#")[0].strip()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    for line in block.splitlines()
]
LIKERANK = [
    shlex.split(command)[1:] for command in dict.fromkeys(COMMANDS) if command.startswith("likerank ")
]


def test_the_readme_and_the_docs_have_commands() -> None:
    assert len(LIKERANK) >= 20


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_each_make_command_is_a_target(command: str) -> None:
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("arguments", LIKERANK, ids=" ".join)
def test_each_likerank_command_composes(arguments: list[str]) -> None:
    command, *overrides = arguments
    assert command in COMMANDS_OF_LIKERANK or command == "--help"
    if "-m" in overrides:
        overrides = [override.split(",")[0] for override in overrides if override != "-m"]
    if command != "--help" and "--help" not in overrides:
        command_configuration(command, overrides)


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
def test_the_commands_for_your_own_photos_run_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_photos(tmp_path / "photos")

    monkeypatch.setenv("COLUMNS", "200")
    likerank = str(Path(sys.executable).with_name("likerank"))

    def run(arguments: list[str]) -> str:
        ran = call_script([likerank, *arguments], tmp_path)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    wanted = ("ingest source=table", "train", "evaluate")
    ingest, train, evaluate = (next(a for a in LIKERANK if " ".join(a).startswith(w)) for w in wanted)
    assert "posts 120 new" in run(ingest)
    trained = run(train)
    found = re.search(r"Run (\w+):", trained)
    assert found
    table = run([argument.replace("RUN", found[1]) for argument in evaluate])
    assert "author_mean" in table
    export = next(a for a in LIKERANK if a[:2] == ["export", "folder=backup"])
    assert "120" in run(export)
    assert (tmp_path / "backup" / "posts.jsonl").is_file()
