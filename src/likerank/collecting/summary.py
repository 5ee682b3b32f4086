"""Counts of a collection: of one account's pass, and of all accounts."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

from likerank.errors import LikerankError

FORGOTTEN: Final = "forgotten"
"""The reason under which accounts on the opt-out list are counted."""


@dataclass(slots=True)
class Collected:
    """Counts of posts."""

    new: int = 0  # Posts that are new in the archive.
    observed: int = 0  # Posts that were in the archive and whose counts were read again.
    hidden: int = 0  # Posts among both whose likes Instagram hides.
    skipped: Counter[str] = field(default_factory=Counter)  # Posts left out, by reason.

    def add(self, other: "Collected") -> None:
        """Adds the counts of a pass."""
        self.new += other.new
        self.observed += other.observed
        self.hidden += other.hidden
        self.skipped += other.skipped


@dataclass(slots=True)
class CollectSummary(Collected):
    """The result of a collection."""

    listed: int = 0  # Accounts on the list.
    accounts: int = 0  # Accounts that were collected completely.
    failed: dict[str, str] = field(default_factory=dict)  # Accounts that could not be collected, and why.
    stopped: str | None = None  # Why Instagram blocked the visitor, and when to run collect again.

    @property
    def exit_status(self) -> int:
        """0 if complete, 3 if some accounts failed, 4 if Instagram blocked the visitor."""
        return 4 if self.stopped else 3 if self.failed else 0

    def raise_if_incomplete(self) -> None:
        """Raises a LikerankError with the exit status if that is not 0."""
        if status := self.exit_status:
            failed = (
                f"{len(self.failed)} of the accounts failed, see the table; all others are in the archive. "
                "Run collect again to retry them."
            )
            raise LikerankError(self.stopped or failed, exit_status=status)

    def print(self) -> None:
        """Prints the summary as a table."""
        rows = {
            "accounts": f"{self.accounts} of {self.listed}",
            "new posts": self.new,
            "observed again": self.observed,
            **({"  of both, likes hidden": self.hidden} if self.hidden else {}),
            **{f"skipped: {reason}": number for reason, number in self.skipped.most_common()},
            **{f"failed: {account}": reason for account, reason in self.failed.items()},
        }
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for name, value in rows.items():
            table.add_row(name, str(value))
        Console(soft_wrap=True).print(table, markup=False, highlight=False)
