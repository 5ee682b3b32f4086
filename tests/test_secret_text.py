"""Passwords and tokens are found in URIs of every kind, and nothing else is taken for one."""

import logging
import time

import pytest

from likerank import secret_text
from likerank.errors import LikerankError
from likerank.secret_text import has_password, hide_path_of, redact_logs, without_passwords

PLANTED = "hunter2"


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://me:{PLANTED}@db.example/likerank",
        f"mongodb+srv://me:{PLANTED}@db.example",
        f"mongodb://me:a/{PLANTED}@db.example/likerank",
        f"https://{PLANTED}@mlflow.example/x",
        f"https://:{PLANTED}@mlflow.example",
        f"http://me:{PLANTED}@proxy.example:3128",
        f"postgresql+psycopg://me:{PLANTED}@db.example/mlflow",
        f"mysql://me:p@{PLANTED}@db.example/mlflow",
        f"https://mlflow.example/?token={PLANTED}",
        f"https://mlflow.example/x?a=1&access_token={PLANTED}&b=2",
        f"https://mlflow.example/?api_key={PLANTED}",
        f"mongodb://db.example/?tls=true&tlsCertificateKeyFilePassword={PLANTED}",
        f"mongodb://db.example/?authMechanismProperties=AWS_SESSION_TOKEN:{PLANTED}",
        f"s3://{PLANTED}@bucket/runs",
        f"https://mlflow.example/?a%70ikey={PLANTED}",
        f"https://mlflow.example/%3Ftoken%3D{PLANTED}",
        f"https://mlflow.example/?a=%2526password%253D{PLANTED}",
        f"https://mlflow.example/#token={PLANTED}",
        f"https://me%3A{PLANTED}%40mlflow.example/",
    ],
)
def test_a_secret_is_found_and_left_out_of_any_sentence(uri: str) -> None:
    assert has_password(uri)
    sentence = f"The server {uri} (or '{uri}') does not answer; check {uri}."
    assert PLANTED not in without_passwords(sentence)
    assert PLANTED not in str(LikerankError(sentence))
    assert "does not answer" in without_passwords(sentence)


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://db.example:27017/likerank",
        "mongodb://me@db.example/?authMechanism=MONGODB-X509",
        "https://mlflow.example:5000/api?run=3",
        "sqlite:////home/me/a:b@c/mlflow.db",
        "write mongodb://host:27017/, or ask me@example.org",
        "photos/a:b@c.jpg",
        "https://instagram.com/some.name/?hl=en",
        "file:///home/me/My%20photos%20%40home/x.jpg",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert not has_password(text)
    assert without_passwords(text) == text


def test_the_path_of_a_hidden_address_is_left_out_and_its_server_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secret_text, "_hidden", set())
    hide_path_of(f"https://hooks.example/{PLANTED}")
    hide_path_of("sqlite:////home/me/mlflow.db")
    text = without_passwords(f"https://hooks.example/{PLANTED} and /{PLANTED}/api of /home/me/mlflow.db fail")
    assert text == "https://hooks.example/... and /.../api of /home/me/mlflow.db fail"


def test_what_any_library_logs_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    before = logging.getLogRecordFactory()
    try:
        redact_logs()
        logging.getLogger("urllib3").warning("Retrying %s (%d)", f"https://x.example/?token={PLANTED}", 3)
    finally:
        logging.setLogRecordFactory(before)
    assert caplog.messages == ["Retrying https://x.example/?token=... (3)"]


@pytest.mark.parametrize("part", ["a", "a.b-", "a://b:", "http://x?token", "?pwd", "token"])
def test_a_long_hostile_text_takes_no_time_in_its_square(part: str) -> None:
    def seconds(hostile: str) -> float:
        start = time.process_time()
        without_passwords(f"http://x?{hostile * (300_000 // len(hostile))}://")
        return time.process_time() - start

    # Some times as long as a harmless text of the same length; the square would take minutes.
    assert seconds(part) < 50 * max(seconds("x, "), 0.02)
