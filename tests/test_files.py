"""A file is replaced completely or not at all, whatever happens meanwhile; a damaged one is named."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from likerank.errors import LikerankError
from likerank.files import (
    aside_of,
    naming_damage,
    remove_lines,
    reserve,
    rewrite_whole,
    whole_file,
    write_whole,
)

KILLED = """
import os, signal, sys
from pathlib import Path
from likerank.files import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half of the n")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_error_while_writing_leaves_only_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_whole(path, "old")
    with pytest.raises(TypeError), whole_file(path) as file:
        file.writelines([b"half of the n", None])  # type: ignore[list-item]
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["kept.json"]


@pytest.mark.slow
def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_whole(path, "old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert names_in(tmp_path) == [".kept.json.tmp", "kept.json"]
    write_whole(path, "näw")
    assert path.read_text(encoding="utf-8") == "näw"
    assert names_in(tmp_path) == ["kept.json"]


def test_the_opener_decides_the_mode_even_over_what_a_kill_left(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    aside_of(path).write_text("left, and readable by all")
    aside_of(path).chmod(0o644)
    write_whole(path, "new", lambda name, flags: os.open(name, flags, 0o600))
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_the_named_lines_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"a\nb\nab\nc")
    before = path.stat().st_ino
    assert remove_lines(path, lambda line: b"z" in line) == 0
    assert path.stat().st_ino == before
    assert remove_lines(path, lambda line: b"a" in line) == 2
    assert path.read_bytes() == b"b\nc"
    assert names_in(tmp_path) == ["lines"]


def test_a_rewriting_that_changes_nothing_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("one two one")

    def without(word: str, file: Path, target: Path) -> int:
        number = file.read_text().count(word)
        target.write_text(file.read_text().replace(word, ""))
        return number

    assert rewrite_whole(path, lambda file, target: without("three", file, target)) == 0
    assert path.read_text() == "one two one"
    assert rewrite_whole(path, lambda file, target: without("one", file, target)) == 2
    assert path.read_text() == " two "
    assert names_in(tmp_path) == ["text"]


def test_a_reserved_file_has_its_space_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "pixels.npy"
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(1 << 20,))
    assert path.stat().st_blocks * 512 < 1 << 19
    reserve(path)
    assert path.stat().st_blocks * 512 >= 1 << 20
    assert not pixels.any()


def test_a_full_disk_is_named_before_anything_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "pixels.npy").write_bytes(b"123")
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*pixels\.npy'"):
        reserve(tmp_path / "pixels.npy")


def test_a_pipe_is_named_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "kept.json")
    with (
        pytest.raises(LikerankError, match=r"kept\.json is a pipe or a device"),
        naming_damage(tmp_path / "kept.json", "write it again"),
    ):
        (tmp_path / "kept.json").read_text()


def test_damage_is_named_and_a_missing_file_keeps_its_error(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    message = r"kept\.json is damaged \(.+\); write it again\."
    for error in (ValueError("Expecting value"), KeyError("seed"), OSError("no file"), RecursionError()):
        with pytest.raises(LikerankError, match=message), naming_damage(file, "write it again"):
            raise error
    with pytest.raises(FileNotFoundError), naming_damage(file, "write it again"):
        file.read_text()
    with pytest.raises(MemoryError), naming_damage(file, "write it again"):
        raise MemoryError
