"""What Instagram's refusals mean: this account, this post, or us."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import instaloader
import requests
import urllib3

_STATUS: Final = re.compile(r"\b([1-5]\d\d) [A-Z][A-Za-z-]+")
_ABOUT_US: Final = (401, 403, 429)
_WHY_ABOUT_US: Final = {
    401: "does not let us in (401)",
    403: "does not let us in (403)",
    429: "keeps saying that these are too many requests (429)",
}


class SiteRefusedError(Exception):
    """Instagram refuses us: whoever is asked for next would be refused too, so everything stops.

    Args:
        sentence: What it said, what to do, and when to come back.
    """


class AccountRefusedError(Exception):
    """One account cannot be collected now; the next one may.

    Args:
        reason: A few words: private, missing, no connection.
        maybe_us: Whether it may be us that is refused, which the next accounts will show.
    """

    def __init__(self, reason: str, *, maybe_us: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_us = maybe_us


class PostRefusedError(Exception):
    """One post or its picture cannot be had now; the next one may."""


@contextmanager
def understanding(login: str | None) -> Iterator[None]:
    """Turns what Instaloader raises inside a `with` statement into what it means.

    Args:
        login: As whom the requests are made; None for a visitor without an account.

    Raises:
        SiteRefusedError: If it is about us.
        AccountRefusedError: If it is about the account.
        PostRefusedError: If it is about a post.
    """
    try:
        yield
    except instaloader.AbortDownloadException as error:
        raise SiteRefusedError(_why_aborted(str(error), login)) from error
    except instaloader.ProfileNotExistsException as error:
        raise AccountRefusedError(
            "missing: deleted, renamed before it was ever collected, or misspelled"
        ) from error
    except (instaloader.PrivateProfileNotFollowedException, instaloader.LoginRequiredException) as error:
        if "private" in str(error).lower():
            raise AccountRefusedError("private") from error
        raise AccountRefusedError("shown only to who is logged in; use login=NAME", maybe_us=True) from error
    except instaloader.QueryReturnedForbiddenException as error:
        raise PostRefusedError("picture refused") from error
    except instaloader.QueryReturnedNotFoundException as error:
        raise PostRefusedError("not found") from error
    except instaloader.QueryReturnedBadRequestException as error:
        raise AccountRefusedError("answered 400", maybe_us=True) from error
    except instaloader.BadResponseException as error:
        raise AccountRefusedError("answered with something else than was asked for", maybe_us=True) from error
    except (
        instaloader.ConnectionException,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
    ) as error:
        status = _status_in(error)
        if status in _ABOUT_US:
            raise SiteRefusedError(
                f"Instagram {_WHY_ABOUT_US[status]}; come back in some hours, with fewer accounts at a time."
            ) from error
        raise AccountRefusedError(_why_unanswered(error, status), maybe_us=True) from error


def is_too_many_requests(error: instaloader.ConnectionException) -> bool:
    """Returns whether an answer asks to wait."""
    return _status_in(error) == 429


def _why_aborted(said: str, login: str | None) -> str:
    if "logged out" in said:
        return (
            f"Instagram has logged {login} out; log in again (instaloader --login {login}) and come back "
            "tomorrow."
        )
    asked = next((word for word in ("checkpoint", "challenge", "feedback") if f"{word}_required" in said), "")
    who = f"as {login} " if login else ""
    return (
        f"Instagram asks for a {asked or 'check'} first: open instagram.com {who}in a browser, do what it "
        "asks, and come back tomorrow."
    )


def _why_unanswered(error: BaseException, status: int | None) -> str:
    if isinstance(error.__cause__, requests.exceptions.JSONDecodeError) or status == 200:
        return "answered with something else than was asked for"
    return "no connection" if status is None else f"answered {status}"


def _status_in(error: BaseException | None) -> int | None:
    """Returns the HTTP status that the error or one of its causes speaks of."""
    while error is not None:
        if isinstance(error, instaloader.TooManyRequestsException):
            return 429
        if isinstance(error, instaloader.InstaloaderException) and (found := _STATUS.search(str(error))):
            return int(found[1])
        error = error.__cause__
    return None
