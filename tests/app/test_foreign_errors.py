"""Errors of the system and of libraries are sentences that name the file; those of likerank stay bugs."""

import importlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import sqlalchemy
import torch
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from pymongo.errors import ServerSelectionTimeoutError

from likerank.app.sentences import sentence_of


def _fill(device: str) -> None:
    with Path(device).open("w") as file:
        file.write("x" * 100_000)


def _unreachable() -> None:
    raise ServerSelectionTimeoutError("mongodb://me:hunter2@db.example")


def _wrapped() -> None:
    try:
        Path("nowhere/x").read_text()
    except OSError as error:
        raise RuntimeError("a library's own words") from error


def _link_to_itself() -> None:
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "val.parquet")
        link.symlink_to(link)
        link.resolve(strict=True)


def _full_database() -> None:
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("CREATE TABLE runs (id)")


def _full_database_of_mlflow() -> None:
    try:
        _full_database()
    except sqlalchemy.exc.OperationalError as error:
        raise MlflowException(str(error)) from error  # As its store does.


CAUSED: dict[str, tuple[Callable[[], object], str]] = {
    "link_to_itself": (_link_to_itself, "its links lead in a circle"),
    "no_driver": (lambda: importlib.import_module("psycopg_nowhere"), "Python package psycopg_nowhere"),
    "missing": (lambda: Path("nowhere/x").read_text(), "nowhere/x: No such file or directory"),
    "folder": (lambda: Path("/etc").read_text(), "/etc: Is a directory"),
    "file_as_folder": (lambda: Path("/etc/passwd/x").mkdir(), "/etc/passwd/x: Not a directory"),
    "long_name": (lambda: Path("x" * 300).read_text(), "File name too long"),
    "full": (lambda: _fill("/dev/full"), "No space left on device; free some"),
    "wrapped": (_wrapped, "nowhere/x: No such file"),
    "sqlite": (lambda: sqlite3.connect("nowhere/x.db"), "unable to open database file"),
    "sqlalchemy": (
        lambda: sqlalchemy.create_engine("sqlite:///nowhere/x.db").connect(),
        "unable to open database file)",
    ),
    "damaged_database": (
        lambda: sqlite3.connect("/etc/passwd").execute("SELECT * FROM x"),
        "is damaged (file is not a database); restore mlflow.db",
    ),
    "full_database": (_full_database, "The disk of MLflow's database is full; free some"),
    "full_database_of_mlflow": (_full_database_of_mlflow, "The disk of MLflow's database is full; free some"),
    "mlflow": (lambda: MlflowClient("http://127.0.0.1:1/x?a=b").get_run("x"), "MLflow refuses"),
    "mongodb": (_unreachable, "ServerSelectionTimeoutError"),
    "parquet": (lambda: pq.read_table("/etc/passwd"), "'/etc/passwd'"),
    "zip": (lambda: zipfile.ZipFile("/etc/passwd"), "not a zip file"),
    "yaml": (lambda: yaml.safe_load("a: [1"), "while parsing a flow sequence"),
    "torch_memory": (lambda: torch.empty(10**15), "not enough memory"),
    "numpy_memory": (lambda: np.empty(10**15), "not enough memory"),
}


@pytest.mark.parametrize("name", CAUSED)
def test_an_error_from_outside_is_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    cause, said = CAUSED[name]
    with pytest.raises(Exception) as raised:  # noqa: PT011 - each library's own
        cause()
    sentence = sentence_of(raised.value)
    assert sentence is not None
    assert said in sentence
    assert "\n" not in sentence
    assert "hunter2" not in sentence


def test_a_name_with_control_characters_is_shown_without_them(tmp_path: Path) -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011
        (tmp_path / "\x1b[31mred").read_text()
    assert "\x1b" not in str(sentence_of(raised.value))


@pytest.mark.parametrize(
    "bug", [TypeError("x"), KeyError("x"), RuntimeError("x"), OSError("x"), AssertionError()]
)
def test_a_bug_has_no_sentence(bug: Exception) -> None:
    assert sentence_of(bug) is None


def _clumsy() -> None:
    try:
        Path("nowhere/x").read_text()
    except OSError:
        len(1)  # type: ignore[arg-type]


def test_a_bug_beside_an_error_from_outside_stays_a_bug() -> None:
    with pytest.raises(TypeError) as raised:
        _clumsy()
    assert sentence_of(raised.value) is None
