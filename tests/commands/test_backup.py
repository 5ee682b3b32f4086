"""A project that was restored from its backup, in another place, has all it had, and touches nothing else."""

import shutil
from pathlib import Path

import pytest

from likerank.commands.evaluate import evaluate
from likerank.commands.forget import forget
from likerank.commands.ingest import ingest
from likerank.commands.promote import promote
from likerank.run_names import FINGERPRINT
from likerank.tracking import CHAMPION_URI
from tests.workplaces import CORPUS, TINY, MakeWorkplace

_AUTHOR = "demo_planted/seed0_of6_author_00"


def content(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.slow
def test_a_restored_project_goes_on_where_it_lies(make_workplace: MakeWorkplace) -> None:
    place, restored = make_workplace(own_runs=True), make_workplace(own_runs=True)
    ingest(place.compose("ingest", *CORPUS))
    run = place.train(*TINY)
    promote(place.compose("promote", f"run_id={run.id}", "force=true"))
    backup = place.folder / "backup"
    exported = place.call("export", f"folder={backup / 'store'}", "images=true")
    assert exported.returncode == 0, exported.stderr
    shutil.copytree(place.folder / "data" / "snapshots", backup / "snapshots")
    shutil.copytree(place.folder / "mlruns", backup / "mlruns")

    shutil.rmtree(restored.folder / "mlruns")
    shutil.copytree(backup / "mlruns", restored.folder / "mlruns")
    shutil.copytree(backup / "snapshots", restored.folder / "data" / "snapshots")
    here = f"tracking.experiment={place.name}"
    before = content(place.folder / "mlruns")
    ingest(restored.compose("ingest", "source=export", f"source.folder={backup / 'store'}"))
    assert restored.posts() == place.posts()
    evaluate(restored.compose("evaluate", f"run_id={run.id}", here))
    again = restored.train(*TINY, here, "seed=7")
    assert again.tags[FINGERPRINT] == run.tags[FINGERPRINT]
    assert again.artifact("config.yaml").is_relative_to(restored.folder)
    assert restored.tracking().open_model(CHAMPION_URI).run_id == run.id
    forget(restored.compose("forget", f"author={_AUTHOR}", here))
    assert content(place.folder / "mlruns") == before
    assert place.posts() != restored.posts()
    left = [
        file
        for file, said in content(restored.folder / "mlruns" / "artifacts").items()
        if _AUTHOR.encode() in said
    ]
    assert left == []
