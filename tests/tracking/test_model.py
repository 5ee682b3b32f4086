"""A logged model opens by run, URI and alias and scores as it did in training; a missing one is named."""

import shutil
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

from likerank.errors import LikerankError
from likerank.models.networks import ResidualNet
from likerank.models.scorer import Scorer
from likerank.tracking import Tracking

PICTURES = np.random.default_rng(0).integers(0, 256, (70, 20, 20, 3), dtype=np.uint8)

pytestmark = pytest.mark.xdist_group("logged model")


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path) -> Tracking:
    folder = tmp_path_factory.mktemp("mlruns")
    shutil.copy(mlflow_database, folder)
    return Tracking("sqlite", "tests", folder)


@pytest.fixture(scope="module")
def logged(tracking: Tracking) -> tuple[str, Scorer]:
    """The id of a run with a model, and the model's own scorer."""
    torch.manual_seed(0)
    scorer = Scorer(ResidualNet(8, (8, 16)))
    scorer.fit_normalisation(PICTURES, np.arange(len(PICTURES)))
    run = tracking.start_run({})
    run.log_model(scorer, PICTURES[:2], {"ranking": {"made": True}})
    run.finish()
    return run.id, scorer


@pytest.mark.slow
def test_a_model_opens_by_run_and_alias_and_scores_as_it_was_trained(
    tracking: Tracking, logged: tuple[str, Scorer]
) -> None:
    run_id, scorer = logged
    tracking.client.create_registered_model("likerank")
    version = mlflow.register_model(f"runs:/{run_id}/model", "likerank")
    tracking.client.set_registered_model_alias("likerank", "champion", version.version)
    expected = scorer.score(PICTURES, np.arange(len(PICTURES)))
    for name in (run_id, f"runs:/{run_id}/model", "models:/likerank@champion", "models:/likerank/1"):
        model = tracking.open_model(name)
        assert (model.run_id, model.size, model.metadata["ranking"]) == (run_id, 20, {"made": True})
        for number in (1, len(PICTURES)):
            scores = model.score(PICTURES[:number])
            assert scores.dtype == np.float64
            np.testing.assert_allclose(scores, expected[:number], atol=1e-5)
    with pytest.raises(LikerankError, match=r"alias contender not found.*likerank promote"):
        tracking.open_model("models:/likerank@contender")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nope", "has no run nope"),
        ("runs:/nope/model", "Run with id=nope not found"),
        ("models:/nobody@champion", "nobody not found"),
        ("models:/nobody/3", "nobody"),
        ("somewhere:/else", "it must be a run's id"),
    ],
)
def test_a_model_that_is_not_there_is_named_with_what_to_do(
    tracking: Tracking, name: str, sentence: str
) -> None:
    with pytest.raises(LikerankError, match=sentence) as raised:
        tracking.open_model(name)
    assert "\n" not in str(raised.value)


def test_a_run_without_a_model_is_said(tracking: Tracking) -> None:
    run = tracking.start_run({})
    with pytest.raises(LikerankError, match=rf"runs:/{run.id}/model cannot be opened"):
        tracking.open_model(run.id)


def test_somebody_elses_model_is_refused(tracking: Tracking) -> None:
    numbers = np.random.default_rng(0).normal(size=(10, 3))
    run = tracking.start_run({})
    with mlflow.start_run(run_id=run.id):
        mlflow.sklearn.log_model(
            LinearRegression().fit(numbers, numbers[:, 0]),
            name="model",
            signature=infer_signature(numbers, numbers[:, 0]),
            pip_requirements=[],
        )
    with pytest.raises(LikerankError, match="is not likerank's"):
        tracking.open_model(run.id)


def folder_of(tracking: Tracking, run_id: str) -> Path:
    outputs = tracking.client.get_run(run_id).outputs
    assert outputs is not None
    (model,) = outputs.model_outputs
    return Path(tracking.client.get_logged_model(model.model_id).artifact_location.removeprefix("file://"))


@pytest.mark.parametrize("content", [b"", b"[]", b"flavors: [", b"signature: {inputs: 3}", b"\xf4\xf4"])
def test_a_damaged_description_is_named(
    tracking: Tracking, logged: tuple[str, Scorer], content: bytes
) -> None:
    file = folder_of(tracking, logged[0]) / "MLmodel"
    whole = file.read_bytes()
    try:
        file.write_bytes(content)
        with pytest.raises(LikerankError, match=r"model.* is (damaged|not likerank's|not opened)"):
            tracking.open_model(logged[0])
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("name", ["MLmodel", "data/model.pt2"])
def test_a_file_that_a_model_lacks_is_named(
    tracking: Tracking, logged: tuple[str, Scorer], name: str
) -> None:
    file = folder_of(tracking, logged[0]) / name
    aside = file.rename(file.with_name("aside"))
    try:
        with pytest.raises(LikerankError, match=f"it has no file {name}"):
            tracking.open_model(logged[0])
    finally:
        aside.rename(file)


def test_opening_leaves_no_files_behind(
    tracking: Tracking, logged: tuple[str, Scorer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = tracking.open_model(logged[0])
    assert list(tmp_path.iterdir()) == []
    assert np.isfinite(model.score(PICTURES[:1])).all()
