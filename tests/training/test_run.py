"""A training leaves all that it promises in its run, nothing of test, and is the same whenever repeated."""

import itertools
import json
import shutil
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.entities import LoggedModel
from omegaconf import OmegaConf
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger

from likerank.app.paths import Folders
from likerank.commands.evaluate import evaluate
from likerank.commands.train import train
from likerank.dataset import SELECT, STOP, TEST, Snapshot, find_snapshot
from likerank.dataset.snapshot import fingerprint_of
from likerank.evaluation import METRICS
from likerank.evaluation.metrics import BANDS
from likerank.run_names import CONFIG, FINGERPRINT
from likerank.tracking import Run
from likerank.training.assembly import Assembly
from likerank.training.checkpoints import RelocatableCheckpoint
from likerank.training.fit import fit_weights
from tests.workplaces import TINY, TINY_PAPER, Workplace, checkpoint_weights, identical

pytestmark = pytest.mark.xdist_group("trained")

PREDICTORS = ("network", "ridge", "linear", "author_mean", "author_then", "mean")
SCOPES = ("across", "within", "headline")
METRIC_NAMES = (
    "position_match_2",
    "position_match_5",
    "position_match_10",
    "pairwise",
    "spearman",
    "kendall",
    "ndcg",
    "mse",
)
LOSSES = {"train/loss", "val/loss", "epoch"}


@pytest.fixture(scope="session")
def snapshot(corpus: Workplace, trained: Run) -> Snapshot:
    return Snapshot(find_snapshot(Folders.of(corpus.compose("train")).snapshots, trained.tags[FINGERPRINT]))


def logged_model(run: Run) -> LoggedModel:
    client = mlflow.MlflowClient(run._uri)
    info = client.get_run(run.id).info
    (model,) = [
        model for model in client.search_logged_models([info.experiment_id]) if model.source_run_id == run.id
    ]
    return model


def predictions(run: Run, split: str = "val") -> pd.DataFrame:
    return pd.read_parquet(run.artifact(f"predictions/{split}.parquet"))


def test_the_metric_keys_are_the_promised_ones(trained: Run) -> None:
    promised = {"/".join(("val", *key)) for key in itertools.product(PREDICTORS, SCOPES, METRIC_NAMES)}
    bands = itertools.product(PREDICTORS, SCOPES[1:], (band.name for band in BANDS))
    promised |= {"/".join(("val", *key)) for key in bands}
    logged = trained.metrics.keys() - LOSSES
    made = {key for key in logged if key.startswith("val/truth_")}
    assert set(METRIC_NAMES) == METRICS.keys()
    assert logged - made <= promised
    # No author has five of the fifteen posts in this half, so these alone are absent, and the table says why.
    sets = [f"position_match_{n}" for n in (5, 10)]
    absent = {f"val/{each}/{scope}/{name}" for each in PREDICTORS for scope in SCOPES[1:] for name in sets}
    assert promised - logged == absent
    table = json.loads(trained.artifact("results.json").read_text())["val"]
    assert {key.split("/")[1] for key in made} == {"truth_appeal", "truth_appeal_audience"}
    # Nor are any two of an author's nearby, so that the table leads with all of an author's.
    assert (table["headline"], table["days"]) == ("within", 90)
    notes = {row["note"] for row in table["rows"] if row["estimate"] is None}
    many = {f"no author has {n} posts in this split" for n in (5, 10)}
    assert notes == many | {"no author has 2 posts at most 90 days apart in this split"}
    for name, metric in itertools.product(PREDICTORS, METRIC_NAMES[3:]):
        assert (
            trained.metrics[f"val/{name}/headline/{metric}"] == trained.metrics[f"val/{name}/within/{metric}"]
        )
    assert trained.tags["mlflow.note.content"].startswith("In words: of two photos of one person, network")


def test_every_number_is_finite_and_chance_is_chance(trained: Run) -> None:
    assert all(np.isfinite(value) for value in trained.metrics.values())
    for n in (2, 5, 10):
        assert trained.metrics[f"val/mean/across/position_match_{n}"] == pytest.approx(1 / n)
    assert trained.metrics["val/mean/within/pairwise"] == pytest.approx(0.5)


def test_auto_trains_on_the_recommended_target_says_why_and_records_that(
    corpus: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = corpus.train(*TINY, "target=auto", "trainer.max_epochs=1")
    assert "Target, by target=auto: author_log: it gives away least who posted" in capsys.readouterr().out
    assert run.params["target._target_"] == "likerank.models.AuthorLog"
    evaluate(corpus.compose("evaluate", f"run_id={run.id}"))


def test_losses_are_logged_once_an_epoch(trained: Run) -> None:
    client = mlflow.MlflowClient(trained._uri)
    for name in ("train/loss", "val/loss"):
        history = client.get_metric_history(trained.id, name)
        assert len({point.step for point in history}) == len(history) == 3


def test_parameters_are_flat_and_say_what_was_configured(corpus: Workplace, trained: Run) -> None:
    params = trained.params
    plan = Assembly(corpus.compose("train", *TINY)).plan(trained.tags[FINGERPRINT])
    assert params == plan.params
    assert (params["seed"], params["snapshot.size"], params["trainer.max_epochs"]) == ("0", "16", "3")
    assert params["network.blocks"] == "[8]"
    assert params["snapshot.fingerprint"] == trained.tags[FINGERPRINT]
    assert not [key for key, value in params.items() if value.startswith("{")]


def test_the_composed_configuration_is_kept(corpus: Workplace, trained: Run) -> None:
    kept = OmegaConf.load(trained.artifact(CONFIG))
    assert kept == OmegaConf.create(OmegaConf.to_container(corpus.compose("train", *TINY), resolve=True))


def test_the_run_says_what_it_was_made_of(trained: Run, snapshot: Snapshot) -> None:
    run = mlflow.MlflowClient(trained._uri).get_run(trained.id)
    assert run.inputs is not None
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.digest == snapshot.fingerprint
    assert {tag.key: tag.value for tag in dataset.tags} == {"mlflow.data.context": "training"}
    assert json.loads(dataset.dataset.profile or "")["train_posts"] == len(snapshot.rows("train"))
    assert run.info.status == "FINISHED"
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40


def test_predictions_hold_each_validation_post_with_every_score(trained: Run, snapshot: Snapshot) -> None:
    table = predictions(trained)
    posts = snapshot.posts.iloc[snapshot.rows("val")]
    assert table["key"].tolist() == posts["key"].tolist()
    assert table["likes"].tolist() == posts["likes"].tolist()
    assert table["author"].tolist() == posts["author"].tolist()
    assert set(table["half"]) == {STOP, SELECT}
    assert not table[list(PREDICTORS)].isna().any(axis=None)


def test_the_logged_model_gives_the_scores_that_were_ranked(
    trained: Run, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = logged_model(trained)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained._uri)
    mlflow.set_tracking_uri(trained._uri)
    opened = mlflow.pyfunc.load_model(model.model_uri)
    rows = snapshot.rows("val")
    for part in (rows, rows[:1]):
        scores = opened.predict(np.asarray(snapshot.pixels[part]))
        assert scores == pytest.approx(predictions(trained)["network"].to_numpy()[: len(part)], abs=1e-4)


def test_training_does_not_touch_the_test_split(trained: Run, snapshot: Snapshot) -> None:
    assert not [key for key in trained.metrics if key.startswith("test/")]
    assert not trained.has_artifact("predictions/test.parquet")
    assert json.loads(trained.artifact("results.json").read_text()).keys() == {"val"}
    folder = trained.artifact("")
    test_keys = snapshot.posts["key"].iloc[snapshot.rows(TEST)].tolist()
    assert test_keys
    for file in (path for path in folder.rglob("*") if path.is_file()):
        if file.suffix == ".parquet":
            assert not set(pd.read_parquet(file)["key"]) & set(test_keys)
        else:
            content = file.read_bytes()
            assert not [key for key in test_keys if key.encode() in content]


def test_a_finished_training_is_given_back(
    corpus: Workplace, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    config = corpus.compose("train", *TINY)
    before = trained.metrics
    assert train(config) == before["val/network/within/pairwise"]
    assert f"Trained before: run {trained.id}" in capsys.readouterr().out
    assert trained.metrics == before


def test_training_again_gives_the_same_bits(corpus: Workplace, trained: Run) -> None:
    again = corpus.train(*TINY, "reuse=false")
    assert again.id != trained.id
    assert identical(checkpoint_weights(again), checkpoint_weights(trained))
    assert again.metrics == trained.metrics
    pd.testing.assert_frame_equal(predictions(again), predictions(trained))


def test_another_seed_is_another_training(corpus: Workplace, trained: Run) -> None:
    other = corpus.train(*TINY, "seed=1")
    assert other.id != trained.id
    assert not identical(checkpoint_weights(other), checkpoint_weights(trained))
    assert other.tags[FINGERPRINT] == trained.tags[FINGERPRINT]


def test_nothing_but_the_run_is_left(corpus: Workplace, trained: Run) -> None:
    assert trained.status == "FINISHED"
    assert not (corpus.folder / "mlruns" / "checkpoints" / trained.id).exists()


def test_checkpoints_load_without_executing_anything(trained: Run) -> None:
    (checkpoint,) = trained.artifact("checkpoints").glob("*.ckpt")
    content = torch.load(checkpoint, weights_only=True)
    assert content["PopularityDataModule"]["fingerprint"] == trained.tags[FINGERPRINT]
    assert content["PopularityDataModule"]["target"]["name"] == "author_log"


def test_a_named_snapshot_brings_its_own_recipe(corpus: Workplace, snapshot: Snapshot) -> None:
    """Its pictures have 16 pixels, whatever snapshot.size would be for a new one."""
    chosen = [override for override in TINY_PAPER if not override.startswith("snapshot.")]
    run = corpus.train(*chosen, f"snapshot.fingerprint={snapshot.fingerprint}")
    assert (run.params["snapshot.size"], run.params["snapshot.balance"]) == ("16", "none")
    assert run.params["network.image_size"] == "16"


def test_scrambled_test_labels_leave_the_weights_as_they_are(
    corpus: Workplace, trained: Run, snapshot: Snapshot
) -> None:
    posts = snapshot.posts.copy()
    test = snapshot.rows(TEST)
    posts.loc[test, "likes"] = posts.loc[test, "likes"].to_numpy()[::-1] * 1000
    scrambled = fingerprint_of(snapshot.manifest["recipe"], posts, snapshot.pixels)
    folder = shutil.copytree(snapshot.folder, snapshot.folder.with_name(scrambled))
    posts.to_parquet(folder / "posts.parquet", index=False)
    manifest = json.loads((folder / "snapshot.json").read_text()) | {
        "fingerprint": scrambled,
        "store_revisions": [],
    }
    (folder / "snapshot.json").write_text(json.dumps(manifest))
    run = corpus.train(*TINY, f"snapshot.fingerprint={scrambled}")
    assert run.tags[FINGERPRINT] == scrambled
    assert identical(checkpoint_weights(run), checkpoint_weights(trained))
    assert run.metrics == trained.metrics


class KeepEachCheckpoint(Callback):
    """Links what `last.ckpt` is when an epoch starts, under the epoch's number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch:
            (self.folder / f"{trainer.current_epoch}.kept").hardlink_to(self.folder / "last.ckpt")


def test_a_checkpoint_is_replaced_and_never_overwritten(
    corpus: Workplace, snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a kill in the middle of a write would leave nothing to resume from."""
    other_disk = Path("/dev/shm")  # noqa: S108 - where temporary files lie in memory, as on many machines
    if not other_disk.is_dir() or other_disk.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to have temporary files on")
    monkeypatch.setattr(tempfile, "tempdir", str(other_disk))
    training = Assembly(corpus.compose("train", *TINY)).on(snapshot)
    training.trainer.callbacks.insert(0, KeepEachCheckpoint(tmp_path))  # type: ignore[attr-defined]
    fit_weights(training, tmp_path, CSVLogger(tmp_path))
    kept = {file.stem: torch.load(file, weights_only=True)["epoch"] for file in tmp_path.glob("*.kept")}
    assert kept == {"1": 0, "2": 1}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16-true", "64-true"])
def test_a_training_in_another_precision_is_ranked_by_32_bits(corpus: Workplace, precision: str) -> None:
    run = corpus.train(
        *TINY, "trainer.max_epochs=1", "evaluation.baselines=[mean]", f"trainer.precision={precision}"
    )
    assert run.status == "FINISHED"
    kept = {value.dtype for value in checkpoint_weights(run).values() if value.is_floating_point()}
    assert kept == {{"bf16-true": torch.bfloat16, "64-true": torch.float64}[precision]}
    model = corpus.tracking().open_model(run.id)
    scores = model.score(np.zeros((2, model.size, model.size, 3), np.uint8))
    assert scores[0] == scores[1]


def test_a_moved_training_remembers_its_best_epoch(tmp_path: Path) -> None:
    before, after = (
        RelocatableCheckpoint(dirpath=tmp_path / name, filename="best", monitor="val/loss")
        for name in ("original", "copy")
    )
    kept = str(tmp_path / "original" / "best.ckpt")
    before.best_model_path, before.best_model_score = kept, torch.tensor(0.5)
    before.best_k_models = {kept: torch.tensor(0.5)}
    assert before.state_key == ModelCheckpoint(monitor="val/loss").state_key
    after.load_state_dict(before.state_dict())
    assert after.best_model_path == str(tmp_path / "copy" / "best.ckpt")
    assert after.best_k_models == {after.best_model_path: torch.tensor(0.5)}
    assert after.best_model_score == torch.tensor(0.5)
