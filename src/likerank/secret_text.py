"""Passwords and tokens in texts: found in URIs, and left out of them."""

import logging
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

# Bounded repetitions: a hostile text of a megabyte must not take minutes.
_USER: Final = re.compile(
    r"(\b(?:https?|wss?|s3|ftp)://)[^\s/?#'\"]{1,500}@"  # A token alone is a secret to a server of the web.
    r"|(\b\w[\w+.-]{0,30}://)[^\s/@:'\"]{0,500}:[^\s@'\"]{1,500}@(?:[^\s/@'\"]{1,500}@)*(?=[\w\[.-])",
    re.IGNORECASE,
)
_QUERY: Final = re.compile(
    r"([?#&;,][\w.-]{0,60}(?:password|passwd|pwd|token|secret|api[_-]?key|access[_-]?key|credential|signature)"
    r"[\w.-]{0,60}[=:])"
    r"[^&\s;,'\"]+",
    re.IGNORECASE,
)
_PROPERTY: Final = re.compile(r"(\bAWS_SESSION_TOKEN:)[^&\s,'\"]+", re.IGNORECASE)
_URI: Final = re.compile(r"\b\w[\w+.-]{0,30}://[^\s'\"]*")
_SHORTEST: Final = 6  # A shorter text may be a part of anything.

_hidden: set[str] = set()


def has_password(text: str) -> bool:
    """Whether a text holds a URI with a password, a token or another secret."""
    return "://" in text and without_passwords(text) != text


def without_passwords(text: str) -> str:
    """Returns a text with the user and the password of each URI, and secrets in queries, left out.

    A URI that holds them only once it is decoded is left out but for its scheme.
    """
    for hidden in _hidden:
        text = text.replace(hidden, "...")
    if "://" not in text:
        return text
    return _URI.sub(_unless_encoded, _without_plain(text))


def hide_path_of(uri: str) -> None:
    """Leaves what follows the server's name in a web address out of all texts: it may be a token."""
    if uri.startswith(("http://", "https://")):
        parts = urlsplit(uri)
        for part in (parts.path.strip("/"), parts.query, parts.fragment):
            if len(part) >= _SHORTEST:
                _hidden.add(part)


def redact_logs() -> None:
    """Leaves passwords out of the lines that this process logs, whichever library writes them."""
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Redacting):
        logging.setLogRecordFactory(_Redacting(make))


class _Redacting:
    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401
        record = self._make(*args, **kwargs)
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # Logging tells that itself.
            return record
        if (redacted := without_passwords(message)) != message:
            record.msg, record.args = redacted, ()
        return record


def _unless_encoded(found: re.Match[str]) -> str:
    decoded = found[0]
    for _ in range(3):
        decoded = unquote(decoded)
    return found[0] if _without_plain(decoded) == decoded else f"{found[0].partition('://')[0]}://..."


def _without_plain(text: str) -> str:
    text = _USER.sub(lambda found: found[1] or found[2], text)
    return _PROPERTY.sub(r"\1...", _QUERY.sub(r"\1...", text))
