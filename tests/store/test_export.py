"""An export holds all that the store does, in files that others read."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from bson.json_util import JSONOptions, loads

from likerank.errors import LikerankError
from likerank.images import StoredImage
from likerank.records import Author, Post, Truth
from likerank.store import Store, export_store
from likerank.store import export as export_module
from likerank.store.export import ExportCounts

MakePost = Callable[..., Post]
MakeAuthor = Callable[..., Author]
MakeImage = Callable[..., StoredImage]

T0 = datetime(2024, 5, 1, 12, 0, 0, 123000, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def filled(store: Store, make_post: MakePost, make_author: MakeAuthor, make_stored_image: MakeImage) -> Store:
    """120 posts, two of them without a picture, one observed twice, and an author with a post's key."""
    posts = [
        (
            make_post(number, at=T0, posted_at=T0 - DAY, truth=Truth(appeal=0.1, audience=1 / 3)),
            make_stored_image(f"picture {number}".encode(), f"d{number}") if number > 1 else None,
        )
        for number in range(120)
    ]
    alike = Author(source="made", author_id="p5", username="Zoë 🙂", followers=3, observed_at=T0)
    store.write([make_author(at=T0), alike], posts)
    store.write([], [(make_post(7, likes=None, at=T0 + DAY), None)])
    return store


def lines(file: Path) -> list[dict[str, Any]]:
    return [
        loads(line, json_options=JSONOptions(tz_aware=True))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def test_lines_are_the_documents_and_images_lie_verbatim(filled: Store, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "export"
    assert export_store(filled, folder, images=True) == ExportCounts(120, 2, 123, 118)
    posts = lines(folder / "posts.jsonl")
    stored = list(filled.collection("posts").find({}, {"slot": 0}).sort("_id"))
    for post, document in zip(posts, stored, strict=True):
        if document["image"] is not None:
            file = post["image"].pop("file")
            document["image"].pop("signature")
            assert (folder / file).read_bytes() == document["image"].pop("master")
            assert Path(file).parts[0] == "masters"
            assert Path(file).parts[1] == Path(file).name[:2]
    assert posts == stored
    authors = filled.collection("authors").find({}, {"slot": 0}).sort("_id")
    assert lines(folder / "authors.jsonl") == list(authors)
    observations = lines(folder / "observations.jsonl")
    assert observations == sorted(
        filled.collection("observations").find(),
        key=lambda one: (one["key"], one["observed_at"], one["kind"]),
    )
    assert [path.name for path in folder.parent.iterdir()] == ["export"]


def test_the_parquet_files_say_the_same(filled: Store, tmp_path: Path) -> None:
    export_store(filled, tmp_path / "export", images=False)
    assert not (tmp_path / "export" / "masters").exists()
    for name in ("posts", "authors", "observations"):
        rows = pq.read_table(tmp_path / "export" / f"{name}.parquet").to_pylist()
        for row, line in zip(rows, lines(tmp_path / "export" / f"{name}.jsonl"), strict=True):
            if line.get("image"):
                line["image"]["file"] = None
            assert {column: value for column, value in row.items() if column in line} == line
    table = pd.read_parquet(tmp_path / "export" / "posts.parquet")
    assert table["posted_at"].iloc[0] == pd.Timestamp(T0 - DAY)


def test_the_same_store_gives_the_same_bytes(filled: Store, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export_store(filled, tmp_path / name, images=True)
    for file in (tmp_path / "one").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()


def test_an_empty_store_exports_empty_files(store: Store, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    assert export_store(store, tmp_path / "export", images=True) == ExportCounts(0, 0, 0, 0)
    assert (tmp_path / "export" / "posts.jsonl").read_text() == ""
    assert len(pd.read_parquet(tmp_path / "export" / "posts.parquet")) == 0


def test_a_folder_with_something_in_it_is_left_alone(filled: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for taken in (tmp_path, tmp_path / "mine"):
        with pytest.raises(LikerankError, match="not an empty folder"):
            export_store(filled, taken, images=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_failed_export_leaves_nothing(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module, "_observations", fail)
    with pytest.raises(LikerankError, match="No space left"):
        export_store(filled, tmp_path / "export", images=True)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_export_left_is_removed_by_the_next(filled: Store, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f".export.{ended.pid}", f".export.{os.getppid()}", ".export.old", f".another.{ended.pid}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "posts.jsonl").touch()
    export_store(filled, tmp_path / "export", images=False)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"export", f".export.{os.getppid()}", ".export.old", f".another.{ended.pid}"}
