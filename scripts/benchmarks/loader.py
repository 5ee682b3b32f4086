"""Batches: those of the DataModule, against a DataLoader that collates posts in memory one by one."""

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.shared import Fixtures, Measurement, paper_config, ratios
from likerank.dataset import TRAIN
from likerank.training.assembly import Assembly


def loader(fixtures: Fixtures) -> Iterator[Measurement]:
    config = paper_config()
    data = Assembly(config).predictors(fixtures.corpus).data
    rows = data.snapshot.rows(TRAIN)
    posts = TensorDataset(*map(torch.from_numpy, (data.snapshot.pixels[rows], data.targets[rows])))
    plain, ours = DataLoader(posts, config.data.batch_size, shuffle=True), data.train_dataloader()
    measured = ratios(lambda: list(plain), lambda: list(ours), fixtures.sizes.rounds)
    compared = "posts in memory, one by one and collated / the DataModule's batches"
    yield Measurement("batches", compared, measured)
