"""An export comes back as the same dataset, and later posts change no earlier post's split."""

from pathlib import Path

import pandas as pd
import pytest

from likerank.commands.export import export
from likerank.commands.ingest import ingest
from likerank.dataset import Snapshot
from likerank.errors import LikerankError
from likerank.store import export_store
from likerank.training.snapshot import snapshot_folder
from tests.workplaces import CORPUS, MakeWorkplace, Workplace

RECIPE = ("snapshot.size=16", "snapshot.balance=none")


def snapshot(place: Workplace) -> Snapshot:
    return Snapshot(snapshot_folder(place.compose("train", *RECIPE)))


def test_an_export_read_back_gives_the_same_fingerprint(corpus: Workplace, workplace: Workplace) -> None:
    folder = workplace.folder / "export"
    export(corpus.compose("export", f"folder={folder}", "images=true"))
    summary = ingest(workplace.compose("ingest", "source=export", f"source.folder={folder}"))
    assert (summary.written.new_posts, summary.written.new_authors) == (300, 6)
    assert not summary.skipped
    assert workplace.contents() == corpus.contents()
    assert snapshot(workplace).fingerprint == snapshot(corpus).fingerprint


def test_more_posts_move_nobody_to_another_split(make_workplace: MakeWorkplace, corpus: Workplace) -> None:
    before = snapshot(corpus)
    grown = make_workplace()
    for posts in (300, 500):
        ingest(grown.compose("ingest", *CORPUS, f"source.posts={posts}"))
    after = snapshot(grown)
    assert after.fingerprint != before.fingerprint
    assert len(after.posts) == 500
    columns = ["key", "split", "half", "likes", "digest"]
    still_there = after.posts[after.posts["key"].isin(before.posts["key"])]
    pd.testing.assert_frame_equal(
        still_there[columns].reset_index(drop=True), before.posts[columns], check_dtype=False
    )


@pytest.mark.parametrize("images", ["true", "false"])
def test_a_folder_with_something_in_it_is_left_alone(corpus: Workplace, tmp_path: Path, images: str) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(LikerankError, match=f"{tmp_path} is there already"):
        export(corpus.compose("export", f"folder={tmp_path}", f"images={images}"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_export_without_images_says_so_when_it_is_read(corpus: Workplace, workplace: Workplace) -> None:
    folder = workplace.folder / "export"
    export(corpus.compose("export", f"folder={folder}"))
    summary = ingest(workplace.compose("ingest", "source=export", f"source.folder={folder}", "workers=1"))
    assert summary.skipped == {"exported without images": 300}
    assert workplace.posts() == []


def test_an_empty_store_is_not_exported(workplace: Workplace) -> None:
    folder = workplace.folder / "export"
    with pytest.raises(LikerankError, match=r"nothing to export: the embedded server in .* holds no posts"):
        export(workplace.compose("export", f"folder={folder}", "images=true"))
    assert not folder.exists()


def test_an_export_of_nothing_is_refused_as_a_source(workplace: Workplace) -> None:
    folder = workplace.folder / "export"
    with workplace.store() as store:
        export_store(store, folder, images=True)
    with pytest.raises(LikerankError, match="The source export has neither posts nor authors"):
        ingest(workplace.compose("ingest", "source=export", f"source.folder={folder}", "workers=1"))
