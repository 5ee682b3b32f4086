"""The regressor under a real Trainer: it learns, repeats to the bit, and resumes to the bit."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint

from likerank.dataset import TRAIN, PopularityDataModule
from likerank.models.author_targets import AuthorLog
from likerank.models.networks import ConvNet, ResidualNet
from likerank.models.regressor import PopularityRegressor
from likerank.models.scorer import Scorer
from likerank.models.stopping import ResumableEarlyStopping
from tests.synthetic_snapshots import write_snapshot


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "snapshot")


def train(
    snapshot: Path,
    folder: Path | None = None,
    epochs: int = 3,
    resume: Path | None = None,
    callbacks: Sequence[Callback] = (),
    *,
    schedule: bool = True,
    network: type[torch.nn.Module] = ResidualNet,
) -> PopularityRegressor:
    pl.seed_everything(0, verbose=False)
    data = PopularityDataModule(snapshot, AuthorLog(), batch_size=32)
    scorer = Scorer(ConvNet(16, kernel_sizes=(5, 3)) if network is ConvNet else ResidualNet(8, (8, 16)))
    scorer.fit_normalisation(data.snapshot.pixels, data.snapshot.rows(TRAIN))
    regressor = PopularityRegressor(
        scorer,
        optimizer=partial(torch.optim.AdamW, lr=1e-2),
        scheduler=partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=1e-2) if schedule else None,
        flip=True,
    )
    kept: list[Callback] = (
        []
        if folder is None
        else [ModelCheckpoint(folder, "last", enable_version_counter=False, save_on_train_epoch_end=True)]
    )
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        callbacks=[*callbacks, *kept],
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(regressor, data, ckpt_path=resume, weights_only=True)
    return regressor


def assert_same_weights(one: torch.nn.Module, two: torch.nn.Module) -> None:
    for (name, left), right in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        assert torch.equal(left, right), name


class CutAfter(Callback):
    """Ends a training at the end of an epoch, as a kill would: the schedule still spans all epochs."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == self._epoch:
            raise KeyboardInterrupt


def test_it_learns_what_the_pictures_show(snapshot: Path) -> None:
    regressor = train(snapshot, epochs=6)
    data = PopularityDataModule(snapshot, AuthorLog())
    rows = data.snapshot.rows("test")
    scores = regressor.scorer.score(data.snapshot.pixels, rows)
    assert np.corrcoef(scores, data.snapshot.posts["appeal"].to_numpy()[rows])[0, 1] > 0.9


@pytest.mark.parametrize("network", [ConvNet, ResidualNet])
def test_two_trainings_of_one_seed_are_bit_identical(snapshot: Path, network: type[torch.nn.Module]) -> None:
    assert_same_weights(train(snapshot, network=network), train(snapshot, network=network))


@pytest.mark.parametrize("network", [ConvNet, ResidualNet])
@pytest.mark.parametrize("schedule", [True, False])
def test_a_resumed_training_ends_with_equal_weights(
    snapshot: Path, tmp_path: Path, schedule: bool, network: type[torch.nn.Module]
) -> None:
    undisturbed = train(snapshot, epochs=5, schedule=schedule, network=network)
    with pytest.raises(BaseException):  # noqa: B017, PT011 - Lightning may turn the interrupt into an exit
        train(snapshot, tmp_path / "cut", 5, callbacks=[CutAfter(2)], schedule=schedule, network=network)
    torch.rand(100)  # whatever else has drawn from the generator since
    resumed = train(
        snapshot, tmp_path / "cut", 5, tmp_path / "cut" / "last.ckpt", schedule=schedule, network=network
    )
    assert_same_weights(undisturbed, resumed)


def test_an_early_stopped_training_stays_stopped_when_resumed(snapshot: Path, tmp_path: Path) -> None:
    def stopping() -> list[Callback]:
        return [ResumableEarlyStopping("val/loss", patience=1, min_delta=10.0)]

    stopped = train(snapshot, tmp_path / "kept", 9, callbacks=stopping(), schedule=False)
    resumed = train(
        snapshot, tmp_path / "kept", 9, tmp_path / "kept" / "last.ckpt", stopping(), schedule=False
    )
    assert_same_weights(stopped, resumed)


def test_scrambled_test_labels_change_no_bit_of_the_weights(snapshot: Path) -> None:
    before = train(snapshot)
    posts = pd.read_parquet(snapshot / "posts.parquet")
    test = posts["split"] == "test"
    posts.loc[test, "likes"] = posts.loc[test, "likes"].sample(frac=1, random_state=3).to_numpy() * 7 + 1
    posts.to_parquet(snapshot / "posts.parquet", index=False)
    assert_same_weights(before, train(snapshot))


def test_checkpoints_load_without_executing_anything(snapshot: Path, tmp_path: Path) -> None:
    regressor = train(snapshot, tmp_path / "kept", 1)
    checkpoint = torch.load(tmp_path / "kept" / "last.ckpt", weights_only=True)
    assert checkpoint["state_dict"].keys() == regressor.state_dict().keys()
    assert checkpoint["PopularityDataModule"]["target"]["name"] == "author_log"
