"""The summary of a refresh, as JSON for monitoring."""

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from likerank.app.sentences import sentence_of
from likerank.errors import LikerankError
from likerank.files import write_whole
from likerank.secret_text import without_passwords

DONE: Final = "done"
INCOMPLETE: Final = "incomplete"
FAILED: Final = "failed"
REFUSED: Final = "refused"
INTERRUPTED: Final = "interrupted"
LAST: Final = "last.json"

_GROUPS: Final = ("collected", "ingested", "snapshot", "gain")


class AnotherRefreshError(LikerankError):
    """Another refresh is running."""


@dataclass
class RefreshSummary:
    """The outcome of a refresh; None stands for what it did not reach.

    Attributes:
        started: When it started (UTC).
        finished: When it ended (UTC).
        status: `done`; `incomplete`, where the collect was; `failed`, where anything else went wrong;
            `refused`, where another refresh was running; `interrupted`.
        exit_status: The command's: 0, the collect's 3 or 4, or 1.
        run: The refresh's run in MLflow.
        collected: Posts that are new and posts observed again, skipped by reason, accounts failed with why,
            and why the site stopped it, if it did.
        ingested: What the store wrote, by `WriteCounts`' names; what was left out, by reason; how many of
            these records somebody can mend, and a sentence for each of the first.
        snapshot: Its fingerprint and the number of posts of each split.
        new_posts: Posts of the snapshot that the last judged training has not seen.
        trained: The run of the training.
        gain: By how much it ranks better than the champion before it: metric, estimate, low, high.
        promoted: Whether it became champion.
        champion: The run that is champion now; None where none has enough evidence.
        errors: A sentence for each error.
        file: The file that it was written to.
    """

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished: datetime | None = None
    status: str = DONE
    exit_status: int = 0
    run: str | None = None
    collected: dict[str, Any] | None = None
    ingested: dict[str, Any] | None = None
    snapshot: dict[str, Any] | None = None
    new_posts: int | None = None
    trained: str | None = None
    gain: dict[str, Any] | None = None
    promoted: bool = False
    champion: str | None = None
    errors: list[str] = field(default_factory=list)
    file: Path | None = field(default=None, init=False)

    def fail(self, error: BaseException) -> None:
        """Records an error, once."""
        sentence = without_passwords(sentence_of(error) or f"{type(error).__name__}: {error}".rstrip(": "))
        if sentence not in self.errors:
            self.errors.append(sentence)
        self.exit_status = 1
        self.status = FAILED if isinstance(error, Exception) else INTERRUPTED
        if isinstance(error, AnotherRefreshError):
            self.status = REFUSED

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Records and prints an error inside a `with` statement; the refresh goes on after it."""
        try:
            yield
        except Exception as error:
            self.fail(error)
            if sentence_of(error) is None:
                print(without_passwords("".join(traceback.format_exception(error))), file=sys.stderr)
            else:
                print(f"likerank: {self.errors[-1]}", file=sys.stderr)

    @contextmanager
    def written_to(self, folder: Path) -> Iterator[None]:
        """Writes the summary into a folder on exit, with the error that a `with` statement ended with."""
        try:
            yield
        except BaseException as error:
            self.fail(error)
            raise
        finally:
            self.finished = self.finished or datetime.now(UTC)
            self.file = self.write(folder)

    def to_text(self) -> str:
        """Returns the summary as JSON, with times as ISO 8601 and without passwords."""
        plain = asdict(self)
        del plain["file"]
        for key in ("started", "finished"):
            if (moment := plain[key]) is not None:
                plain[key] = moment.isoformat(timespec="milliseconds")
        return without_passwords(json.dumps(plain, indent=2)) + "\n"

    def metrics(self) -> dict[str, float]:
        """Returns the numbers by name, `group/name` where several belong together."""
        numbers: dict[str, Any] = {
            f"{group}/{name}": number
            for group in _GROUPS
            for name, number in (getattr(self, group) or {}).items()
        }
        numbers |= {name: getattr(self, name) for name in ("new_posts", "promoted", "exit_status")}
        if self.collected is not None:
            numbers["collected/failed"] = len(self.collected["failed"])
        return {name: float(number) for name, number in numbers.items() if isinstance(number, int | float)}

    def write(self, folder: Path) -> Path:
        """Writes the summary into a folder, as a file of its own and as `last.json`; returns the first."""
        folder.mkdir(parents=True, exist_ok=True)
        own = folder / f"{self.started:%Y-%m-%d_%H-%M-%S-%f}.json"
        with FileLock(folder / ".lock"):  # A refused refresh writes a summary, too.
            for file in (own, folder / LAST):
                write_whole(file, self.to_text())
        return own
