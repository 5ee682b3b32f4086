"""Passwords and tokens in texts: found in URIs, and left out of them."""

import re
from typing import Final

_USER: Final = re.compile(
    r"(\b(?:https?|wss?|s3|ftp)://)[^\s/?#'\"]+@"  # A token alone is a secret to a server of the web.
    r"|(\b\w[\w+.-]*://)[^\s/@:'\"]*:[^\s@'\"]+@(?:[^\s/@'\"]+@)*(?=[\w\[.-])",
    re.IGNORECASE,
)
_QUERY: Final = re.compile(
    r"([?&;,][\w.-]*(?:password|passwd|pwd|token|secret|api[_-]?key|access[_-]?key|credential|signature)[\w.-]*[=:])"
    r"[^&\s;,'\"]+",
    re.IGNORECASE,
)
_PROPERTY: Final = re.compile(r"(\bAWS_SESSION_TOKEN:)[^&\s,'\"]+", re.IGNORECASE)


def has_password(text: str) -> bool:
    """Whether a text holds a URI with a password, a token or another secret."""
    return "://" in text and without_passwords(text) != text


def without_passwords(text: str) -> str:
    """Returns a text with the user and the password of each URI, and secrets in queries, left out."""
    if "://" not in text:
        return text
    text = _USER.sub(lambda found: found[1] or found[2], text)
    return _PROPERTY.sub(r"\1...", _QUERY.sub(r"\1...", text))
