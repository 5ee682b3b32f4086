"""A deleted author's rows are blank in every snapshot, and none of these snapshots trains."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likerank.dataset import FoldSnapshot, Snapshot, forgetting
from likerank.dataset.forgetting import AffectedSnapshot, blank_author
from likerank.errors import LikerankError
from tests.synthetic_snapshots import write_snapshot

ANN = "made/author_1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two snapshots with the author and one without."""
    for name, seed in (("s1", 1), ("s2", 2)):
        write_snapshot(tmp_path / name, posts=60, size=8, seed=seed)
    write_snapshot(tmp_path / "s3", posts=60, size=8, authors=1, seed=3)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def blanked(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    return pd.read_parquet(folder / "posts.parquet"), np.load(folder / "pixels.npy")


def test_the_rows_are_blank_and_all_others_as_before(root: Path) -> None:
    before, pixels = blanked(root / "s1")
    theirs = (before["author"] == ANN).to_numpy()
    untouched = files(root / "s3")
    number = [int((blanked(root / name)[0]["author"] == ANN).sum()) for name in ("s1", "s2")]
    assert blank_author(root, ANN) == [AffectedSnapshot("s1", number[0]), AffectedSnapshot("s2", number[1])]
    after, pixels_after = blanked(root / "s1")
    assert len(after) == len(before)
    assert after.loc[theirs].drop(columns=["split", "half"]).isna().all(axis=None)
    assert not pixels_after[theirs].any()
    pd.testing.assert_frame_equal(after[~theirs], before[~theirs], check_dtype=False)
    assert (after["split"] == before["split"]).all()
    np.testing.assert_array_equal(pixels_after[~theirs], pixels[~theirs])
    assert files(root / "s3") == untouched
    for name in ("s1", "s2"):
        assert all(b"author_1" not in content for content in files(root / name).values())


def test_a_blanked_snapshot_is_refused_everywhere(root: Path) -> None:
    whole = Snapshot(root / "s1")
    blank_author(root, ANN)
    with pytest.raises(LikerankError, match=r"held posts of a person whose data was deleted.*latest"):
        Snapshot(root / "s1")
    with pytest.raises(LikerankError, match="data was deleted"):
        FoldSnapshot(whole, 1, 2)
    assert len(Snapshot(root / "s3").posts) == 60


def test_again_it_changes_nothing_and_still_names_them(root: Path) -> None:
    blank_author(root, ANN)
    before = {name: files(root / name) for name in ("s1", "s2", "s3")}
    assert blank_author(root, ANN) == [AffectedSnapshot("s1", 0), AffectedSnapshot("s2", 0)]
    assert {name: files(root / name) for name in ("s1", "s2", "s3")} == before


def test_a_second_author_can_leave_a_snapshot_too(root: Path) -> None:
    blank_author(root, ANN)
    blank_author(root, "made/author_2")
    posts, pixels = blanked(root / "s1")
    assert set(posts["author"].dropna()) == {"made/author_0", "made/author_3"}
    assert not pixels[posts["author"].isna()].any()


def test_nobody_in_any_snapshot_and_no_snapshots_are_no_error(root: Path) -> None:
    before = {name: files(root / name) for name in ("s1", "s2", "s3")}
    assert blank_author(root, "made/nobody") == []
    assert {name: files(root / name) for name in ("s1", "s2", "s3")} == before
    assert blank_author(root / "nowhere", ANN) == []


@pytest.mark.parametrize("killed_before", ["open_memmap", "whole_file"])
def test_a_kill_leaves_it_refused_and_the_next_call_finishes(root: Path, killed_before: str) -> None:
    """A child process dies at the step, as by `kill -9`: nothing of it runs any more."""
    expected = root / "expected"
    write_snapshot(expected / "s1", posts=60, size=8, seed=1)
    blank_author(expected, ANN)
    pid = os.fork()
    if pid == 0:
        holder = np.lib.format if killed_before == "open_memmap" else forgetting
        setattr(holder, killed_before, lambda *_, **__: os._exit(9))
        blank_author(root, ANN)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert ANN in set(blanked(root / "s1")[0]["author"])
    with pytest.raises(LikerankError, match="data was deleted"):
        Snapshot(root / "s1")
    assert [each.fingerprint for each in blank_author(root, ANN)] == ["s1", "s2"]
    assert files(root / "s1") == files(expected / "s1")


def test_what_a_killed_build_left_goes_too(root: Path) -> None:
    abandoned = root / ".building-x"
    abandoned.mkdir()
    (abandoned / "pixels.npy").write_bytes(b"their pictures")
    blank_author(root, ANN)
    assert not abandoned.exists()


def test_the_manifest_counts_the_author_no_more(root: Path) -> None:
    blank_author(root, ANN)
    manifest = json.loads((root / "s1" / "snapshot.json").read_text())
    assert sorted(manifest["counts"]["authors"]) == ["made/author_0", "made/author_2", "made/author_3"]


def test_a_damaged_manifest_stops_no_deletion(root: Path) -> None:
    os.truncate(root / "s1" / "snapshot.json", 50)
    (root / "s2" / "snapshot.json").unlink()
    assert [each.fingerprint for each in blank_author(root, ANN)] == ["s1", "s2"]
    for name in ("s1", "s2"):
        assert all(b"author_1" not in content for content in files(root / name).values())
        with pytest.raises(LikerankError, match="data was deleted"):
            Snapshot(root / name)


def test_damaged_pixels_are_removed(root: Path) -> None:
    os.truncate(root / "s1" / "pixels.npy", 20)
    assert blank_author(root, ANN)[0].posts
    assert not (root / "s1" / "pixels.npy").exists()
    assert (blanked_posts(root / "s1")["author"] != ANN).all()


def blanked_posts(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "posts.parquet")


def test_a_snapshot_with_a_damaged_table_is_deleted(root: Path) -> None:
    os.truncate(root / "s3" / "posts.parquet", 500)
    assert blank_author(root, ANN)[-1] == AffectedSnapshot("s3", 0, deleted=True)
    assert not (root / "s3").exists()


def test_a_damaged_manifest_is_one_sentence(root: Path) -> None:
    os.truncate(root / "s1" / "snapshot.json", 50)
    with pytest.raises(LikerankError, match=r"s1/snapshot\.json is damaged .*builds the snapshot anew"):
        Snapshot(root / "s1")
