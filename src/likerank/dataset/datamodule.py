"""The LightningDataModule: batches by index from the snapshot's memory map."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self, TypedDict

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from likerank.dataset.snapshot import Snapshot
from likerank.dataset.splits import STOP, TRAIN, VALIDATION
from likerank.errors import LikerankError


class Batch(TypedDict):
    """The input of a network.

    Attributes:
        pixels: Shape (B, size, size, 3), RGB uint8.
        target: Shape (B,), float32, on the target's scale.
    """

    pixels: torch.Tensor
    target: torch.Tensor


class FitsOnTraining(Protocol):
    """The methods of a target that the DataModule calls; `likerank.models.Target` has them."""

    def fit(self, posts: pd.DataFrame) -> Self:
        """Fits the target on training posts."""

    def transform(self, posts: pd.DataFrame) -> NDArray[np.float32]:
        """Returns the target of each post, shape (len(posts),)."""

    def state(self) -> dict[str, Any]:
        """Returns the fitted state, in plain types."""


class PostDataset(Dataset[Batch]):
    """Posts by arrays of row numbers: one indexing operation a batch, no Python for each sample."""

    def __init__(self, pixels: torch.Tensor, targets: torch.Tensor) -> None:
        self._pixels = pixels
        self._targets = targets

    def __getitem__(self, rows: NDArray[np.int64]) -> Batch:
        """Returns the batch of these rows, on the device of the pixels."""
        chosen = torch.from_numpy(rows).to(self._pixels.device)
        # Copies row by row; pixels[chosen] goes through them byte by byte and takes eight times as long.
        pixels, target = (values.index_select(0, chosen) for values in (self._pixels, self._targets))
        return Batch(pixels=pixels, target=target)


def placed(pixels: NDArray[np.uint8], device: torch.device, free: int) -> torch.Tensor:
    """Moves a snapshot's pixels to an accelerator that holds them easily, so that no batch is copied to it.

    Args:
        pixels: Shape (N, size, size, 3), memory-mapped.
        device: The network's device.
        free: Free bytes of the device's memory.

    Returns:
        The pixels, uint8, on the device; else the memory map.
    """
    mapped = torch.from_numpy(pixels)
    # The network, its activations and the optimiser need the other half.
    return mapped if device.type == "cpu" or pixels.nbytes > 0.5 * free else mapped.to(device)


class BatchSampler(Sampler[NDArray[np.int64]]):
    """Row numbers in batches; shuffled anew each epoch by (seed, epoch) where a seed is given.

    Several processes share each batch: each row is in one process's batch once an epoch, and each process
    has the same number of batches. A last batch too small to share joins the one before.

    Args:
        rows: The rows to go through, shape (N,).
        batch_size: Posts in a batch of all processes together; the last may be smaller.
        seed: Decides the order with the epoch; None keeps the rows' own order.
        rank: The number of this process, from 0.
        ranks: The number of processes.

    Raises:
        LikerankError: If a process would have no posts.
    """

    def __init__(
        self, rows: NDArray[np.int64], batch_size: int, seed: int | None = None, rank: int = 0, ranks: int = 1
    ) -> None:
        if ranks > 1 and min(len(rows), batch_size) < ranks:
            raise LikerankError(
                f"Batches of {batch_size} from {len(rows)} training posts leave some of {ranks} processes "
                "without any; raise data.batch_size, or lower trainer.devices."
            )
        self._rows = rows
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._ranks = ranks
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, which decides the order; Lightning calls it, also when it resumes."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        rows = self._rows
        if self._seed is not None:
            rows = np.random.default_rng([self._seed, self._epoch]).permutation(rows)
        starts = np.arange(1, len(self)) * self._batch_size
        for batch in np.split(rows, starts) if len(rows) else []:
            yield batch[self._rank :: self._ranks]

    def __len__(self) -> int:
        whole, left = divmod(len(self._rows), self._batch_size)
        return whole + (left >= self._ranks)


class PopularityDataModule(LightningDataModule):
    """A snapshot's posts with a target that is fitted on its training posts only.

    Args:
        snapshot: A snapshot, its folder, or a call that builds it if necessary and returns the folder.
        target: The target; fitted here, once, before training.
        batch_size: Posts in a batch.
        seed: Decides the order of the training posts, with the epoch.
    """

    def __init__(
        self,
        snapshot: Snapshot | Path | Callable[[], Path],
        target: FitsOnTraining,
        batch_size: int = 50,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not isinstance(batch_size, int) or batch_size < 1:
            raise LikerankError(f"data.batch_size is {batch_size}; set a whole number from 1.")
        self._source = snapshot
        self._target = target
        self._batch_size = batch_size
        self._seed = seed

    def prepare_data(self) -> None:
        """Builds the snapshot where it is missing."""
        self.snapshot  # noqa: B018

    @cached_property
    def snapshot(self) -> Snapshot:
        """The snapshot, opened."""
        if isinstance(self._source, Snapshot):
            return self._source
        return Snapshot(self._source() if callable(self._source) else self._source)

    @cached_property
    def targets(self) -> NDArray[np.float32]:
        """The target of every post, shape (N,), after a fit on the training posts only."""
        posts = self.snapshot.posts
        self._target.fit(posts.iloc[self.snapshot.rows(TRAIN)])
        return self._target.transform(posts)

    @cached_property
    def _pixels(self) -> torch.Tensor:
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
        return placed(self.snapshot.pixels, device, free)

    def state_dict(self) -> dict[str, Any]:
        """Returns the data's part of a checkpoint: the fingerprint, and the target's fitted state."""
        return {"fingerprint": self.snapshot.fingerprint, "target": self._target.state()}

    def train_dataloader(self) -> DataLoader[Batch]:
        """Returns the training posts, in an order of each epoch's own."""
        rank, ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        rows = self.snapshot.rows(TRAIN)
        return self._loader(BatchSampler(rows, self._batch_size, self._seed, rank, ranks))

    def val_dataloader(self) -> DataLoader[Batch]:
        """Returns validation's early-stopping half; each process sees all of it."""
        return self._loader(BatchSampler(self.snapshot.rows(VALIDATION, STOP), 4 * self._batch_size))

    def _loader(self, sampler: BatchSampler) -> DataLoader[Batch]:
        targets = torch.from_numpy(self.targets).to(self._pixels.device)
        dataset: Dataset[Any] = PostDataset(self._pixels, targets)
        return DataLoader(
            dataset,
            sampler=sampler,
            batch_size=None,
            # A loader draws a number when it starts; with torch's own generator that would shift dropout.
            generator=torch.Generator(),
        )
