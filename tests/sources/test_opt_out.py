"""Who asked to be forgotten is known again, and can be read out of the file by nobody."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from likerank.errors import LikerankError
from likerank.sources import OptOutList


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "forgotten.json"


def test_before_anybody_asked_nobody_is_in_it_and_there_is_no_file(path: Path) -> None:
    opt_out = OptOutList(path)
    assert "instagram/45" not in opt_out
    assert len(opt_out) == 0
    assert not path.exists()


def test_an_author_stays_in_it_once_however_often_added(path: Path) -> None:
    OptOutList(path).add("instagram/45")
    OptOutList(path).add("instagram/45")
    OptOutList(path).add("table/ann")
    opt_out = OptOutList(path)
    assert len(opt_out) == 2
    assert "instagram/45" in opt_out
    assert "table/ann" in opt_out
    assert "instagram/4" not in opt_out
    assert "table/45" not in opt_out


def test_the_file_names_nobody_and_is_its_owners_alone(path: Path) -> None:
    OptOutList(path).add("instagram/45454545")
    assert "45454545" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir() if file.name.endswith(".tmp")] == []


def test_equal_ids_leave_other_hashes_in_other_places(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    for path in (one, other):
        OptOutList(path).add("instagram/45")
    assert one.read_text() != other.read_text()


def test_what_another_process_adds_is_seen_at_the_next_look(path: Path) -> None:
    looking = OptOutList(path)
    assert "instagram/45" not in looking
    add = f"from likerank.sources import OptOutList; OptOutList({str(path)!r}).add('instagram/45')"
    subprocess.run([sys.executable, "-c", add], check=True)
    assert "instagram/45" in looking


def test_of_several_that_add_at_once_none_is_lost(path: Path) -> None:
    add = f"import sys; from likerank.sources import OptOutList; OptOutList({str(path)!r}).add(sys.argv[1])"
    processes = [subprocess.Popen([sys.executable, "-c", add, f"made/{number}"]) for number in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    opt_out = OptOutList(path)
    assert all(f"made/{number}" in opt_out for number in range(4))


@pytest.mark.parametrize("content", ["", "[]", '{"salt": "xyz", "hashes": []}', '{"salt": "00"}'])
def test_a_damaged_file_is_refused_rather_than_taken_for_an_empty_one(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(LikerankError, match=r"forgotten\.json.*restore it from a backup"):
        assert "instagram/45" not in OptOutList(path)
    with pytest.raises(LikerankError, match="restore it"):
        OptOutList(path).add("instagram/45")
    assert path.read_text() == content
