"""Names that other systems give a picture lead to it, where they lead to one only."""

import unicodedata
from pathlib import Path

import pytest

from likerank.sources.picture_names import ImageFolder
from likerank.sources.source import LeftOutError


@pytest.fixture
def images(tmp_path: Path) -> ImageFolder:
    names = [
        "a.jpg",
        "sub/b.jpg",
        "sub/c.jpg",
        "other/c.jpg",
        "my pic.jpg",
        "100%.jpg",
        "Up.JPG",
        "x.jpg",
        "X.jpg",
    ]
    for name in (*names, unicodedata.normalize("NFD", "Käse.jpg"), "back\\slash.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return ImageFolder(tmp_path)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        (".\\a.jpg", "a.jpg"),
        ("sub\\b.jpg", "sub/b.jpg"),
        ("SUB/B.JPG", "sub/b.jpg"),
        ("up.jpg", "Up.JPG"),
        ("my%20pic.jpg", "my pic.jpg"),
        ("100%.jpg", "100%.jpg"),
        ("back\\slash.jpg", "back\\slash.jpg"),
        ("C:\\Users\\me\\b.jpg", "sub/b.jpg"),
        ("/home/me/pictures/b.jpg", "sub/b.jpg"),
        ("\\\\server\\share\\a.jpg", "a.jpg"),
        ("file:///home/me/my%20pic.jpg", "my pic.jpg"),
        ("pictures/a.jpg", "a.jpg"),
        ("X.jpg", "X.jpg"),
        ("Käse.jpg", unicodedata.normalize("NFD", "Käse.jpg")),
    ],
)
def test_a_name_of_another_system_is_found(images: ImageFolder, written: str, found: str) -> None:
    assert images.find(written) == found


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("/home/me/c.jpg", "ambiguous image"),
        ("x.JPG", "ambiguous image"),
        ("b.jpg", "missing image"),
        ("", "missing image"),
        ("sub", "missing image"),
        ("https://example.org/q.jpg", "missing image"),
        ("../a.jpg", "image outside the folder"),
        ("sub/../../a.jpg", "image outside the folder"),
        ("..\\a.jpg", "missing image"),
        ("/etc/passwd", "image outside the folder"),
        ("a\0.jpg", "missing image"),
        ("x" * 5000, "missing image"),
    ],
)
def test_a_name_of_none_or_several_is_refused(images: ImageFolder, written: str, reason: str) -> None:
    with pytest.raises(LeftOutError) as error:
        images.find(written)
    assert error.value.reason == reason
