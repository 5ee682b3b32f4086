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
