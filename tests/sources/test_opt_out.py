"""The opt-out list recognises its authors, and its file names nobody."""

import stat
from pathlib import Path

import pytest

from likerank.errors import LikerankError
from likerank.sources import OptOutList
from tests.forking import start_code


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "forgotten.json"


def test_a_new_list_is_empty_and_has_no_file(path: Path) -> None:
    opt_out = OptOutList(path)
    assert "instagram/45" not in opt_out
    assert len(opt_out) == 0
    assert not path.exists()


def test_a_repeatedly_added_author_is_listed_once(path: Path) -> None:
    OptOutList(path).add("instagram/45")
    OptOutList(path).add("instagram/45")
    OptOutList(path).add("table/ann")
    opt_out = OptOutList(path)
    assert len(opt_out) == 2
    assert "instagram/45" in opt_out
    assert "table/ann" in opt_out
    assert "instagram/4" not in opt_out
    assert "table/45" not in opt_out


def test_the_file_names_nobody_and_is_private(path: Path) -> None:
    OptOutList(path).add("instagram/45454545")
    assert "45454545" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir() if file.name.endswith(".tmp")] == []


def test_equal_ids_have_different_hashes_in_two_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    for path in (one, other):
        OptOutList(path).add("instagram/45")
    assert one.read_text() != other.read_text()


@pytest.mark.slow
def test_additions_of_another_process_are_seen(path: Path, tmp_path: Path) -> None:
    looking = OptOutList(path)
    assert "instagram/45" not in looking
    add = f"from likerank.sources import OptOutList; OptOutList({str(path)!r}).add('instagram/45')"
    assert start_code(add, tmp_path).wait() == 0
    assert "instagram/45" in looking


@pytest.mark.slow
def test_parallel_additions_are_all_kept(path: Path, tmp_path: Path) -> None:
    add = f"from likerank.sources import OptOutList; OptOutList({str(path)!r}).add('table/%s')"
    processes = [start_code(add % number, tmp_path) for number in range(2)]
    assert [process.wait() for process in processes] == [0] * 2
    opt_out = OptOutList(path)
    assert all(f"table/{number}" in opt_out for number in range(2))


@pytest.mark.parametrize("content", ["", "[]", '{"salt": "xyz", "hashes": []}', '{"salt": "00"}'])
def test_a_damaged_file_is_an_error_and_not_an_empty_list(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(LikerankError, match=r"forgotten\.json.*restore it from a backup"):
        assert "instagram/45" not in OptOutList(path)
    with pytest.raises(LikerankError, match="restore it"):
        OptOutList(path).add("instagram/45")
    assert path.read_text() == content
