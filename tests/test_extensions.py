"""A package of the user's own, as CONTRIBUTING prints it, adds to likerank without an edit to it."""

import re
from pathlib import Path

import numpy as np
import pytest

from likerank.images import encode_jpeg
from tests.scripts_called import call_script

ROOT = Path(__file__).resolve().parents[1]
SECTION = (ROOT / "CONTRIBUTING.md").read_text().split("## Extend likerank")[1].split("\n## ")[0]
SMALL = [
    "snapshot.size=16",
    "trainer.max_epochs=2",
    "trainer.enable_progress_bar=false",
    "trainer.accelerator=cpu",
]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("extensions")]


def commands() -> list[list[str]]:
    (block,) = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    return [line.split()[1:] for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, its conf/ and some photos."""
    folder = tmp_path_factory.mktemp("own")
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    (folder / "package").mkdir()
    (folder / "package" / "my_likerank.py").write_text(code)
    for name, text in re.findall(r"```yaml\n# (conf/\S+)\n(.*?)```", SECTION, re.DOTALL):
        (folder / "package" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "package" / name).write_text(text)
    (folder / "shots").mkdir()
    random = np.random.default_rng(0)
    for number in range(80):
        light = random.uniform(40, 200)
        photo = np.clip(random.normal(light, 20, (48, 48, 3)), 0, 255).astype(np.uint8)
        author = ("anna", "ben")[number % 2]
        (folder / "shots" / f"{author}_{int(3 * light)}_{number}.jpg").write_bytes(encode_jpeg(photo))
    return folder


def run(folder: Path, command: str, *overrides: str) -> str:
    ran = call_script([str(ROOT / "scripts" / f"{command}.py"), *overrides], folder)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_package_of_ones_own_is_used_from_ingest_to_rank(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder / "package")
    monkeypatch.setenv("COLUMNS", "200")
    search = f"hydra.searchpath=[file://{folder}/package/conf]"
    ingest, train, evaluate, rank = commands()
    assert "posts 80 new" in run(folder, *ingest, search)
    trained = run(folder, *train, *SMALL, search)
    assert "best: how often the best scored post is the most liked one" in " ".join(trained.split())
    assert "2 epochs, loss" in trained
    assert list(folder.glob("mlruns/lightning/shouting/version_*/metrics.csv"))
    found = re.search(r"Run (\w+):", trained)
    assert found
    evaluate = [argument.replace("RUN", found[1]) for argument in evaluate]
    unnamed = call_script([str(ROOT / "scripts" / "evaluate.py"), *evaluate[1:]], folder)
    assert unnamed.returncode == 1
    assert ", which is no part of a training of likerank's or torch's" in unnamed.stderr
    judged = run(folder, *evaluate, search)
    assert "Colours on SquareRoot" in judged
    assert "best: how often" in " ".join(judged.split())
    ranked = run(folder, *(argument.replace("RUN", found[1]) for argument in rank))
    assert "anna_" in ranked
    compared = run(folder, "compare", "metric=within/best_found", "metrics=best_found", search)
    assert "how often the best scored post is the most liked one" in compared
