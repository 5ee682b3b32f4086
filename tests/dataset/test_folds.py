"""Folds: each post of train and validation is held out once, copies together, and test never."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likerank.dataset import (
    SELECT,
    STOP,
    TEST,
    TRAIN,
    VALIDATION,
    FoldSnapshot,
    PopularityDataModule,
    Snapshot,
)
from likerank.dataset.folds import fold_of
from likerank.errors import LikerankError
from likerank.models import AuthorLog
from likerank.models.baselines import create_baseline
from tests.synthetic_snapshots import write_snapshot


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshot(tmp_path_factory.mktemp("snapshot") / "s", posts=600)


def copied(folder: Path, to: Path, likes: dict[int, int]) -> Path:
    """The same snapshot with other likes in some rows."""
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    posts = pd.read_parquet(to / "posts.parquet")
    posts.loc[list(likes), "likes"] = list(likes.values())
    posts.to_parquet(to / "posts.parquet", index=False)
    return to


@pytest.mark.parametrize("folds", [2, 3, 10])
def test_every_post_but_tests_is_held_out_once(folder: Path, folds: int) -> None:
    whole = Snapshot(folder)
    views = [FoldSnapshot(Snapshot(folder), fold, folds) for fold in range(1, folds + 1)]
    held_out = np.concatenate([view.rows(VALIDATION, SELECT) for view in views])
    assert sorted(held_out) == sorted([*whole.rows(TRAIN), *whole.rows(VALIDATION)])
    for view in views:
        parts = [
            view.rows(TRAIN),
            view.rows(VALIDATION, STOP),
            view.rows(VALIDATION, SELECT),
            view.rows(TEST),
        ]
        assert sorted(np.concatenate(parts)) == list(range(len(whole.posts)))
        assert view.rows(TEST).tolist() == whole.rows(TEST).tolist()
        assert len(parts[2]) == pytest.approx(540 / folds, abs=5 * (540 / folds) ** 0.5)
        assert len(parts[1]) == pytest.approx((540 - len(parts[2])) / 18, abs=25)
    assert len({view.fingerprint for view in views} | {whole.fingerprint}) == folds + 1


PICTURES = st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=60)


@given(PICTURES, PICTURES, st.integers(0, 2**32), st.integers(2, 12))
def test_copies_share_a_fold_and_new_posts_move_nobody(
    pictures: list[str], more: list[str], seed: int, folds: int
) -> None:
    before = fold_of(pictures, seed, folds)
    after = fold_of([*pictures, *more], seed, folds)
    assert after[: len(pictures)].tolist() == before.tolist()
    assert len(set(zip([*pictures, *more], after.tolist(), strict=True))) == len({*pictures, *more})
    assert set(after.tolist()) <= set(range(1, folds + 1))


def test_folds_are_about_equal_and_hang_on_the_seed() -> None:
    pictures = [str(number) for number in range(20_000)]
    sizes = np.bincount(fold_of(pictures, 0, 10))[1:]
    assert sizes.size == 10
    assert sizes == pytest.approx(2000, abs=200)
    assert (fold_of(pictures, 0, 10) == fold_of(pictures, 1, 10)).mean() == pytest.approx(0.1, abs=0.02)


def test_a_post_of_the_split_is_not_of_a_fold_by_it(folder: Path) -> None:
    """Else one fold would hold out validation, and the others nothing of it."""
    whole = Snapshot(folder)
    for fold in (1, 2, 3):
        held_out = set(FoldSnapshot(Snapshot(folder), fold, 3).rows(VALIDATION, SELECT))
        assert 0.1 < np.mean([row in held_out for row in whole.rows(VALIDATION)]) < 0.6


def test_targets_and_baselines_see_only_the_folds_training(folder: Path, tmp_path: Path) -> None:
    view = FoldSnapshot(Snapshot(folder), 2, 3)
    others = np.setdiff1d(np.arange(len(view.posts)), view.rows(TRAIN))
    likes = view.posts["likes"].to_numpy()
    scrambled = copied(
        folder, tmp_path / "scrambled", {int(row): int(9 * likes[row] + 1000) for row in others}
    )
    one = PopularityDataModule(view, AuthorLog())
    other = PopularityDataModule(FoldSnapshot(Snapshot(scrambled), 2, 3), AuthorLog())
    assert one.snapshot is view
    rows = view.rows(TRAIN)
    np.testing.assert_array_equal(one.targets[rows], other.targets[rows])
    assert one.state_dict()["target"] == other.state_dict()["target"]
    for name in ("author_mean", "ridge"):
        before, after = (
            create_baseline(name)
            .fit(data.snapshot.pixels, data.snapshot.posts, data.targets, rows)
            .predict(data.snapshot.pixels, data.snapshot.posts, others)
            for data in (one, other)
        )
        np.testing.assert_array_equal(before, after)


def test_each_fold_fits_its_own_target(folder: Path) -> None:
    whole = Snapshot(folder)
    data = [PopularityDataModule(FoldSnapshot(whole, fold, 3), AuthorLog()) for fold in (1, 2, 3)]
    assert all(each.targets.shape == (600,) for each in data)
    assert len({str(each.state_dict()["target"]) for each in data}) == 3


def test_more_folds_than_pictures_are_refused(tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path / "few", posts=30)
    with pytest.raises(LikerankError, match=r"evaluation.folds is 50, .* set fewer folds"):
        [FoldSnapshot(Snapshot(folder), fold, 50) for fold in range(1, 51)]
