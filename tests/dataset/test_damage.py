"""A damaged snapshot is told by its file before anything is trained on it."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likerank.dataset import Snapshot
from likerank.dataset.snapshot import MANIFEST_FILE, PIXELS_FILE, POSTS_FILE
from likerank.errors import LikerankError
from tests.synthetic_snapshots import write_snapshot


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "s1")


def test_an_undamaged_snapshot_is_what_its_fingerprint_says(folder: Path) -> None:
    Snapshot(folder).check()


@pytest.mark.parametrize("name", [MANIFEST_FILE, PIXELS_FILE, POSTS_FILE])
@pytest.mark.parametrize("damage", [cut, empty, Path.unlink])
def test_a_file_that_was_cut_short_or_lost_is_named(
    folder: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(folder / name)
    with pytest.raises(LikerankError, match=f"{name} is damaged|There is no snapshot in"):
        Snapshot(folder).check()


@pytest.mark.parametrize("name", [MANIFEST_FILE, PIXELS_FILE, POSTS_FILE])
def test_a_pipe_in_place_of_a_file_is_named_and_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(LikerankError, match=f"{name} is (a pipe|damaged)"):
        Snapshot(folder).check()


@pytest.mark.parametrize("content", ["[]", "{}", "null", "3"])
def test_a_manifest_of_another_content_is_damaged(folder: Path, content: str) -> None:
    (folder / MANIFEST_FILE).write_text(content)
    with pytest.raises(LikerankError, match=f"{MANIFEST_FILE} is damaged"):
        Snapshot(folder)


def test_one_flipped_bit_of_a_pixel_is_found(folder: Path) -> None:
    pixels = np.load(folder / PIXELS_FILE)
    pixels[3, 2, 1, 0] ^= 1
    np.save(folder / PIXELS_FILE, pixels)
    with pytest.raises(
        LikerankError,
        match=f"{PIXELS_FILE} is damaged .*{POSTS_FILE} is not what the fingerprint was made of",
    ):
        Snapshot(folder).check()


def test_a_text_that_is_no_utf_8_is_found_when_the_posts_are_read(folder: Path) -> None:
    posts = pq.read_table(folder / POSTS_FILE)
    place = posts.schema.get_field_index("key")
    sound = posts["key"].to_pylist()
    broken = pa.array([b"\xb3", *(key.encode() for key in sound[1:])], pa.binary())
    no_text = pa.Array.from_buffers(pa.string(), len(broken), broken.buffers())
    pq.write_table(posts.set_column(place, "key", no_text), folder / POSTS_FILE)
    with pytest.raises(LikerankError, match=f"{POSTS_FILE} is damaged .*UTF8"):
        _ = Snapshot(folder).posts


def test_one_changed_like_is_found(folder: Path) -> None:
    posts = pd.read_parquet(folder / POSTS_FILE)
    posts["likes"] += np.arange(len(posts)) == 3
    posts.to_parquet(folder / POSTS_FILE, index=False)
    with pytest.raises(
        LikerankError,
        match=f"{PIXELS_FILE} is damaged .*{POSTS_FILE} is not what the fingerprint was made of",
    ):
        Snapshot(folder).check()
