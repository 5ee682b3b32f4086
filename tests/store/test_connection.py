"""Opening a store by its URI; no error shows a password."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from likerank.errors import LikerankError
from likerank.store import connection, open_store, supervisor

PASSWORD = "s3cr3t-Pa55"
CLOSED_PORT = "127.0.0.1:1"


def failure(uri: str, folder: Path, database: str = "test") -> LikerankError:
    with pytest.raises(LikerankError) as raised, open_store(uri, database, folder):
        pass
    assert str(raised.value).count(". ") == 0
    return raised.value


def everything_said(error: BaseException) -> str:
    """An error's words and those of its causes, shown or not."""
    said, waiting, met = "", [error], set()
    while waiting:
        one = waiting.pop()
        if id(one) not in met:
            met.add(id(one))
            said += f"{one!r} {one.args!r} {vars(one)!r}"
            waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
    return said


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second for a server that does not answer, instead of seconds."""
    assert connection._TIMEOUT_MS <= 10_000
    monkeypatch.setattr(connection, "_TIMEOUT_MS", 100)


@pytest.mark.usefixtures("impatient")
@pytest.mark.filterwarnings("ignore:authmechanism")
@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://user:{PASSWORD}@{CLOSED_PORT}/",
        f"mongodb://user:{PASSWORD}@{CLOSED_PORT}/?appname=a@b",
        f"mongodb://user:{PASSWORD}/slash@{CLOSED_PORT}/",
        f"mongodb://user:{PASSWORD}@{CLOSED_PORT}:notaport/",
        f"mongodb://user:{PASSWORD}%ZZ@{CLOSED_PORT}/",
        f"mongodb://user:{PASSWORD}@{CLOSED_PORT}/?authMechanism={PASSWORD}",
        f"mongodb+srv://user:{PASSWORD}@cluster.invalid/",
        f"{PASSWORD}",
    ],
)
def test_no_error_of_a_connection_shows_a_password(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("LIKERANK_MONGODB_URI", uri)
    error = failure("env:LIKERANK_MONGODB_URI", tmp_path)
    assert PASSWORD not in everything_said(error)
    assert PASSWORD not in caplog.text


@pytest.mark.usefixtures("impatient")
def test_an_unreachable_server_is_named_after_the_time_limit(tmp_path: Path) -> None:
    error = failure(f"mongodb://{CLOSED_PORT}/", tmp_path)
    assert CLOSED_PORT in str(error)
    assert "Timeout: 0.1s" in str(error.__context__)


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://user:{PASSWORD}@host/",
        f"mongodb+srv://user:{PASSWORD}@host/",
        f"mongodb://host/?tlsCertificateKeyFilePassword={PASSWORD}",
    ],
)
def test_a_password_in_the_configuration_is_refused(uri: str, tmp_path: Path) -> None:
    error = failure(uri, tmp_path)
    assert "LIKERANK_MONGODB_URI" in str(error)
    assert PASSWORD not in everything_said(error)


def test_an_unset_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKERANK_MONGODB_URI", raising=False)
    assert "LIKERANK_MONGODB_URI is not set" in str(failure("env:LIKERANK_MONGODB_URI", tmp_path))


def test_what_is_no_uri_is_refused(tmp_path: Path) -> None:
    assert "mongodb://host:27017/" in str(failure("localhost:27017", tmp_path))


@pytest.mark.parametrize("name", ["", "a.b", "a b", "../x", "admin", "x" * 64, "ä"])
def test_a_bad_database_name_is_refused(name: str, tmp_path: Path) -> None:
    assert "store.database" in str(failure("embedded", tmp_path, name))
    assert not list(tmp_path.iterdir())


@pytest.fixture
def open_server(tmp_path: Path) -> Iterator[str]:
    """The host and port of a server that asks for no password."""
    (tmp_path / "open").mkdir()
    server, port = supervisor._start(tmp_path / "open")
    yield f"127.0.0.1:{port}"
    supervisor._stop(server)


@pytest.mark.parametrize("how", ["directly", "by the environment"])
def test_a_running_server_is_opened_by_its_uri(
    how: str, open_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"mongodb://{open_server}/?directConnection=true"
    if how == "by the environment":
        monkeypatch.setenv("SOME_URI", uri)
        uri = "env:SOME_URI"
    with open_store(uri, "test_uri", Path("unused")) as store:
        assert store.place == f"MongoDB at {open_server}"
        assert store.count_posts() == 0


def test_a_refused_login_is_told_without_the_password(
    embedded_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store("embedded", "test_uri", embedded_folder) as embedded:
        host, port = embedded.collection("posts").database.client.address or ("", 0)
        monkeypatch.setenv(
            "LIKERANK_MONGODB_URI", f"mongodb://nobody:{PASSWORD}@{host}:{port}/?directConnection=true"
        )
        error = failure("env:LIKERANK_MONGODB_URI", tmp_path)
    assert "refuses the user or the password" in str(error)
    assert PASSWORD not in everything_said(error)


@pytest.mark.parametrize("option", ["tlsCAFile", "tlsCertificateKeyFile", "tlsCRLFile"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_used_is_named(
    option: str, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "certificate.pem"
    if content:
        file.write_text(content)
    uri = f"mongodb://me:{PASSWORD}@{CLOSED_PORT}/?tls=true&{option}={file}"
    monkeypatch.setenv("LIKERANK_MONGODB_URI", uri)
    error = failure("env:LIKERANK_MONGODB_URI", tmp_path)
    assert f"LIKERANK_MONGODB_URI names the {option} {file}" in str(error)
    assert PASSWORD not in everything_said(error)
