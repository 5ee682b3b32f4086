"""Tracking on a real SQLite store: runs, artifacts, models that open without likerank, cold starts."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from likerank.errors import LikerankError
from likerank.models.networks import ResidualNet
from likerank.models.scorer import Scorer
from likerank.run_names import REFRESH
from likerank.tracking import (
    CHAMPION_URI,
    Run,
    Tracking,
    champion_id,
    environment,
    find_champion,
    register_champion,
)
from tests.forking import start_code
from tests.workplaces import kill, wait_for


@pytest.fixture
def tracking(tmp_path: Path, mlflow_database: Path) -> Tracking:
    (tmp_path / "mlruns").mkdir()
    shutil.copy(mlflow_database, tmp_path / "mlruns")
    return Tracking("sqlite", "tests", tmp_path / "mlruns")


def test_what_goes_into_a_run_comes_out_of_it(tracking: Tracking) -> None:
    run = tracking.start_run({"likerank.trial": "abc"})
    run.log_params({f"key.{number}": number for number in range(250)})
    run.log_metrics({"val/network/within/pairwise": 0.75, "val/ridge/across/mse": 2.0})
    run.log_json({"val": [1, 2]}, "results.json")
    run.finish()
    again = tracking.run(run.id)
    assert len(again.params) == 250
    assert again.params["key.249"] == "249"
    assert again.metrics == {"val/network/within/pairwise": 0.75, "val/ridge/across/mse": 2.0}
    assert json.loads(again.artifact("results.json").read_text()) == {"val": [1, 2]}
    assert again.status == "FINISHED"


def test_only_a_finished_run_is_found_by_its_tags(tracking: Tracking) -> None:
    finished, failed = (
        tracking.start_run({"likerank.trial": "a"}),
        tracking.start_run({"likerank.trial": "b"}),
    )
    finished.finish()
    failed.finish("FAILED", "no reason")
    found = tracking.find_run({"likerank.trial": "a"}, "FINISHED")
    assert found is not None
    assert found.id == finished.id
    assert tracking.find_run({"likerank.trial": "b"}, "FINISHED") is None
    assert failed.tags["likerank.reason"] == "no reason"


def test_a_run_that_is_not_there_is_named(tracking: Tracking) -> None:
    with pytest.raises(LikerankError, match="has no run nowhere"):
        tracking.run("nowhere")


def test_an_artifact_that_is_not_there_is_named(tracking: Tracking) -> None:
    run = tracking.start_run({})
    assert not run.has_artifact("config.yaml")
    with pytest.raises(LikerankError, match=r"has no config\.yaml"):
        run.artifact("config.yaml")


def test_a_snapshot_becomes_the_runs_dataset_input(tracking: Tracking, tmp_path: Path) -> None:
    run = tracking.start_run({})
    run.log_snapshot("snapshot", "0123456789abcdef", tmp_path, {"train": 80, "val": 10, "test": 10})
    inputs = tracking.client.get_run(run.id).inputs
    assert inputs is not None
    (given,) = inputs.dataset_inputs
    assert given.dataset.digest == "0123456789abcdef"
    assert json.loads(given.dataset.profile or "")["train_posts"] == 80
    assert [tag.value for tag in given.tags if tag.key == "mlflow.data.context"] == ["training"]


@pytest.mark.slow
def test_a_model_opens_in_another_process_for_any_batch_size(tracking: Tracking, tmp_path: Path) -> None:
    torch.manual_seed(0)
    scorer = Scorer(ResidualNet(8, (8, 16)))
    pictures = np.random.default_rng(0).integers(0, 256, (5, 20, 20, 3), dtype=np.uint8)
    scorer.fit_normalisation(pictures, np.arange(5))
    run = tracking.start_run({})
    uri = run.log_model(scorer, pictures[:2], {"target": {"name": "top_post"}})
    expected = scorer.score(pictures, np.arange(5))
    np.save(tmp_path / "pictures.npy", pictures)
    script = f"""
import sys, json, numpy as np, mlflow
mlflow.set_tracking_uri({tracking.uri!r})
model = mlflow.pyfunc.load_model({uri!r})
pictures = np.load({str(tmp_path / "pictures.npy")!r})
scores = [np.asarray(model.predict(pictures[:n])).ravel().tolist() for n in (1, 2, 5)]
print(json.dumps([scores, model.metadata.metadata, "likerank" in sys.modules]))
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    scores, metadata, likerank_was_imported = json.loads(answer.stdout.strip().splitlines()[-1])
    for number, given in zip((1, 2, 5), scores, strict=True):
        np.testing.assert_allclose(given, expected[:number], atol=1e-5)
    assert metadata == {"target": {"name": "top_post"}}
    assert not likerank_was_imported


@pytest.mark.slow
def test_processes_that_write_the_same_dataset_at_once_work(tmp_path: Path) -> None:
    script = f"""
import os, time
from pathlib import Path
from likerank.run_names import REFRESH
from likerank.tracking import (
    CHAMPION_URI,
    Run,
    Tracking,
    champion_id,
    environment,
    find_champion,
    register_champion,
)
def meet(at):
    (Path({str(tmp_path)!r}) / f"{{at}} {{os.getpid()}}").touch()
    deadline = time.monotonic() + 900
    while len(list(Path({str(tmp_path)!r}).glob(f"{{at}} *"))) < 2:
        assert time.monotonic() < deadline, "the others did not come"
        time.sleep(0.001)
meet("start")
run = Tracking("sqlite", "cold", Path({str(tmp_path / "mlruns")!r})).start_run({{}})
run.log_metrics({{"a": 1.0}})
meet("dataset")
run.log_snapshot("snapshot", "s1", Path("/snapshots/s1"), {{"train": 8}})
run.finish()
"""
    processes = [start_code(script, tmp_path) for _ in range(2)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 2, errors
    tracking = Tracking("sqlite", "cold", tmp_path / "mlruns")
    experiment = tracking.client.get_experiment_by_name("cold")
    assert experiment is not None
    assert len(tracking.client.search_runs([experiment.experiment_id])) == 2


def test_a_server_that_does_not_answer_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(LikerankError, match=r"MLflow at http://127\.0\.0\.1:9 does not answer"):
        Tracking("http://127.0.0.1:9", "tests", tmp_path)


def test_runs_are_found_by_tags_and_time(tracking: Tracking) -> None:
    before = datetime.now(UTC)
    made = [tracking.start_run({"likerank.sweep": str(number % 2)}, f"run {number}") for number in range(7)]
    made[0].log_params({"lr": 0.1})
    made[0].log_metrics({"a": 2.0})
    made[0].finish()
    other = tracking.start_run({"something": "else"})
    assert {run.id for run in tracking.runs({"likerank.sweep": None})} == {run.id for run in made}
    even = list(tracking.runs({"likerank.sweep": "0"}, since=before - timedelta(seconds=1)))
    assert {run.id for run in even} == {run.id for run in made[::2]}
    assert [run.started for run in even] == sorted((run.started for run in even), reverse=True)
    assert list(tracking.runs({}, since=datetime.now(UTC) + timedelta(hours=1))) == []
    first = next(run for run in even if run.id == made[0].id)
    assert (first.name, first.status, first.params, first.metrics) == (
        "run 0",
        "FINISHED",
        {"lr": "0.1"},
        {"a": 2.0},
    )
    assert other.id in {run.id for run in tracking.runs({})}


def test_another_runs_experiment_can_be_searched(tracking: Tracking, tmp_path: Path) -> None:
    elsewhere = Tracking("sqlite", "elsewhere", tmp_path / "mlruns").start_run({"a": "b"})
    assert list(tracking.runs({"a": "b"})) == []
    assert [run.id for run in tracking.runs({"a": "b"}, experiment_of=elsewhere)] == [elsewhere.id]


def test_a_search_leaves_the_environment_as_it_was(
    tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Tracking("sqlite", "tests", tmp_path / "elsewhere")
    assert tracking.find_run({"no": "run"}) is None
    assert "MLFLOW_TRACKING_URI" not in os.environ


@pytest.mark.slow
@pytest.mark.parametrize("name", ["50%20off", "a?b#c", "q'uo\"te [1], Köln"])
def test_a_folder_of_any_name_holds_everything(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "mlruns"
    run = Tracking("sqlite", "tests", folder).start_run({})
    run.log_text("kept", "notes/a.txt")
    assert Tracking("sqlite", "tests", folder).run(run.id).artifact("notes/a.txt").read_text() == "kept"
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert {file.name for file in folder.iterdir() if not file.name.startswith(".")} == {
        "artifacts",
        "mlflow.db",
        "running",
    }


def logged(tracking: Tracking, name: str) -> Run:
    run = tracking.start_run({REFRESH: str(tracking_folder(tracking).parent / "data")}, name)
    run.log_text(name, "a.txt")
    uri = run.log_model(Scorer(ResidualNet(4, (4,))), np.zeros((2, 8, 8, 3), np.uint8), {"of": name})
    assert uri.startswith("models:/")
    run.finish()
    register_champion(tracking, run, name)
    return run


def tracking_folder(tracking: Tracking) -> Path:
    return Path(tracking.uri.removeprefix("sqlite:///")).parent


@pytest.mark.parametrize("moved", [False, True])
def test_a_moved_or_copied_folder_is_used_in_place(tracking: Tracking, tmp_path: Path, moved: bool) -> None:
    original, elsewhere = tracking_folder(tracking), tmp_path / "else where" / "mlruns"
    run = logged(tracking, "first")
    (elsewhere.parent / "data").mkdir(parents=True)
    if moved:
        original.rename(elsewhere)
    else:
        shutil.copytree(original, elsewhere)
    before = {file: file.read_bytes() for file in original.rglob("*") if file.is_file()}
    there = Tracking("sqlite", "tests", elsewhere)
    again = there.run(run.id)
    assert again.artifact("a.txt").is_relative_to(elsewhere)
    again.log_text("changed", "a.txt")
    assert there.open_model(CHAMPION_URI).metadata == {"of": "first"}
    assert [each.id for each in there.runs({REFRESH: str(elsewhere.parent / "data")})] == [run.id]
    second = logged(there, "second")
    assert second.artifact("a.txt").is_relative_to(elsewhere)
    with closing(sqlite3.connect(elsewhere / "mlflow.db")) as database:
        assert f"{original}/" not in "\n".join(database.iterdump())
    assert {file: file.read_bytes() for file in original.rglob("*") if file.is_file()} == before


def test_artifacts_that_lie_elsewhere_on_purpose_stay(tracking: Tracking, tmp_path: Path) -> None:
    disk = tmp_path / "large disk" / "artifacts"
    disk.mkdir(parents=True)
    tracking.client.create_experiment("large", artifact_location=disk.as_uri())
    run = Tracking("sqlite", "large", tracking_folder(tracking)).start_run({})
    run.log_text("kept", "a.txt")
    assert run.artifact("a.txt").is_relative_to(disk)


def test_a_linked_folder_is_the_same_one(tracking: Tracking, tmp_path: Path) -> None:
    run = tracking.start_run({})
    run.log_text("kept", "a.txt")
    (tmp_path / "link").symlink_to(tracking_folder(tracking))
    there = Tracking("sqlite", "tests", tmp_path / "link").run(run.id).artifact("a.txt")
    assert there == run.artifact("a.txt")


def test_variables_of_other_work_lead_nowhere(
    tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"sqlite:///{tmp_path / 'company.db'}"
    for name, value in {
        "MLFLOW_TRACKING_URI": other,
        "MLFLOW_REGISTRY_URI": other,
        "MLFLOW_READ_REPLICA_BACKEND_STORE_URI": other,
        "MLFLOW_EXPERIMENT_ID": "999",
        "MLFLOW_EXPERIMENT_NAME": "of the company",
        "MLFLOW_RUN_ID": "0" * 32,
        "MLFLOW_ACTIVE_MODEL_ID": "m-" + "0" * 32,
    }.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    here = Tracking("sqlite", "here", tracking_folder(tracking))
    run = logged(here, "ours")
    _ = run.lightning_logger().experiment
    assert here.open_model(CHAMPION_URI).run_id == run.id
    assert run.experiment_id == here._experiment_id
    assert not (tmp_path / "company.db").exists()
    assert dict(os.environ) == before


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(environment._WHEN_OPENING, "MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setitem(environment._WHEN_OPENING, "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(LikerankError, match="does not answer"):
            Tracking(uri, "tests", tmp_path)


def test_another_versions_database_names_the_upgrade(tracking: Tracking) -> None:
    folder = tracking_folder(tracking)
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '7ac759974ad8'")
    copy = folder.parent / "copy"  # MLflow keeps what it has opened.
    shutil.copytree(folder, copy)
    with pytest.raises(LikerankError, match=f"mlflow db upgrade sqlite:///{copy}/mlflow.db`"):
        Tracking("sqlite", "tests", copy)


def test_a_deleted_run_is_named(tracking: Tracking) -> None:
    run = tracking.start_run({})
    tracking.client.delete_run(run.id)
    with pytest.raises(LikerankError, match=f"Run {run.id} was deleted in MLflow; restore it"):
        tracking.run(run.id)
    assert tracking.find_existing(run.id) is None
    assert tracking.find_existing("0" * 32) is None


def test_a_deleted_champion_is_none(tracking: Tracking) -> None:
    run = logged(tracking, "first")
    tracking.client.delete_run(run.id)
    assert find_champion(tracking) is None
    assert champion_id(tracking) == run.id


def test_a_killed_processes_run_is_ended_by_the_next(tracking: Tracking, tmp_path: Path) -> None:
    folder = tracking_folder(tracking)
    mine = tracking.start_run({})
    said = tmp_path / "id"
    script = f"""
import time
from pathlib import Path
from likerank.files import write_whole
from likerank.tracking import Tracking
write_whole(Path({str(said)!r}), Tracking("sqlite", "tests", Path({str(folder)!r})).start_run({{}}).id)
time.sleep(900)
"""
    process = start_code(script, tmp_path)
    wait_for(said.exists, process)
    theirs = said.read_text()
    there = Tracking("sqlite", "tests", folder).run(theirs)
    assert there.status == "RUNNING"
    with pytest.raises(LikerankError, match="still running in another process"):
        tracking.reopen(there)
    kill(process)
    assert Tracking("sqlite", "tests", folder).run(theirs).status == "KILLED"
    assert mine.status == "RUNNING"
    tracking.reopen(there)
    assert there.status == "RUNNING"
    there.finish()
    mine.finish()
    assert list((folder / "running").iterdir()) == []
