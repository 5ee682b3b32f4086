"""Counts of a collection: of one account's pass, and of all accounts."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

from likerank.errors import LikerankError

FORGOTTEN: Final = "forgotten"
"""The reason under which accounts on the opt-out list are counted."""
SOME_FAILED: Final = 3
STOPPED: Final = 4


@dataclass(slots=True)
class Collected:
    """Counts of posts.

    Attributes:
        new: Posts that are new in the archive.
        observed: Posts that were in the archive and whose counts were read again.
        hidden: Posts among both whose likes Instagram hides.
        skipped: Posts left out, by reason.
    """

    new: int = 0
    observed: int = 0
    hidden: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Collected") -> None:
        """Adds the counts of a pass."""
        self.new += other.new
        self.observed += other.observed
        self.hidden += other.hidden
        self.skipped += other.skipped


@dataclass(slots=True)
class CollectSummary(Collected):
    """The result of a collection.

    Attributes:
        listed: Accounts on the list.
        accounts: Accounts that were collected completely.
        failed: Accounts that could not be collected, and why.
        stopped: Why Instagram blocked the visitor, and when to run collect again; None where it did not.
    """

    listed: int = 0
    accounts: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None

    @property
    def exit_status(self) -> int:
        """0 if complete, 3 if some accounts failed, 4 if Instagram blocked the visitor."""
        return STOPPED if self.stopped else SOME_FAILED if self.failed else 0

    def raise_if_incomplete(self) -> None:
        """Raises the command's error, if there is one.

        Raises:
            LikerankError: With the exit status, if accounts failed or Instagram blocked the visitor.
        """
        if self.stopped:
            raise LikerankError(self.stopped, exit_status=STOPPED)
        if self.failed:
            raise LikerankError(
                f"{len(self.failed)} of the accounts failed, see the table; all others are in "
                "the archive. Run collect again to retry them.",
                exit_status=SOME_FAILED,
            )

    def print(self) -> None:
        """Prints the summary as a table."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_row("accounts", f"{self.accounts} of {self.listed}")
        table.add_row("new posts", str(self.new))
        table.add_row("observed again", str(self.observed))
        if self.hidden:
            table.add_row("  of both, likes hidden", str(self.hidden))
        for reason, number in self.skipped.most_common():
            table.add_row(f"skipped: {reason}", str(number))
        for account, reason in self.failed.items():
            table.add_row(f"failed: {account}", reason)
        Console(soft_wrap=True).print(table, markup=False, highlight=False)
