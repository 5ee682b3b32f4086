"""What the stand-in refuses, when and to whom."""

import json
from dataclasses import dataclass, field, replace
from typing import Final

from likerank.errors import LikerankError

LOGIN: Final = "https://www.instagram.com/accounts/login/?next=%2F"
"""Where those are sent who are not, or no longer, logged in."""

_WAIT: Final = "Please wait a few minutes before you try again."
_REASONS: Final = ("feedback_required", "checkpoint_required", "challenge_required")
_KINDS: Final = (*_REASONS, "login", "slow", "cut", "damaged", "html", "fail")


@dataclass(slots=True)
class Refusal:
    """A rule by which requests are refused; of several that fit, the first that refuses counts.

    Attributes:
        kind: An HTTP status (401, 403, 404, 429, 500, ...); `feedback_required`, `checkpoint_required` or
            `challenge_required` (with status 400); `login` (a redirect there); `slow` (answers rightly after
            `seconds`); `cut` (the connection breaks in the middle of a body of full Content-Length);
            `damaged` (a body of the right length that cannot be decoded); `html` (a page where JSON is due);
            `fail` (JSON whose status is `fail`).
        after: How many requests that fit are answered rightly first.
        account: The account that it is about, by its first name or today's; None for all.
        on: The kind of request that it is about, as `Request.kind` has it; None for all.
        times: How many requests are refused; None for ever.
        seconds: How long `slow` takes.
        seen: How many requests that fit have come.
    """

    kind: int | str
    after: int = 0
    account: str | None = None
    on: str | None = None
    times: int | None = None
    seconds: float = 1.0
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        known = self.kind in _KINDS or (str(self.kind).isdigit() and 400 <= int(self.kind) < 600)
        if not known:
            raise LikerankError(
                f"The stand-in has no refusal of kind {self.kind!r}; take an HTTP status from 400 or one of "
                f"{', '.join(_KINDS)}."
            )

    def fits(self, kind: str, names: tuple[str, ...]) -> bool:
        """Returns whether the rule is about such a request of an account with these names."""
        return (self.on is None or self.on == kind) and (self.account is None or self.account in names)

    def refuses_next(self) -> bool:
        """Counts a request that fits and returns whether it is refused."""
        self.seen += 1
        past = self.seen - self.after
        return past > 0 and (self.times is None or past <= self.times)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire.

    Attributes:
        body: Its bytes.
        content_type: What they are.
        status: The HTTP status.
        headers: Further headers.
        breaks_off: Whether the connection breaks in the middle of the body.
    """

    body: bytes
    content_type: str = "application/json; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    breaks_off: bool = False


def json_answer(data: object, status: int = 200) -> Answer:
    """Returns an answer in JSON."""
    return Answer(json.dumps(data).encode(), status=status)


def html_answer(page: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Returns an answer that is a page."""
    return Answer(page.encode(), "text/html; charset=utf-8", status, headers)


def to_login() -> Answer:
    """Returns the redirect to the login page."""
    return html_answer("", 302, (("Location", LOGIN),))


def not_found() -> Answer:
    """Returns what there is where there is nothing."""
    return html_answer("<!DOCTYPE html><html><head><title>Page not found</title></head></html>", 404)


def refused(kind: int | str, right: Answer) -> Answer:
    """Returns what goes back instead of the right answer."""
    match kind:
        case "login":
            return to_login()
        case "html":
            return html_answer("<!DOCTYPE html><html><body>Something went wrong.</body></html>")
        case "fail":
            return json_answer({"message": "execution error", "status": "fail"})
        case "cut":
            return replace(right, breaks_off=True)
        case "damaged":
            return replace(right, body=right.body[:2] + bytes(len(right.body) - 2))
        case "slow":
            return right
        case 404 | "404":
            return not_found()
        case str() if kind in _REASONS:
            return json_answer({"message": kind, "status": "fail"}, 400)
        case _:
            return json_answer(
                {"message": _WAIT, "require_login": int(kind) == 401, "status": "fail"}, int(kind)
            )
