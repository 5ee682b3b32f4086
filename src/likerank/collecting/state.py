"""What the collector remembers between its runs, beside the archive: stamps, names, and passes cut short."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from instaloader import FrozenNodeIterator, LatestStamps

from likerank.files import write_whole

STATE_FOLDER: Final = ".collect"
LOCK: Final = "lock"
STAMPS: Final = "stamps.ini"
_UNFINISHED: Final = "unfinished.json"
_GOES_ON_FOR: Final = timedelta(hours=12)


@dataclass(slots=True)
class Pass:
    """A pass over an account's posts, from the newest back, that is not complete.

    Attributes:
        number: Posts gone through.
        newest: When the newest post among them was made, in seconds since 1970.
        front: The posts at the front: shortcode to when they were made, in seconds since 1970, as a negative
            number where they have no photo.
        frozen: The fields of Instaloader's frozen iterator, from the next post on; None before the first.
        visiting: What was heard of a post that is not done with.
        heard_at: When that was heard, in seconds since 1970.
    """

    number: int = 0
    newest: float = 0.0
    front: dict[str, float] = field(default_factory=dict)
    frozen: dict[str, Any] | None = None
    visiting: dict[str, Any] | None = None
    heard_at: float = 0.0

    def iterator(self) -> FrozenNodeIterator | None:
        """Returns what the pass goes on with; None where there is nothing, or its addresses have expired."""
        if self.frozen is None:
            return None
        frozen = FrozenNodeIterator(**self.frozen)
        if not frozen.best_before or frozen.best_before < datetime.now(UTC).timestamp():
            return None
        return frozen


@dataclass(slots=True)
class AccountState:
    """What is known of one account.

    Attributes:
        folder: The name of its folder in the archive: its username when last seen.
        front: The posts at its front in the last complete pass, as in `Pass`.
        count: How many posts the last complete pass was asked for; None: all.
        since: From when on it was asked for posts, in seconds since 1970.
        pending: Shortcodes of posts that could not be had, to the number of times they were tried.
        current: The pass that was cut short, if one was.
    """

    folder: str = ""
    front: dict[str, float] = field(default_factory=dict)
    count: int | None = None
    since: float = 0.0
    pending: dict[str, int] = field(default_factory=dict)
    current: Pass | None = None


class CollectState:
    """The files in an archive's `.collect` folder; each change is on disk when a method returns.

    Args:
        archive: The archive's folder.
    """

    def __init__(self, archive: Path) -> None:
        self._folder = archive / STATE_FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._began = datetime.now(UTC).isoformat()
        self._stamps = LatestStamps(str(self._folder / STAMPS))  # type: ignore[no-untyped-call]

    def account(self, author_id: int) -> AccountState:
        """Returns what is known of an account; nothing at first, or where its file was damaged."""
        try:
            fields = json.loads(self._file_of(author_id).read_text())
            current = fields.pop("current")
            return AccountState(**fields, current=None if current is None else Pass(**current))
        except (OSError, ValueError, TypeError, KeyError):
            return AccountState()

    def keep(self, author_id: int, account: AccountState) -> None:
        """Writes down what is known of an account."""
        write_whole(self._file_of(author_id), json.dumps(asdict(account), separators=(",", ":")))

    def id_of(self, listed: str) -> int | None:
        """Returns the id behind a name as it is listed, once it was met."""
        found = self._stamps.get_profile_id(listed)
        return None if found is None else int(found)

    def meet(self, listed: str, username: str, author_id: int) -> None:
        """Notes which account a listed name means, and what that account is called now."""
        before = next(
            (
                name
                for name in self._stamps.data.sections()
                if name != username
                and self._stamps.get_profile_id(name) == author_id
                and self._stamps.data.has_option(name, LatestStamps.POST_TIMESTAMP)
            ),
            None,
        )
        with self._saving() as stamps:
            if before is not None:
                stamps.rename_profile(before, username)
            for name in {listed, username}:
                if stamps.get_profile_id(name) != author_id:
                    stamps.save_profile_id(name, author_id)

    def complete_until(self, username: str) -> datetime:
        """Returns when the newest post was made up to which an account is complete; 1970 before that."""
        return self._stamps.get_last_post_timestamp(username)

    def complete(self, username: str, newest: float) -> None:
        """Notes that an account is complete up to a moment, in seconds since 1970."""
        moment = datetime.fromtimestamp(newest, UTC)
        if moment > self.complete_until(username):
            with self._saving() as stamps:
                stamps.set_last_post_timestamp(username, moment)

    def done_before(self, wanted: str) -> list[str]:
        """Returns the accounts that a collection was through with when it was cut short, some hours ago.

        Args:
            wanted: What was asked for; a collection of something else does not go on.
        """
        try:
            unfinished = json.loads((self._folder / _UNFINISHED).read_text())
            is_recent = datetime.now(UTC) - datetime.fromisoformat(unfinished["began"]) < _GOES_ON_FOR
            if is_recent and unfinished["wanted"] == wanted:
                self._began = unfinished["began"]
                return [str(name) for name in unfinished["done"]]
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return []

    def note_done(self, wanted: str, done: list[str]) -> None:
        """Notes which accounts a collection is through with."""
        unfinished = {"began": self._began, "wanted": wanted, "done": done}
        write_whole(self._folder / _UNFINISHED, json.dumps(unfinished))

    def finish(self) -> None:
        """Notes that a collection has come to its end."""
        (self._folder / _UNFINISHED).unlink(missing_ok=True)

    def _file_of(self, author_id: int) -> Path:
        return self._folder / f"{author_id}.json"

    @contextmanager
    def _saving(self) -> Iterator[LatestStamps]:
        """Lets Instaloader write its stamps beside their file, and puts them in its place at the end."""
        file, beside = self._folder / STAMPS, self._folder / f"{STAMPS}.tmp"
        self._stamps.file = str(beside)
        yield self._stamps
        if beside.exists():
            beside.replace(file)
