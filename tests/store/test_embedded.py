"""The embedded server runs while a command needs it and ends when none does, whatever is killed."""

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from likerank.errors import LikerankError
from likerank.records import Post
from likerank.store import open_store, supervisor
from likerank.store.embedded import embedded_server

MakePost = Callable[..., Post]

WRITER = """
import sys
from pathlib import Path
from likerank.records import PictureFile, Post
from likerank.store import open_store
with open_store("embedded", "test", Path(sys.argv[1])) as store:
    print("open", flush=True)
    for start in range(int(sys.argv[2]), int(sys.argv[3]), 20):
        store.write([], [(Post(source="made", source_id=f"{number:05}", author_id="a", username="a",
                               picture=PictureFile(Path("x")), likes=number), None)
                         for number in range(start, start + 20)])
        print(start + 20, flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder without a server yet; whatever was started for it is gone after the test."""
    folder = tmp_path / "mongo"
    yield folder
    for process in started_for(folder):
        process.kill()


def started_for(folder: Path) -> list[psutil.Process]:
    """The supervisors and servers of a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in argument for argument in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def supervisor_of(folder: Path) -> psutil.Process:
    return next(process for process in started_for(folder) if "supervisor.py" in " ".join(process.cmdline()))


def server_of(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "server.pid").read_text()))


def start_writer(folder: Path, first: int, last: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stored_numbers(folder: Path) -> list[int]:
    with open_store("embedded", "test", folder) as store:
        likes = [number for batch in store.scan_posts() for number in batch["likes"].to_pylist()]
        assert store.collection("observations").estimated_document_count() == len(likes)
        return sorted(likes)


def lock_is_free(path: Path) -> bool:
    with path.open("a") as file:
        return supervisor.try_lock(file, fcntl.LOCK_EX)


def has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_two_commands_at_once_on_a_cold_folder_share_one_server(home: Path) -> None:
    writers = [start_writer(home, first, first + 100) for first in (0, 100, 0)]
    for writer in writers:
        assert writer.wait() == 0, writer.communicate()[1]
    assert stored_numbers(home) == list(range(200))
    assert len([one for one in started_for(home) if "supervisor.py" in " ".join(one.cmdline())]) == 1


@pytest.mark.slow
def test_the_server_outlives_its_command_and_ends_when_unused(home: Path) -> None:
    with embedded_server(home, idle_seconds=1):
        supervisor, server = supervisor_of(home), server_of(home)
        time.sleep(1.5)
        assert server.is_running()
    wait_for(lambda: has_ended(server) and has_ended(supervisor))
    assert not (home / "server.json").exists()
    with embedded_server(home, idle_seconds=600) as port:
        assert server_of(home).pid != server.pid
    with embedded_server(home) as again:
        assert again == port


@pytest.mark.slow
def test_clients_that_come_just_as_it_ends_find_a_server(home: Path) -> None:
    for wait in (0.0, 0.2, 0.3, 0.5):
        with embedded_server(home, idle_seconds=0), open_store("embedded", "test", home) as store:
            assert store.count_posts() == 0
        time.sleep(wait)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [supervisor_of, server_of])
def test_a_killed_server_blocks_nothing_and_the_error_helps(
    home: Path, make_post: MakePost, victim: Callable[[Path], psutil.Process]
) -> None:
    with open_store("embedded", "test", home) as store:
        store.write([], [(make_post(), None)])
        server = server_of(home)
        victim(home).kill()
        wait_for(lambda: has_ended(server))
        with pytest.raises(LikerankError, match=r"run the command again|does not answer") as raised:
            list(store.scan_posts())
        assert "\n" not in str(raised.value)
        with open_store("embedded", "test", home) as again:
            assert again.count_posts() == 1


@pytest.mark.slow
def test_kill_9_of_writer_or_server_loses_and_doubles_nothing(home: Path) -> None:
    for victim in ("writer", "server"):
        writer = start_writer(home, 0, 2000)
        assert writer.stdout is not None
        acknowledged = 0
        for line in writer.stdout:
            if line.strip().isdigit() and int(line) >= 100:
                acknowledged = int(line)
                break
        if victim == "writer":
            writer.kill()
        else:
            server_of(home).kill()
        output, errors = writer.communicate()
        assert writer.returncode != 0
        if victim == "server":
            assert "LikerankError" in errors
        acknowledged = max([acknowledged, *(int(line) for line in output.split() if line.isdigit())])
        with open_store("embedded", "test", home) as store:
            assert store.count_posts() >= acknowledged
    assert start_writer(home, 0, 200).wait() == 0
    numbers = stored_numbers(home)
    assert numbers == list(range(len(numbers)))


@pytest.mark.slow
def test_a_kill_while_the_home_is_made_is_recovered_from(home: Path) -> None:
    for seconds in (0.05, 0.15, 0.3, 0.45):
        client = start_writer(home, 0, 20)
        wait_for(lambda: (home / "server.pid").exists() or client.poll() is not None)  # noqa: B023
        time.sleep(seconds)
        for process in started_for(home):
            process.kill()
        client.wait()
    with open_store("embedded", "test", home) as store:
        assert store.database_name == "test"


@pytest.mark.slow
def test_a_stale_server_file_with_a_foreign_port_is_ignored(home: Path) -> None:
    import socket

    home.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (home / "server.json").write_text(json.dumps({"port": port}))
        (home / "server.pid").write_text(str(os.getpid()))
        with embedded_server(home, idle_seconds=1) as found:
            assert found.port != port


@pytest.mark.slow
def test_a_lost_or_damaged_file_with_the_port_is_written_again(home: Path) -> None:
    with embedded_server(home) as first:
        for content in (None, b"", b'{"port": 1', b'{"port": null}', b"[]", b"\xff"):
            (home / "server.json").unlink()
            if content is not None:
                (home / "server.json").write_bytes(content)
            with embedded_server(home) as again:
                assert again.port == first.port


@pytest.mark.slow
def test_the_next_supervisor_stops_an_orphaned_server(home: Path) -> None:
    with embedded_server(home):
        server = server_of(home)
        # Stopped, it cannot follow its supervisor: as on a system without a signal for a parent's death.
        server.send_signal(signal.SIGSTOP)
        supervisor_of(home).kill()
    (home / "server.pid").unlink()  # As if it had been killed before it wrote that.
    # Not its command line: the kernel takes the memory of the dead first, and gives the lock back later.
    wait_for(lambda: lock_is_free(home / "supervisor.lock"))
    server.send_signal(signal.SIGCONT)
    with open_store("embedded", "test", home) as store:
        assert store.count_posts() == 0
    assert has_ended(server)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(LikerankError, match=r"file/mongo cannot be written"),
        open_store("embedded", "test", tmp_path / "file" / "mongo"),
    ):
        pass


def test_without_secantusdb_it_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(LikerankError, match=r"pip install 'likerank\[embedded\]'.*LIKERANK_MONGODB_URI"),
        open_store("embedded", "test", home),
    ):
        pass


def refusal(port: int, **options: Any) -> int | None:
    """The code with which the server refuses to read and to delete; None where it does not."""
    client: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", port, directConnection=True, **options)
    with client:
        try:
            client["test"]["posts"].find_one()
            client["test"]["posts"].delete_many({})
        except OperationFailure as error:
            return error.code
    return None


@pytest.mark.slow
def test_only_who_reads_the_password_file_reads_the_store(home: Path) -> None:
    with embedded_server(home, idle_seconds=0) as (port, password, password_file):
        assert password
        assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert refusal(port) == 13
        assert refusal(port, username="likerank", password="x", authSource="admin") == 18
        assert refusal(port, username="likerank", password=password, authSource="admin") is None
        assert password not in (home / "server.log").read_text()
        assert password not in " ".join(server_of(home).cmdline())


@pytest.mark.slow
def test_an_older_store_gets_a_password_and_loses_users_that_others_made(home: Path) -> None:
    home.mkdir()
    server, port = supervisor._start(home)
    client: MongoClient[dict[str, Any]]
    with MongoClient("127.0.0.1", port, directConnection=True) as client:
        client["test"].command("createUser", "mallory", pwd="x", roles=["readWrite"])
        note: Any = {"text": "kept"}
        client["test"]["notes"].insert_one(note)
    supervisor._stop(server)
    with embedded_server(home) as (port, _, _):
        assert refusal(port, username="mallory", password="x", authSource="test") == 18
    with open_store("embedded", "test", home) as store:
        assert store.collection("posts").database["notes"].count_documents({}) == 1


@pytest.mark.slow
def test_a_lost_or_wrong_password_file_is_a_sentence_and_made_anew(home: Path) -> None:
    message = "does not accept the password in .*password: move that file away"
    with embedded_server(home, idle_seconds=0.5) as (_, password, password_file):
        server = server_of(home)
        for content in ("wrong", None):
            password_file.unlink()
            if content:
                password_file.write_text(content)
            with pytest.raises(LikerankError, match=message), open_store("embedded", "test", home):
                pass
    wait_for(lambda: has_ended(server))
    with open_store("embedded", "test", home) as store:
        assert store.count_posts() == 0
    assert password_file.read_text() != password


@pytest.mark.slow
def test_a_server_that_can_write_no_more_is_ended(tmp_path: Path) -> None:
    says = "import time; print('a line'); print('WiredTigerError: WT_PANIC', flush=True); time.sleep(600)"
    server = subprocess.Popen([sys.executable, "-c", says], stdout=subprocess.PIPE)
    for log in (tmp_path / "server.log", Path("/dev/full")):
        supervisor._keep_output(server, log)
        assert server.wait() == -signal.SIGKILL
        server = subprocess.Popen([sys.executable, "-c", says], stdout=subprocess.PIPE)
    server.kill()
    assert (tmp_path / "server.log").read_text().startswith("a line")
