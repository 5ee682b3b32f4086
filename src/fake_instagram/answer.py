"""Answers as HTTP: status, headers and body."""

import json
from dataclasses import dataclass
from typing import Final

LOGIN: Final = "https://www.instagram.com/accounts/login/?next=%2F"
"""The address that visitors without a valid session are redirected to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    body: bytes
    content_type: str = "application/json; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()  # Further headers.
    breaks_off: bool = False  # Whether the connection breaks in the middle of the body.


def json_answer(data: object, status: int = 200) -> Answer:
    """Returns an answer in JSON."""
    return Answer(json.dumps(data).encode(), status=status)


def failure(message: str, status: int = 200, **more: object) -> Answer:
    """Returns JSON whose `status` is `fail`."""
    return json_answer({"message": message, **more, "status": "fail"}, status)


def html_answer(page: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Returns an answer that is a page."""
    return Answer(page.encode(), "text/html; charset=utf-8", status, headers)


def to_login() -> Answer:
    """Returns the redirect to the login page."""
    return html_answer("", 302, (("Location", LOGIN),))


def not_found() -> Answer:
    """Returns the page of an address that does not exist."""
    return html_answer("<!DOCTYPE html><html><head><title>Page not found</title></head></html>", 404)
