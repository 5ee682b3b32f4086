"""State of the collector between runs, beside the archive: stamps, names, and interrupted passes."""

import configparser
import hashlib
import io
import json
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from instaloader import FrozenNodeIterator, LatestStamps

from likerank.errors import LikerankError
from likerank.files import write_whole

STATE_FOLDER: Final = ".collect"
_STAMPS: Final = "stamps.ini"
_SECTION: Final = re.compile(r"\[([\w.]+)\]")
_STAMP: Final = re.compile(r"(profile-id|post-timestamp) = (\S+)")


@contextmanager
def locked_archive(archive: Path) -> Iterator[None]:
    """Holds the lock of an archive's only writer.

    Raises:
        LikerankError: If another process writes to the archive, or it cannot be written.
    """
    lock = archive / STATE_FOLDER / "lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise LikerankError(
            f"Another command is writing to the archive {archive}; run this one again when it has ended, or "
            "set another paths.archive."
        ) from None
    except OSError as error:
        raise LikerankError(f"The archive {archive} cannot be written: {error.strerror or error}.") from error


@dataclass(slots=True)
class Pass:
    """An incomplete pass over an account's posts, from the newest back; times are seconds since 1970."""

    number: int = 0  # Number of posts done.
    newest: float = 0.0  # Time of the newest of these posts.
    front: dict[str, float] = field(default_factory=dict)  # Times of the first; negative without a photo.
    frozen: dict[str, Any] | None = None  # Instaloader's frozen iterator over the other posts.
    visiting: dict[str, Any] | None = None  # The node of the post in progress.
    heard_at: float = 0.0  # When that node was received.

    def iterator(self) -> FrozenNodeIterator | None:
        """Returns the iterator over the other posts; None if missing or expired."""
        if self.frozen is None or (self.frozen["best_before"] or 0) < datetime.now(UTC).timestamp():
            return None
        return FrozenNodeIterator(**self.frozen)


@dataclass(slots=True)
class AccountState:
    """State of one account."""

    folder: str = ""  # Its folder in the archive: its username in the last pass.
    front: dict[str, float] = field(default_factory=dict)  # `Pass.front` of the last complete pass.
    count: int | None = None  # The number of posts that the last complete pass wanted; None: all.
    since: float = 0.0  # The time of the oldest post that it wanted.
    pending: dict[str, int] = field(default_factory=dict)  # Attempts by shortcode of unavailable posts.
    current: Pass | None = None  # The interrupted pass.


class CollectState:
    """The files in an archive's `.collect` folder; each change is on disk when a method returns."""

    def __init__(self, archive: Path) -> None:
        self.folder = archive / STATE_FOLDER
        self._unfinished = self.folder / "unfinished.json"
        self._began = datetime.now(UTC).isoformat()
        # Instaloader's own reading ends at a damaged line, and its writing is not atomic; see `_saving`.
        self._stamps = LatestStamps(os.devnull)  # type: ignore[no-untyped-call]
        self._stamps.data = _read_stamps(self.folder / _STAMPS)

    def account(self, author_id: int) -> AccountState:
        """Returns the state of an account; an empty one for a new account or a damaged file."""
        with suppress(FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            text, _, digest = self._file_of(author_id).read_text().partition("\n")
            if digest in ("", _digest(text)):  # Earlier versions wrote none.
                fields = json.loads(text)
                current = fields.pop("current")
                account = AccountState(**fields, current=None if current is None else Pass(**current))
                if account.current is not None:
                    account.current.iterator()  # Raises where Instaloader's part is damaged.
                return account
        return AccountState()

    def keep(self, author_id: int, account: AccountState) -> None:
        """Writes the state of an account."""
        text = json.dumps(asdict(account), separators=(",", ":"))
        write_whole(self._file_of(author_id), f"{text}\n{_digest(text)}")

    def id_of(self, listed: str) -> int | None:
        """Returns the id of an account by its name on the list; None before its first pass."""
        found = self._stamps.get_profile_id(listed)
        return None if found is None else int(found)

    def names(self) -> dict[str, set[str]]:
        """Returns all names of the accounts, by their ids."""
        names: dict[str, set[str]] = defaultdict(set)
        for name in self._stamps.data.sections():
            if author_id := self._stamps.data.get(name, LatestStamps.PROFILE_ID, fallback=""):
                names[author_id].add(name)
        return names

    def note_name(self, listed: str, username: str, author_id: int) -> None:
        """Notes the id of a name on the list and the account's current name."""
        with self._saving() as stamps:
            for name in self.names().get(str(author_id), set()) - {username}:
                if stamps.data.has_option(name, LatestStamps.POST_TIMESTAMP):
                    stamps.rename_profile(name, username)
            for name in {listed, username}:
                if stamps.get_profile_id(name) != author_id:
                    stamps.save_profile_id(name, author_id)

    def complete_until(self, username: str) -> datetime:
        """Returns the time of the newest post of the last complete pass; 1970 before the first."""
        newest = self._stamps.get_last_post_timestamp(username)
        # A post of the future is a damaged digit, and no pass would ever find a newer one.
        return newest if newest < datetime.now(UTC) + timedelta(days=1) else datetime.fromtimestamp(0, UTC)

    def complete(self, username: str, newest: float) -> None:
        """Notes a complete pass, by the time of its newest post in seconds since 1970."""
        moment = datetime.fromtimestamp(newest, UTC)
        if moment > self.complete_until(username):
            with self._saving() as stamps:
                stamps.set_last_post_timestamp(username, moment)

    def done_before(self, wanted: str) -> list[str]:
        """Returns the complete accounts of a collection of these posts, interrupted in the last 12 hours."""
        with suppress(FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
            unfinished = json.loads(self._unfinished.read_text())
            age = datetime.now(UTC) - datetime.fromisoformat(unfinished["began"])
            if age < timedelta(hours=12) and unfinished["wanted"] == wanted:
                self._began = unfinished["began"]
                return [str(name) for name in unfinished["done"]]
        return []

    def note_done(self, wanted: str, done: list[str]) -> None:
        """Notes the complete accounts of this collection."""
        write_whole(self._unfinished, json.dumps({"began": self._began, "wanted": wanted, "done": done}))

    def finish(self) -> None:
        """Notes the end of this collection: the next one begins with the first account."""
        self._unfinished.unlink(missing_ok=True)

    def remove_names(self, author_id: str, names: Collection[str]) -> None:
        """Removes an account's names, and those of these names that have no id."""
        data = self._stamps.data
        theirs = [
            name
            for name in data.sections()
            if data.get(name, LatestStamps.PROFILE_ID, fallback=author_id if name.lower() in names else "")
            == author_id
        ]
        if theirs:
            with self._saving():
                for name in theirs:
                    data.remove_section(name)

    def _file_of(self, author_id: int) -> Path:
        return self.folder / f"{author_id}.json"

    @contextmanager
    def _saving(self) -> Iterator[LatestStamps]:
        """Writes the stamps at the end, as one atomic replacement."""
        yield self._stamps
        text = io.StringIO()
        self._stamps.data.write(text)
        write_whole(self.folder / _STAMPS, text.getvalue())


def _read_stamps(file: Path) -> configparser.ConfigParser:
    """Reads the stamps; of a damaged file the lines that are whole, and that file is kept beside."""
    stamps = configparser.ConfigParser(interpolation=None, strict=False)
    if not file.is_file():
        return stamps
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        stamps.read_string(text)
    except configparser.Error:
        kept = file.with_suffix(".damaged")
        write_whole(kept, text)
        print(f"{file} is damaged (kept as {kept.name}): the accounts that it lacks are visited anew.")
        stamps = configparser.ConfigParser(interpolation=None, strict=False)
        section = ""
        for line in text.splitlines():
            if found := _SECTION.fullmatch(line):
                section = found[1]
            elif section and (found := _STAMP.fullmatch(line)):
                stamps.read_dict({section: {found[1]: found[2]}})
    return stamps


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
