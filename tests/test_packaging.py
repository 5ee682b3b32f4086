"""An installed likerank works from any folder: the wheel carries conf/ and the command."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from likerank.images import encode_jpeg
from tests.workplaces import Workplace

ROOT = Path(__file__).resolve().parents[1]


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources with a local configuration beside them."""
    folder = tmp_path_factory.mktemp("build")
    for name in ("src", "conf"):
        shutil.copytree(
            ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (folder / "conf" / "local.yaml").write_text("seed: 1\n")
    pip("wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index", "-w", str(folder), str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_the_wheel_carries_all_of_conf_but_the_local_file(wheel: Path) -> None:
    carried = {name.removeprefix("likerank/") for name in ZipFile(wheel).namelist()}
    there = {str(file.relative_to(ROOT)) for file in (ROOT / "conf").rglob("*.yaml")}
    assert {name for name in carried if name.startswith("conf/")} == there - {"conf/local.yaml"}


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_an_installed_likerank_trains_and_ranks(
    wheel: Path, workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip("--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    (site,) = (tmp_path / "venv").glob("lib/*/site-packages")
    # The dependencies are those of the tests; an editable likerank among them is not seen from there.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python.with_name("secantusd-py").symlink_to(Path(sysconfig.get_path("scripts")) / "secantusd-py")
    workplace.keep_places_in_local_file(monkeypatch)
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def likerank(*arguments: str) -> str:
        ran = subprocess.run(
            [str(python.with_name("likerank")), *arguments],
            cwd=workplace.folder,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert "likerank COMMAND KEY=VALUE" in likerank("--help")
    assert "posts 150 new" in likerank("ingest", "source=demo", "source.posts=150", "source.authors=3")
    trained = re.search(r"Run (\w+):", likerank("train", "experiment=paper", "trainer.max_epochs=1"))
    assert trained
    likerank("promote", f"run_id={trained[1]}", "force=true")
    (workplace.folder / "shots").mkdir()
    for number in range(3):
        photo = np.random.default_rng(number).integers(0, 256, (80, 60, 3), dtype=np.uint8)
        (workplace.folder / "shots" / f"{number}.jpg").write_bytes(encode_jpeg(photo))
    assert "contact_sheet.html" in likerank("rank", "photos=shots")
