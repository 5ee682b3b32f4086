"""The list of accounts: a text file."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from likerank.errors import LikerankError

_USERNAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.]{0,28}[a-z0-9_])?")
_ADDRESS: Final = re.compile(r"(?:https?://)?(?:www\.|m\.)?instagram\.com/(?P<path>[^?#]*).*", re.IGNORECASE)
# First parts of addresses that are no accounts.
_NO_ACCOUNTS: Final = {"p", "reel", "reels", "tv", "stories", "explore", "accounts", "direct", "s", "share"}


@dataclass(slots=True)
class AccountList:
    """The accounts that a file lists."""

    usernames: list[str] = field(default_factory=list)  # In lower case and the file's order, no duplicates.
    refused: dict[str, str] = field(default_factory=dict)  # Invalid lines (file and number), and what to do.


def read_accounts(path: Path) -> AccountList:
    """Reads one account a line: a username, with or without @, or a profile's address; # begins a comment.

    Raises:
        LikerankError: If the file cannot be read or names no account.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "is no text file" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise LikerankError(f"The list of accounts {path} cannot be read: {why}.") from error
    accounts = AccountList()
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.split("#", 1)[0].strip()
        if not entry:
            continue
        username = _username_in(entry)
        if username is None:
            why = f"{entry!r} is no account; write a username or a profile's address"
            accounts.refused[f"{path}, line {number}"] = why
        elif username not in accounts.usernames:
            accounts.usernames.append(username)
    if not accounts.usernames:
        raise LikerankError(f"The list of accounts {path} names no account; write one username a line.")
    return accounts


def _username_in(entry: str) -> str | None:
    if address := _ADDRESS.fullmatch(entry):
        parts = [part for part in address["path"].split("/") if part]
        if not parts or parts[0].lower() in _NO_ACCOUNTS:
            return None
        entry = parts[0]
    username = entry.removeprefix("@").lower()
    return username if _USERNAME.fullmatch(username) else None
