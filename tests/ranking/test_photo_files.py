"""Photo files are found in folders, by patterns and by name."""

from pathlib import Path

import pytest

from likerank.ranking.photo_files import find_photos


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = tmp_path / "shots [1]"
    names = ["b.JPG", "a.png", "notes.txt", "deep/er/c.webp", ".hidden/d.jpg", "._b.JPG", "phone.heic"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "folder.jpg").mkdir()
    return folder


def found(shots: Path, *places: str) -> list[str]:
    return [str(file.relative_to(shots)) for file in find_photos(places)]


def test_only_photos_of_a_folder_are_found(shots: Path) -> None:
    assert found(shots, str(shots)) == ["a.png", "b.JPG", "deep/er/c.webp", "phone.heic"]


def test_a_pattern_finds_photos(shots: Path) -> None:
    plain = shots.rename(shots.with_name("plain"))
    assert found(plain, f"{plain}/*") == ["a.png", "b.JPG", "deep/er/c.webp", "phone.heic"]
    assert found(plain, f"{plain}/[ab].*") == ["a.png", "b.JPG"]
    assert found(plain, f"{plain}/**/*.webp") == ["deep/er/c.webp"]


def test_a_named_file_is_returned_even_if_missing(shots: Path) -> None:
    named = [str(shots / "notes.txt"), str(shots / "gone.jpg")]
    assert found(shots, *named) == ["notes.txt", "gone.jpg"]


def test_places_keep_their_order_and_give_each_photo_once(
    shots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shots)
    assert [str(file) for file in find_photos(["b.JPG", str(shots), "./a.png"])] == [
        "b.JPG",
        *(str(shots / name) for name in ("a.png", "deep/er/c.webp", "phone.heic")),
    ]


def test_a_folder_without_photos_has_none(tmp_path: Path) -> None:
    assert find_photos([str(tmp_path)]) == []


def test_pictures_of_file_servers_and_of_systems_are_passed_over(tmp_path: Path) -> None:
    for name in (
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "__MACOSX/a.jpg",
        "#recycle/b.jpg",
        ".hidden/c.jpg",
        "a.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_photos([str(tmp_path)]) == [tmp_path / "a.jpg"]


def test_names_of_browsers_scanners_and_cameras_are_found(tmp_path: Path) -> None:
    for name in ("saved.jfif", "scan.JPE", "phone.HEIC", "lone.CR2", "pair.NEF", "pair.JPG", "notes.txt"):
        (tmp_path / name).touch()
    found = [file.name for file in find_photos([str(tmp_path)])]
    assert found == ["lone.CR2", "pair.JPG", "phone.HEIC", "saved.jfif", "scan.JPE"]


def test_a_name_that_begins_with_a_tilde_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("~nobody").mkdir()
    Path("~nobody/a.jpg").touch()
    assert find_photos(["~nobody"]) == [Path("~nobody/a.jpg")]
    assert find_photos(["~nobody_else"]) == [Path("~nobody_else")]
