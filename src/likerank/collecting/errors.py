"""Errors of Instagram: about one post, one account, or the visitor."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import instaloader
import requests
import urllib3

IN_A_ROW: Final = 3
"""So many failures one after another end a pass or a collection."""
_STATUS: Final = re.compile(r"\b([1-5]\d\d) [A-Z][A-Za-z-]+")
_BLOCKED: Final = {
    401: "refuses this visitor (401)",
    403: "refuses this visitor (403)",
    429: "keeps answering that there are too many requests (429)",
}


class SiteRefusedError(Exception):
    """Instagram blocks the visitor: all further accounts would fail, so the collection stops."""


class AccountRefusedError(Exception):
    """One account cannot be collected now; the next one may succeed.

    Args:
        reason: A few words: private, missing, no connection.
        maybe_blocked: Whether Instagram may be blocking the visitor; if so, the next accounts fail too.
    """

    def __init__(self, reason: str, *, maybe_blocked: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_blocked = maybe_blocked


class PostRefusedError(Exception):
    """One post or its picture is not available now; the next one may be."""


@contextmanager
def translated_errors(login: str | None) -> Iterator[None]:
    """Translates Instaloader's errors inside a `with` statement; `login` is the logged-in account.

    Raises:
        SiteRefusedError: If the error is about the visitor.
        AccountRefusedError: If it is about the account.
        PostRefusedError: If it is about a post.
    """
    try:
        yield
    except instaloader.AbortDownloadException as error:
        raise SiteRefusedError(_why_aborted(str(error), login)) from error
    except instaloader.ProfileNotExistsException as error:
        raise AccountRefusedError(
            "missing: deleted, misspelled, or renamed before it was first collected"
        ) from error
    except (instaloader.PrivateProfileNotFollowedException, instaloader.LoginRequiredException) as error:
        if "private" in str(error).lower():
            raise AccountRefusedError("private") from error
        raise AccountRefusedError("shown only after a login; use login=NAME", maybe_blocked=True) from error
    except instaloader.QueryReturnedForbiddenException as error:
        raise PostRefusedError("picture refused") from error
    except instaloader.QueryReturnedNotFoundException as error:
        raise PostRefusedError("not found") from error
    except instaloader.QueryReturnedBadRequestException as error:
        raise AccountRefusedError("answered 400", maybe_blocked=True) from error
    except instaloader.BadResponseException as error:
        raise AccountRefusedError("unexpected answer", maybe_blocked=True) from error
    except (
        instaloader.ConnectionException,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
    ) as error:
        status = _status_in(error)
        if status in _BLOCKED:
            raise SiteRefusedError(
                f"Instagram {_BLOCKED[status]}; come back in some hours, with fewer accounts at a time."
            ) from error
        if isinstance(error.__cause__, requests.exceptions.JSONDecodeError) or status == 200:
            raise AccountRefusedError("unexpected answer", maybe_blocked=True) from error
        reason = "no connection" if status is None else f"answered {status}"
        raise AccountRefusedError(reason, maybe_blocked=True) from error


def is_too_many_requests(error: instaloader.ConnectionException) -> bool:
    """Returns whether an error is the HTTP status 429."""
    return _status_in(error) == 429


def _why_aborted(message: str, login: str | None) -> str:
    if "logged out" in message:
        return (
            f"Instagram has logged {login} out; log in again (instaloader --login {login}) and come back "
            "tomorrow."
        )
    asked = re.search("(checkpoint|challenge|feedback)_required", message)
    return (
        f"Instagram asks for a {asked[1] if asked else 'check'} first: open instagram.com "
        f"{f'as {login} ' if login else ''}in a browser, do what it asks, and come back tomorrow."
    )


def _status_in(error: BaseException | None) -> int | None:
    """Returns the HTTP status in an error's message or in one of its causes."""
    while error is not None:
        if isinstance(error, instaloader.TooManyRequestsException):
            return 429
        if isinstance(error, instaloader.InstaloaderException) and (found := _STATUS.search(str(error))):
            return int(found[1])
        error = error.__cause__
    return None
