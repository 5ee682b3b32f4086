"""One author's files are removed from all folders of an archive; all others stay."""

import json
import lzma
import os
import resource
import threading
from pathlib import Path
from typing import Any

import instaloader
import pytest
from filelock import FileLock
from PIL import Image

from likerank.collecting.forgetting import ArchiveRemoval, archived_names, remove_from_archive
from likerank.errors import LikerankError
from likerank.records import Author, Post
from likerank.sources import Archive
from tests.instaloader_files import make_profile, save_post, save_profile

ANN, BOB = 4545454545, 7070707070


def profile(author_id: int, name: str) -> instaloader.Profile:
    return make_profile(author_id, name, edge_followed_by={"count": 9})


def write_post(folder: Path, number: int, owner: instaloader.Profile, **more: Any) -> str:
    """Writes a post and its caption, and returns its stem."""
    stem = f"2023-11-14_22-13-{number:02}_UTC"
    save_post(folder / stem, number, 1_700_000_000 + number, owner, **more)
    (folder / f"{stem}.txt").write_text(f"by {owner.username}")
    return stem


def draw(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 9)).save(path)


def write_profile(folder: Path, owner: instaloader.Profile) -> None:
    save_profile(folder, owner)
    draw(folder / "2023-11-14_22-13-00_UTC_profile_pic.jpg")


def observation(kind: str, author_id: int, name: str, source_id: int = 0) -> str:
    return json.dumps(
        {"kind": kind, "source_id": str(source_id), "author_id": str(author_id), "username": name}
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of Ann, who was anna before, and Bob: their folders, a mixed one, the collector's state."""
    folder = tmp_path / "archive"
    ann, anna, bob = profile(ANN, "ann"), profile(ANN, "anna"), profile(BOB, "bob")
    write_profile(folder / "ann", ann)
    write_profile(folder / "bob", bob)
    draw(folder / "ann" / f"{write_post(folder / 'ann', 1, ann)}.jpg")
    edges = {"edges": [{"node": {"__typename": "GraphImage", "is_video": False}}] * 2}
    stem = write_post(folder / "ann", 2, ann, __typename="GraphSidecar", edge_sidecar_to_children=edges)
    draw(folder / "ann" / f"{stem}_1.jpg")
    draw(folder / "ann" / f"{stem}_2.jpg")
    (folder / "ann" / f"{stem}_comments.json").write_text("[]")
    draw(folder / "anna" / f"{write_post(folder / 'anna', 3, anna)}.jpg")
    for number, owner in ((4, ann), (5, bob)):
        draw(folder / "mixed" / f"{write_post(folder / 'mixed', number, owner)}.jpg")
    draw(folder / "bob" / f"{write_post(folder / 'bob', 6, bob)}.jpg")
    # Bob's post that tags Ann is Bob's.
    tagged = {"edges": [{"node": {"user": {"id": str(ANN), "username": "ann"}}}]}
    draw(folder / "bob" / f"{write_post(folder / 'bob', 7, bob, edge_media_to_tagged_user=tagged)}.jpg")
    # A kill between picture and JSON, and a JSON that was cut short.
    draw(folder / "ann" / "2023-11-14_22-13-08_UTC.jpg")
    (folder / "ann" / "2023-11-14_22-13-09_UTC.json.xz").write_bytes(b"\xfd7zXZ")
    state = folder / ".collect"
    state.mkdir()
    stamps = instaloader.LatestStamps(str(state / "stamps.ini"))  # type: ignore[no-untyped-call]
    for name, author_id in (("ann", ANN), ("annina", ANN), ("bob", BOB)):
        stamps.save_profile_id(name, author_id)
    for author_id in (ANN, BOB):
        (state / f"{author_id}.json").write_text("{}")
        (state / f"{author_id}.resume.json.xz").write_bytes(b"")
    (folder / "observations.jsonl").write_text(
        "\n".join(
            [
                observation("author", ANN, "ann"),
                observation("post", ANN, "ann", 10**18 + 1),
                observation("post", BOB, "bob", ANN),  # The post's id is Ann's.
                observation("post", ANN, "anna", 10**18 + 3),
                observation("author", BOB, "bob"),
            ]
        )
        + "\n"
    )
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "lock"
    }


def bobs(everything: dict[str, bytes]) -> dict[str, bytes]:
    """Returns the files that must stay unchanged."""
    return {
        name: content
        for name, content in everything.items()
        if name.startswith(("bob/", "mixed/2023-11-14_22-13-05", f".collect/{BOB}"))
    }


def test_only_the_authors_files_are_removed(archive: Path) -> None:
    before = files(archive)
    removed = remove_from_archive(archive, str(ANN), [])
    after = files(archive)
    assert bobs(after) == bobs(before)
    assert set(after) == {*bobs(before), "observations.jsonl", ".collect/stamps.ini"}
    assert (removed.posts, removed.pictures, removed.observations) == (4, 7, 3)
    assert removed.files == len(before) - len(after)
    assert (archive / "observations.jsonl").read_text().splitlines() == [
        observation("post", BOB, "bob", ANN),
        observation("author", BOB, "bob"),
    ]
    stamps = instaloader.LatestStamps(str(archive / ".collect" / "stamps.ini"))  # type: ignore[no-untyped-call]
    assert stamps.data.sections() == ["bob"]
    assert stamps.get_profile_id("bob") == BOB
    assert sorted(path.name for path in archive.iterdir()) == [
        ".collect",
        "bob",
        "mixed",
        "observations.jsonl",
    ]


def test_the_remaining_archive_is_read_as_before(archive: Path) -> None:
    remove_from_archive(archive, str(ANN), [])
    records = list(Archive(archive).records())
    assert {record.username for record in records if isinstance(record, Author)} == {"bob"}
    assert len([record for record in records if isinstance(record, Post)]) == 3


def test_a_second_deletion_finds_nothing(archive: Path) -> None:
    remove_from_archive(archive, str(ANN), [])
    before = files(archive)
    assert remove_from_archive(archive, str(ANN), []) == ArchiveRemoval()
    assert files(archive) == before


@pytest.mark.parametrize("steps", [1, 4, 9, 14])
def test_an_interrupted_deletion_is_completed_by_the_next(
    archive: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed_yet = 0
    remove = ArchiveRemoval.remove

    def cut_short(self: ArchiveRemoval, file: Path) -> None:
        nonlocal removed_yet
        if removed_yet == steps:
            raise KeyboardInterrupt
        removed_yet += 1
        remove(self, file)

    before = bobs(files(archive))
    with monkeypatch.context() as patched:
        patched.setattr(ArchiveRemoval, "remove", cut_short)
        with pytest.raises(KeyboardInterrupt):
            remove_from_archive(archive, str(ANN), [])
    remove_from_archive(archive, str(ANN), [])
    after = files(archive)
    assert set(after) == {*before, "observations.jsonl", ".collect/stamps.ini"}
    assert bobs(after) == before


def test_another_authors_post_in_their_folder_stays(archive: Path) -> None:
    # Instaloader saves a post of two authors so.
    draw(archive / "ann" / f"{write_post(archive / 'ann', 20, profile(BOB, 'bob'))}.jpg")
    remove_from_archive(archive, str(ANN), [])
    assert {file.name.split(".")[0] for file in (archive / "ann").iterdir()} == {"2023-11-14_22-13-20_UTC"}


def test_a_folder_with_a_given_name_is_removed(archive: Path) -> None:
    draw(archive / "ann.old" / "2019-01-01_00-00-00_UTC_profile_pic.jpg")
    remove_from_archive(archive, str(ANN), ["Ann.Old"])
    assert not (archive / "ann.old").exists()


def test_the_authors_unfinished_download_is_removed(archive: Path) -> None:
    for name, owner in (("iterator_a", ANN), ("iterator_b", BOB)):
        frozen = instaloader.FrozenNodeIterator(
            query_hash=None,
            query_variables={"id": str(owner)},
            query_referer=None,
            context_username=None,
            total_index=0,
            best_before=None,
            remaining_data={"edges": [{"node": {"owner": {"id": str(owner)}}}]},
            first_node=None,
            doc_id="1",
        )
        instaloader.save_structure_to_file(frozen, str(archive / "mixed" / f"{name}.json.xz"))
    remove_from_archive(archive, str(ANN), [])
    assert [file.name for file in (archive / "mixed").glob("iterator*")] == ["iterator_b.json.xz"]


def test_names_come_from_profiles_and_stamps(archive: Path) -> None:
    assert archived_names(archive) == {str(ANN): {"ann", "annina"}, str(BOB): {"bob"}}
    assert archived_names(archive / "nowhere") == {}


def test_nothing_is_removed_while_a_collect_runs(archive: Path) -> None:
    before = files(archive)
    held, done = threading.Event(), threading.Event()

    def collect() -> None:
        with FileLock(archive / ".collect" / "lock"):
            held.set()
            done.wait()

    collector = threading.Thread(target=collect)
    collector.start()
    held.wait()
    try:
        with pytest.raises(
            LikerankError, match=r"Another command is writing to the archive.*again when it has ended"
        ):
            remove_from_archive(archive, str(ANN), [])
    finally:
        done.set()
        collector.join()
    assert files(archive) == before


def test_a_missing_archive_is_not_created(tmp_path: Path) -> None:
    assert remove_from_archive(tmp_path / "archive", str(ANN), []) == ArchiveRemoval()
    assert list(tmp_path.iterdir()) == []


def test_bombs_and_pipes_in_the_archive_stop_no_deletion(archive: Path) -> None:
    os.mkfifo(archive / "bob" / "2023-11-14_22-13-50_UTC.json")
    bomb = archive / "ann" / "2023-11-14_22-13-51_UTC.json.xz"
    bomb.write_bytes(lzma.compress(bytes(300 << 20), preset=1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    removed = remove_from_archive(archive, str(ANN), {"ann"})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 << 10
    assert removed.posts > 0
    assert not bomb.exists()
    assert (archive / "bob" / "2023-11-14_22-13-50_UTC.json").exists()
