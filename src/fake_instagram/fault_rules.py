"""Faults that the fake Instagram answers with: which, when and for which account."""

from dataclasses import dataclass, field, replace
from typing import Final

from fake_instagram.answer import Answer, failure, html_answer, not_found, to_login
from likerank.errors import LikerankError

_REASONS: Final = ("feedback_required", "checkpoint_required", "challenge_required")
_KINDS: Final = (*_REASONS, "login", "slow", "cut", "damaged", "html", "fail")


@dataclass(slots=True)
class FaultRule:
    """A rule by which requests get a faulty answer; of several rules that fit, the first that applies counts.

    Attributes:
        kind: An HTTP status (401, 403, 404, 429, 500, ...); `feedback_required`, `checkpoint_required` or
            `challenge_required` (with status 400); `login` (a redirect to the login page); `slow` (the right
            answer after `seconds`); `cut` (the connection breaks in the middle of a body of full
            Content-Length); `damaged` (a body of the right length that cannot be decoded); `html` (a page
            instead of JSON); `fail` (JSON whose status is `fail`).
        after: How many fitting requests are answered rightly first.
        account: The account to which the rule applies, by its first or its current name; None for all.
        on: The kind of request to which the rule applies, one of `Request.kind`; None for all.
        times: How many requests get the fault; None for no limit.
        seconds: How long `slow` takes.
        seen: How many fitting requests have come.
    """

    kind: int | str
    after: int = 0
    account: str | None = None
    on: str | None = None
    times: int | None = None
    seconds: float = 1.0
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in _KINDS and not (str(self.kind).isdigit() and 400 <= int(self.kind) < 600):
            raise LikerankError(
                f"A fault rule cannot have the kind {self.kind!r}; give an HTTP status from 400 or one of "
                f"{', '.join(_KINDS)}."
            )

    def fits(self, kind: str, names: tuple[str, ...]) -> bool:
        """Returns whether the rule covers this kind of request for an account with these names."""
        return self.on in (None, kind) and (self.account is None or self.account in names)

    def applies_next(self) -> bool:
        """Counts a fitting request and returns whether it gets the fault."""
        self.seen += 1
        past = self.seen - self.after
        return past > 0 and (self.times is None or past <= self.times)


def faulty(kind: int | str, right: Answer) -> Answer:
    """Returns the answer that a rule of this kind puts in place of the right one."""
    match kind:
        case "login":
            return to_login()
        case "html":
            return html_answer("<!DOCTYPE html><html><body>Something went wrong.</body></html>")
        case "fail":
            return failure("execution error")
        case "cut":
            return replace(right, breaks_off=True)
        case "damaged":
            return replace(right, body=right.body[:2] + bytes(len(right.body) - 2))
        case "slow":
            return right
        case 404 | "404":
            return not_found()
        case str() if kind in _REASONS:
            return failure(kind, 400)
        case _:
            wait = "Please wait a few minutes before you try again."
            return failure(wait, int(kind), require_login=int(kind) == 401)
