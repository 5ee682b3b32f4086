"""The DataModule: each post once an epoch, in an order of (seed, epoch); targets blind to other splits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from likerank.dataset import STOP, TRAIN, VALIDATION, PopularityDataModule, Snapshot
from likerank.dataset.datamodule import BatchSampler, PostDataset, placed
from likerank.errors import LikerankError
from likerank.models import Target, TopPost
from likerank.models.targets import TARGETS
from tests.synthetic_snapshots import write_snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "snapshot")


@pytest.mark.parametrize("batch_size", [1, 7, 50, 1000])
def test_every_row_comes_once_an_epoch(batch_size: int) -> None:
    rows = np.arange(5, 105)
    sampler = BatchSampler(rows, batch_size, seed=3)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert sorted(np.concatenate(batches)) == rows.tolist()
    assert max(map(len, batches)) <= batch_size


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 5), st.integers(0, 3))
def test_processes_share_each_batch_and_no_post_comes_twice(
    posts: int, batch_size: int, ranks: int, epoch: int
) -> None:
    assume(min(posts, batch_size) >= ranks)
    rows = np.arange(7, 7 + posts)
    samplers = [BatchSampler(rows, batch_size, 3, rank, ranks) for rank in range(ranks)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    shares = [list(sampler) for sampler in samplers]
    assert {len(share) for share in shares} == {len(samplers[0])}
    assert min(len(part) for share in shares for part in share) >= 1
    assert sorted(np.concatenate([part for share in shares for part in share])) == rows.tolist()
    alone = BatchSampler(rows, batch_size, 3)
    alone.set_epoch(epoch)
    together = [sorted(np.concatenate(parts)) for parts in zip(*shares, strict=True)]
    assert together[:-1] == [sorted(batch) for batch in alone][: len(together) - 1]
    assert max(map(len, together)) < batch_size + ranks


@pytest.mark.parametrize(("posts", "batch_size"), [(2, 50), (100, 2)])
def test_a_process_without_posts_is_refused(posts: int, batch_size: int) -> None:
    with pytest.raises(LikerankError, match=r"leave some of 3 processes without any; raise data.batch_size"):
        BatchSampler(np.arange(posts), batch_size, 0, rank=1, ranks=3)


def test_the_order_hangs_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = BatchSampler(np.arange(100), 10, seed=seed)
        sampler.set_epoch(epoch)
        return [int(row) for batch in sampler for row in batch]

    assert order(1, 4) == order(1, 4)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1, 2)}) == 6


def test_batches_hold_the_pixels_and_targets_of_their_rows(folder: Path) -> None:
    data = PopularityDataModule(folder, TopPost(), batch_size=32)
    snapshot = Snapshot(folder)
    rows = snapshot.rows(VALIDATION, STOP)
    batches = list(data.val_dataloader())
    assert torch.equal(torch.cat([b["pixels"] for b in batches]), torch.from_numpy(snapshot.pixels[rows]))
    assert torch.equal(torch.cat([b["target"] for b in batches]), torch.from_numpy(data.targets[rows]))


def test_training_batches_are_training_posts(folder: Path) -> None:
    data = PopularityDataModule(folder, TopPost(), batch_size=32)
    snapshot = Snapshot(folder)
    served = torch.cat([batch["target"] for batch in data.train_dataloader()]).sort().values
    assert torch.equal(served, torch.from_numpy(np.sort(data.targets[snapshot.rows(TRAIN)])))


def test_making_a_loader_draws_nothing_from_torchs_generator(folder: Path) -> None:
    data = PopularityDataModule(folder, TopPost())
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    list(data.train_dataloader())
    assert torch.equal(torch.rand(1), expected)


def test_the_snapshot_is_built_once_and_only_when_asked_for(folder: Path) -> None:
    calls = []

    def build() -> Path:
        calls.append(1)
        return folder

    data = PopularityDataModule(build, TopPost())
    assert not calls
    data.prepare_data()
    data.prepare_data()
    assert data.snapshot.folder == folder
    assert len(calls) == 1


@pytest.mark.parametrize("kind", TARGETS.values())
def test_labels_outside_training_do_not_reach_what_is_fitted(folder: Path, kind: type[Target]) -> None:
    posts = pd.read_parquet(folder / "posts.parquet")
    posts["posted_at"] = pd.to_datetime(np.arange(len(posts)), unit="D", utc=True)
    posts.to_parquet(folder / "posts.parquet", index=False)
    before = PopularityDataModule(folder, kind())
    targets, fitted = before.targets, before.state_dict()
    elsewhere = posts["split"] != TRAIN
    posts.loc[elsewhere, "likes"] = (
        posts.loc[elsewhere, "likes"].sample(frac=1, random_state=1).to_numpy() * 9
    )
    posts.to_parquet(folder / "posts.parquet", index=False)
    after = PopularityDataModule(folder, kind())
    rows = Snapshot(folder).rows(TRAIN)
    np.testing.assert_array_equal(targets[rows], after.targets[rows])
    assert (targets != after.targets).any()
    assert after.state_dict() == fitted


def test_a_checkpoint_has_fingerprint_and_target_in_plain_types(folder: Path) -> None:
    state = PopularityDataModule(folder, TopPost())
    assert state.targets.shape == (400,)
    kept = state.state_dict()
    assert kept["fingerprint"] == Snapshot(folder).fingerprint
    assert kept["target"]["name"] == "top_post"


def test_pixels_move_to_an_accelerator_that_holds_them(folder: Path) -> None:
    pixels = Snapshot(folder).pixels
    accelerator = torch.device("meta")  # the one device besides the CPU that every machine has
    assert placed(pixels, accelerator, free=10 * pixels.nbytes).device == accelerator
    assert placed(pixels, accelerator, free=pixels.nbytes).device.type == "cpu"
    mapped = placed(pixels, torch.device("cpu"), free=10 * pixels.nbytes)
    assert mapped.data_ptr() == pixels.__array_interface__["data"][0], "they were copied"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_are_taken_on_the_gpu(folder: Path) -> None:
    pixels = placed(Snapshot(folder).pixels, torch.device("cuda"), free=1 << 40)
    batch = PostDataset(pixels, torch.zeros(len(pixels), device="cuda"))[np.array([2, 0])]
    assert batch["pixels"].is_cuda
    assert torch.equal(batch["pixels"].cpu(), torch.from_numpy(Snapshot(folder).pixels[[2, 0]]))
